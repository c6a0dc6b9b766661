"""The whole answer, through the store: that its parts fit together, and what goes wrong in a sentence."""

import dataclasses
import math
import re

import numpy as np
import pytest

from lth_engine.analysis import pac_bayes
from lth_engine.analysis.bounds.bound_formulas import binary_kl
from lth_engine.answer import StoredInputs, answer
from lth_engine.core.artifact import texts
from lth_engine.core.errors import Cancelled, NonFinite
from lth_engine.core.workbench import Workbench
from lth_engine.specs.bounds import PacBayes
from lth_engine.specs.controls import RandomMask
from lth_engine.specs.finding import Imp, Lrr, OneShot
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from tests.analysis.toy_network import Memory
from tests.data.layouts import write_imagenet100

TRAINING = Training(length="2ep", batch_size=64)
LENET, RESNET = Lenet300100(first=30, second=20), CifarResnet(depth=8, width=4)
PRIORS = ("spike_and_slab", "gaussian_init", "gaussian_zero")


def of(model, search=None, training=TRAINING):
    """The run of a ticket with 36% of the weights."""
    search = OneShot(fraction=0.64) if search is None else search
    start = DenseTicket(model=model, training=training, rewind=search.rewind)
    return Run(ticket=FoundTicket(start=start, training=training, search=search), training=training)


def asked(run, **knobs):
    return PacBayes(**({"of": run, "length": 2, "samples": 3, "networks": 40} | knobs))


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def found(store, data_root):
    """Answers through the store."""
    return lambda question: answer(question, store, data_root=data_root)


@pytest.fixture(scope="module")
def solve(found, store, data_root):
    """Answers with a bench of one's own."""
    def solved(question, inputs=None, **bench):
        for needed in question.inputs():
            found(needed)
        return pac_bayes.answer(question, inputs or StoredInputs(store), Workbench(data_root, **bench))
    return solved


@pytest.mark.parametrize("model", [LENET, RESNET], ids=["lenet", "resnet"])
@pytest.mark.parametrize("prior", PRIORS)
def test_the_parts_fit_together(model, prior, found):
    result = found(asked(of(model), prior=prior, lr=1.0))
    s, a, n = result.summary, result.arrays, 1210
    assert s["n"] == n
    run = found(of(model))
    names, sizes = texts(a["layers/name"]), a["layers/size"]
    pruned = run.summary["prunable"] - run.summary["kept"] if prior == "spike_and_slab" else 0
    assert names == [m for m in run.group("final") if "running" not in m and "tracked" not in m]
    assert s["perturbed"] == sizes.sum() - pruned, "T29: every weight that is perturbed is in the divergence"
    assert s["parameters"] == sizes.sum()
    assert s["density"] == run.summary["density"]
    assert s["test_error"] == pytest.approx(1 - run.summary["test_accuracy"], abs=1e-12)
    for name, group in (("oracle", "layers"), ("certified", "certified_layers")):
        assert s[f"{name}_kl"] == pytest.approx(s[f"{name}_kl_gaussian"] + s[f"{name}_kl_mask"])
        for part in ("gaussian", "mask"):
            assert a[f"{group}/kl_{part}"].sum() == pytest.approx(s[f"{name}_kl_{part}"], rel=1e-9)
            assert (s["oracle_kl_mask"] > 0) == (prior == "spike_and_slab")
        assert (a[f"{group}/kl_mask"] > 0).tolist() == [
            prior == "spike_and_slab" and m in run.group("mask") for m in names]
    half = (s["oracle_kl"] + math.log(2 * math.sqrt(n) / 0.01)) / (2 * n)
    assert s["oracle_quad"] == pytest.approx((math.sqrt(s["oracle_risk"] + half) + math.sqrt(half)) ** 2)
    assert s["oracle_pinsker"] == pytest.approx(s["oracle_risk"] + math.sqrt(half))
    assert s["oracle_bound"] == min(s["oracle_quad"], s["oracle_pinsker"])
    assert s["oracle_risk"] == pytest.approx(a["samples/error"].mean())
    assert s["oracle_risk_stderr"] == pytest.approx(a["samples/error"].std(ddof=1) / math.sqrt(3))
    paid = s["certified_kl"] + s["certified_grid_cost"] + s["certified_input_cost"]
    limit = s["certified_risk"] + s["certified_sample_term"]
    assert s["certified_bound"] > limit > s["certified_risk"]
    if s["certified_bound"] < 1 - 1e-9:
        assert binary_kl(limit, s["certified_bound"]) == pytest.approx(
            (paid + math.log(2 * math.sqrt(n) / 0.005)) / n, rel=1e-4)
    assert s["certified_kl_gaussian"] > s["oracle_kl_gaussian"], "one variance for all is never better than the best"
    assert s["certified_networks"] == 40
    assert s["chance_error"] == 0.9
    for name in ("oracle", "certified"):
        assert s[f"{name}_vacuous"] == (s[f"{name}_bound"] >= 0.9)
    assert len(a["history/epoch"]) == 2
    assert s["certified_valid"] == (model == LENET)
    assert bool(s["certified_why_not"]) != s["certified_valid"]


def naive_kl(run, start, prior, sigma, mask):
    """Per weight, in the plainest way: 0.5 log(1 + d^2 / sigma^2) for each that is drawn."""
    total = 0.0
    for name, final in run.items():
        if "running" in name or "tracked" in name:
            continue
        mean = np.zeros_like(final) if prior == "gaussian_zero" else start[name]
        kept = mask.get(name, np.ones(final.shape, bool))
        drawn = kept if prior == "spike_and_slab" else np.ones(final.shape, bool)
        total += sum(0.5 * math.log(1 + (float(w) - float(m)) ** 2 / sigma**2)
                     for w, m in zip(final[drawn], mean[drawn], strict=True))
    return total


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("model", [LENET, RESNET], ids=["lenet", "resnet"])
def test_the_divergence_is_from_where_training_started(model, prior, found):
    question = asked(of(model), prior=prior, length=0)
    s, run = found(question).summary, found(of(model))
    start, sigma = found(of(model).ticket).group("start"), math.log1p(math.exp(-4))
    expected = naive_kl(run.group("final"), start, prior, sigma, run.group("mask"))
    assert s["oracle_kl_gaussian"] == pytest.approx(expected, rel=1e-5)
    if prior == "spike_and_slab":
        kept, pruned = run.summary["kept"], run.summary["prunable"] - run.summary["kept"]
        share = pruned / (kept + pruned)
        assert s["oracle_kl_mask"] == pytest.approx(-kept * math.log(1 - share) - pruned * math.log(share))


def test_the_certified_prior_at_the_start_knows_no_mask(found):
    """Under gaussian_init the pruned weights cost their distance from where the dense network started."""
    question = asked(of(LENET), prior="gaussian_init", length=0)
    result, dense = found(question), found(question.of.ticket.dense).group("start")
    final, sigma = found(question.of).group("final"), math.log1p(math.exp(-4))
    prior = result.summary["certified_prior_sigma"]
    expected = sum(float((np.log(prior / sigma) + (sigma**2 + (final[n].astype(float) - dense[n]) ** 2)
                          / (2 * prior**2) - 0.5).sum()) for n in final)
    assert result.summary["certified_kl_gaussian"] == pytest.approx(expected, rel=1e-5)
    assert result.summary["certified_valid"] is True


def test_a_dense_ticket_has_a_bound_too(found):
    """Density 1: the mask costs nothing, and spike and slab is the normal prior around the start."""
    run = Run(ticket=DenseTicket(model=LENET, training=TRAINING), training=TRAINING)
    spike, gauss = (found(asked(run, prior=prior)) for prior in ("spike_and_slab", "gaussian_init"))
    assert spike.summary["density"] == 1
    assert spike.summary["oracle_kl_mask"] == spike.summary["certified_kl_mask"] == 0
    assert spike.summary["perturbed"] == spike.summary["parameters"]
    for name in ("oracle_bound", "oracle_kl", "oracle_risk", "certified_kl", "certified_risk"):
        assert spike.summary[name] == gauss.summary[name]
    assert all(np.isfinite(v) for v in spike.summary.values() if isinstance(v, float))
    assert spike.summary["certified_grid_cost"] > gauss.summary["certified_grid_cost"] > 0


def test_rewound_tickets_and_inherited_weights_are_no_certificate(found):
    for search in (OneShot(fraction=0.5, rewind="5it"), Lrr(fraction=0.5)):
        run = of(LENET, search)
        spike, zero = (found(asked(run, prior=prior, length=0, samples=1)).summary
                       for prior in ("spike_and_slab", "gaussian_zero"))
        assert spike["certified_valid"] is False
        assert re.search(r"around weights that were made from training images.*\.$", spike["certified_why_not"])
        assert spike["oracle_risk_stderr"] is None
        assert zero["certified_valid"] is True
    run = of(LENET, Imp(fraction=0.5))
    control = run.replace(ticket=RandomMask(of=run.ticket))
    assert found(asked(control, length=0, samples=1)).summary["certified_valid"] is True


def test_the_images_and_labels_are_those_of_the_training(found):
    training = Training(length="10ep", batch_size=16, subset=0.5, label_noise=0.5)
    run = Run(ticket=DenseTicket(model=LENET, training=training), training=training)
    s = found(asked(run, length=0)).summary
    assert 590 < s["n"] < 620
    assert s["train_error"] > s["test_error"] + 0.2, "half of the labels were drawn anew"
    assert "noisy labels" in s["certified_why_not"]


@pytest.mark.parametrize(("model", "prior", "at"), [
    *((LENET, "spike_and_slab", at) for at in (0.5, 1.6, 2.9, 3.7)), (RESNET, "gaussian_init", 1.6)])
def test_a_stopped_bound_goes_on_bit_for_bit(model, prior, at, solve, monkeypatch):
    monkeypatch.setattr("lth_engine.core.meter.REPORT_SECONDS", 0)
    question, memory, reports = asked(of(model), prior=prior, lr=1.0), Memory(), []

    def stop(progress):
        if progress.done >= at:
            raise Cancelled("Stopped.")

    whole = solve(question)
    with pytest.raises(Cancelled):
        solve(question, report=stop, checkpoint=memory)
    assert len(memory.saved[0]["history/epoch"]) == min(2, int(at))
    resumed = solve(question, report=reports.append, checkpoint=memory)
    assert resumed.summary == whole.summary
    assert resumed.arrays.keys() == whole.arrays.keys()
    assert all(np.array_equal(resumed.arrays[n], whole.arrays[n]) for n in whole.arrays)
    done = [p.done for p in reports if p.total]
    assert at <= done[0] < at + 0.35, "not from the beginning"
    assert done == sorted(done)
    assert done[-1] <= reports[-1].total == question.epochs == pytest.approx(4)


def test_checkpoints_of_another_form_are_left_alone(solve):
    question, memory = asked(of(LENET), length=1, samples=1), Memory()
    memory.saved = ({"history/epoch": np.zeros(1)}, {"form": "pac_bayes 0"})
    assert solve(question, checkpoint=memory).summary == solve(question).summary


class Spoiled:
    """Inputs of which one tensor holds NaN."""

    def __init__(self, inputs, key, name):
        self.inputs, self.key, self.name = inputs, key, name

    def __getitem__(self, key):
        artifact = self.inputs[key]
        if key != self.key:
            return artifact
        arrays = dict(artifact.arrays)
        arrays[self.name] = arrays[self.name] + np.float32("nan")
        return dataclasses.replace(artifact, arrays=arrays)


@pytest.mark.parametrize(("part", "what"), [("final", "at the end"), ("start", "at the start")])
def test_a_network_that_is_not_finite_is_named(part, what, solve, store):
    question = asked(of(LENET))
    solve(question.replace(length=0, samples=1))
    name = next(n for n in answer_names(store, question.of) if n.endswith("bias"))
    key = question.of.key if part == "final" else question.of.ticket.key
    spoiled = Spoiled(StoredInputs(store), key, f"{part}/{name}")
    with pytest.raises(NonFinite, match=rf"{what} of run {question.of.key} .* in {name}: choose another"):
        solve(question, spoiled)


def answer_names(store, run):
    return store.get(run.key).group("final")


def test_images_that_stay_files_have_a_bound_too(tmp_path, monkeypatch):
    data = write_imagenet100(tmp_path, monkeypatch).spec
    run = Run(ticket=DenseTicket(model=CifarResnet(depth=8, width=4), data=data),
              training=Training(length="1ep", batch_size=4))
    found = answer(asked(run, length=1, samples=1, networks=3, batch_size=8), Store(tmp_path / "store"),
                   data_root=tmp_path)
    assert 0 <= found.summary["oracle_risk"] <= 1
    assert found.summary["certified_networks"] == 3
