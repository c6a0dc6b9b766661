"""The curve between two runs, against a plain loop over copies of the networks in double precision."""

import copy
import dataclasses
import itertools
import types

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lth_engine.analysis import connectivity
from lth_engine.analysis.lines import ends
from lth_engine.answer import StoredInputs, answer
from lth_engine.core.connected import connected
from lth_engine.core.errors import BadInput, Cancelled, NonFinite
from lth_engine.core.workbench import Workbench
from lth_engine.data.image_set import load
from lth_engine.models.build import build
from lth_engine.specs.connecting import Connectivity
from lth_engine.specs.controls import RandomMask
from lth_engine.specs.data import Digits
from lth_engine.specs.finding import OneShot
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training.batches import Images
from lth_engine.training.material import material
from tests.analysis.toy_network import Memory
from tests.data.layouts import write_imagenet100

HOW = ("recalibrated", "interpolated", "batch")
TRAINING = Training(length="3ep", batch_size=64)


def pair(model):
    """Two runs with different masks and a question about them."""
    ticket = FoundTicket(start=DenseTicket(model=model), training=TRAINING, search=OneShot(fraction=0.5))
    return Connectivity(first=Run(ticket=ticket, training=TRAINING),
                        second=Run(ticket=RandomMask(of=ticket), training=TRAINING, order_seed=1), points=5)


PAIRS = {"lenet": pair(Lenet300100(first=30, second=20)), "resnet": pair(CifarResnet(depth=8, width=4))}
CASES = [("lenet", "recalibrated")] + [("resnet", how) for how in HOW]
LINES = list(itertools.product(CASES, ("union", "intersection"), (False, True)))
"""Network and protocol, mask, adaptive."""
LINE_IDS = [f"{model}-{how}-{mask}-{'adaptive' if adaptive else 'all'}" for (model, how), mask, adaptive in LINES]


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory, data_root):
    store = Store(tmp_path_factory.mktemp("store"))
    for question in PAIRS.values():
        for run in question.inputs():
            answer(run, store, data_root=data_root)
    return StoredInputs(store)


@pytest.fixture
def one_batch(monkeypatch):
    """All images at once, so that no statistic depends on how they are cut into batches."""
    monkeypatch.setattr(Images, "evaluation_batch", 1_000_000)


@pytest.fixture
def few_images(monkeypatch):
    """The first 120 training and 90 test images, for what does not depend on which they are."""
    def few(data, bench):
        found = material(data, bench)
        train, test = copy.copy(found.train), copy.copy(found.test)
        train.x, train.y, test.x, test.y = train.x[:120], train.y[:120], test.x[:90], test.y[:90]
        return dataclasses.replace(found, train=train, test=test)

    monkeypatch.setattr(connectivity, "material", few)


class Changed:
    """Inputs of which some arrays are replaced."""

    def __init__(self, inputs, key, change):
        self.inputs, self.key, self.change = inputs, key, change

    def __getitem__(self, key):
        artifact = self.inputs[key]
        if key != self.key:
            return artifact
        return dataclasses.replace(artifact, arrays={n: self.change(n, a) for n, a in artifact.arrays.items()})


def images_of(data_root):
    """Normalised images and labels of each part, in double precision."""
    found = load(Digits(), data_root)
    mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (found.mean, found.std))
    return {part: ((getattr(found, f"{part}_x").double() / 255 - mean) / std, getattr(found, f"{part}_y"))
            for part in ("train", "test")}


def networks(question, inputs):
    """The two networks of a question in double precision, masks laid over their weights here."""
    for run in (question.first, question.second):
        artifact = inputs[run.key]
        model = build(run.ticket.dense.model, 1, 8, 8, 10, 0)
        weights, mask = artifact.group("final"), artifact.group("mask")
        model.load_state_dict({n: torch.tensor(w * mask[n] if n in mask else w) for n, w in weights.items()})
        yield model.double()


@torch.no_grad()
def evaluated(model, how, images):
    """Error and loss on test and training images, all in one batch."""
    if how == "recalibrated":
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
        model.train()(images["train"][0])
    row = []
    for part in ("test", "train"):
        x, y = images[part]
        logits = model.train(how == "batch")(x)
        row += [(logits.argmax(1) != y).double().mean().item(), F.cross_entropy(logits, y).item()]
    return row


def naive(question, inputs, images):
    """The curve by deep copies and a loop over their weights: points x (test error, loss, train error, loss)."""
    first, second = networks(question, inputs)
    rows = []
    for i in range(question.points):
        alpha = i / (question.points - 1)
        between, ends = copy.deepcopy(first), (first.state_dict(), second.state_dict())
        between.load_state_dict({n: (1 - alpha) * ends[0][n] + alpha * ends[1][n] for n in ends[0]})
        rows.append(evaluated(between, question.norm_statistics, images))
    return np.array(rows)


def curves(found):
    return np.stack([found.arrays[n] for n in ("test_error", "test_loss", "train_error", "train_loss")], axis=1)


def solve(question, inputs, data_root, **bench):
    return connectivity.answer(question, inputs, Workbench(data_root, **bench))


@pytest.mark.parametrize(("model", "how"), CASES)
def test_the_curve_is_that_of_a_plain_loop(model, how, inputs, data_root, one_batch):
    question = PAIRS[model].replace(norm_statistics=how)
    found = solve(question, inputs, data_root)
    expected = naive(question, inputs, images_of(data_root))
    assert found.arrays["alpha"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curves(found) == pytest.approx(expected, rel=1e-4, abs=1e-9)
    for part, column in (("test", 0), ("train", 2)):
        errors = expected[:, column]
        assert found.summary[f"barrier_{part}"] == pytest.approx(errors.max() - (errors[0] + errors[-1]) / 2)
    assert found.summary["barrier_alpha"] == found.arrays["alpha"][expected[:, 0].argmax()]
    assert found.summary["density_first"] == found.summary["density_second"] == 0.5
    assert 0.7 < found.summary["density_line"] < 0.8


@pytest.mark.parametrize(("model", "how"), CASES)
def test_T12_the_ends_are_the_networks_under_the_protocol_of_the_line(model, how, inputs, data_root, one_batch):
    question = PAIRS[model].replace(norm_statistics=how, points=3)
    found, images = solve(question, inputs, data_root), images_of(data_root)
    for row, network, end in zip(curves(found)[[0, -1]], networks(question, inputs), ("first", "second"), strict=True):
        assert row == pytest.approx(evaluated(network, how, images), rel=1e-4, abs=1e-9)
        assert row.tolist() == [found.summary[f"{end}_{n}"]
                                for n in ("test_error", "test_loss", "train_error", "train_loss")]


def test_T12_with_interpolated_statistics_the_ends_are_what_the_runs_measured(inputs, data_root):
    for question in PAIRS.values():
        found = solve(question.replace(norm_statistics="interpolated"), inputs, data_root)
        for run, end in ((question.first, "first"), (question.second, "second")):
            measured = inputs.summary(run.key)
            assert found.summary[f"{end}_test_error"] == pytest.approx(1 - measured["test_accuracy"], abs=1e-12)
            assert found.summary[f"{end}_test_loss"] == pytest.approx(measured["test_loss"], rel=1e-6)


def spoil(name, array):
    """Running statistics that no training left behind."""
    return array + 3 if name.endswith(("running_mean", "running_var")) else array


def test_T12_no_stored_statistic_reaches_the_ends_unless_it_is_asked_for(inputs, data_root):
    question = PAIRS["resnet"]
    spoiled = Changed(inputs, question.first.key, spoil)
    for how in HOW:
        asked = question.replace(norm_statistics=how)
        clean, dirty = (curves(solve(asked, given, data_root)) for given in (inputs, spoiled))
        assert (clean[0] == dirty[0]).all() == (how != "interpolated")
        assert (clean[:-1] == dirty[:-1]).all() == (how != "interpolated")
        assert (clean[-1] == dirty[-1]).all()


def asked(line, **settings):
    """The question of one of LINES; 14 places, of which 13 are measured in the adaptive mode."""
    (model, how), mask, adaptive = line
    return PAIRS[model].replace(norm_statistics=how, mask=mask, adaptive=adaptive, points=14, **settings)


@pytest.mark.parametrize("line", LINES, ids=LINE_IDS)
def test_T11_identical_networks_have_barrier_zero(line, inputs, data_root, few_images):
    question = asked(line)
    question = question.replace(second=question.first)
    assert question.inputs() == (question.first,)
    found = solve(question, inputs, data_root).summary
    assert found["barrier_test"] == found["barrier_train"] == 0
    assert found["loss_barrier_test"] == found["loss_barrier_train"] == 0
    assert found["barrier_test_low"] == found["barrier_test_high"] == 0
    assert found["verdict"] == "connected"
    assert found["mask_overlap"] == 1
    assert found["density_line"] == found["density_first"] == 0.5
    assert found["evaluations"] == (13 if question.adaptive else 14)


@pytest.mark.parametrize("line", LINES, ids=LINE_IDS)
def test_T11_swapped_networks_have_the_mirrored_curve(line, inputs, data_root, few_images):
    question = asked(line)
    swapped = question.replace(first=question.second, second=question.first)
    one, other = solve(question, inputs, data_root), solve(swapped, inputs, data_root)
    assert np.array_equal(curves(one), curves(other)[::-1])
    assert np.allclose(one.arrays["alpha"], 1 - other.arrays["alpha"][::-1], atol=1e-15)
    assert len(np.unique(curves(one)[:, 1])) == one.summary["evaluations"], "it could tell the two directions apart"
    for name in ("barrier_test", "barrier_train", "loss_barrier_test", "loss_barrier_train", "verdict", "evaluations",
                 "barrier_test_low", "barrier_test_high", "density_line", "mask_overlap"):
        assert one.summary[name] == other.summary[name], name
    assert one.summary["barrier_test_low"] <= one.summary["barrier_test"] <= one.summary["barrier_test_high"]
    assert one.summary["barrier_test_low"] < one.summary["barrier_test_high"]


@pytest.mark.parametrize("line", LINES, ids=LINE_IDS)
def test_T12_what_the_runs_hold_is_left_as_it_is(line, inputs, data_root, few_images):
    question = asked(line)
    held = {run.key: inputs[run.key] for run in question.inputs()}
    before = {key: {n: a.copy() for n, a in artifact.arrays.items()} for key, artifact in held.items()}
    assert any(n.endswith("running_mean") for n in before[question.first.key]) == (line[0][0] == "resnet")
    solve(question, held, data_root)
    for key, artifact in held.items():
        assert all(before[key][n].tobytes() == a.tobytes() for n, a in artifact.arrays.items())


@pytest.mark.parametrize(("model", "how"), CASES)
def test_the_intersection_is_the_line_of_networks_that_keep_what_both_keep(model, how, inputs, data_root, few_images):
    question = PAIRS[model].replace(norm_statistics=how, mask="intersection", points=3)
    masks = [inputs[run.key].group("mask") for run in question.inputs()]
    both = {n: masks[0][n] & masks[1][n] for n in masks[0]}
    given = {run.key: dataclasses.replace(inputs[run.key], arrays=inputs[run.key].arrays | {
        f"final/{n}": inputs[run.key].arrays[f"final/{n}"] * kept for n, kept in both.items()})
        for run in question.inputs()}
    found, restricted = solve(question, inputs, data_root), solve(question.replace(mask="union"), given, data_root)
    assert np.array_equal(curves(found), curves(restricted))
    assert not np.array_equal(curves(found), curves(solve(question.replace(mask="union"), inputs, data_root)))
    assert 0.2 < found.summary["density_line"] < 0.3
    assert found.summary["density_first"] == found.summary["density_second"] == 0.5


@pytest.mark.parametrize("model", PAIRS)
def test_the_adaptive_curve_is_a_part_of_the_whole_one_with_its_barrier(model, inputs, data_root, few_images):
    whole = solve(PAIRS[model].replace(points=101, training_images=False), inputs, data_root)
    part = solve(PAIRS[model].replace(points=101, training_images=False, adaptive=True), inputs, data_root)
    assert part.summary["evaluations"] == len(part.arrays["alpha"]) == 33
    at = np.round(100 * part.arrays["alpha"]).astype(int)
    assert (np.diff(at) > 0).all()
    assert {0, 100} <= set(at.tolist())
    for name in ("alpha", "test_error", "test_loss"):
        assert np.array_equal(part.arrays[name], whole.arrays[name][at])
    assert 0 <= whole.summary["barrier_test"] - part.summary["barrier_test"] <= 0.001
    assert whole.summary["loss_barrier_test"] == pytest.approx(part.summary["loss_barrier_test"], rel=0.01)


def test_T50_batch_statistics_are_those_of_the_same_batches_each_time(inputs, data_root, few_images, monkeypatch):
    question = PAIRS["resnet"].replace(norm_statistics="batch")
    monkeypatch.setattr(Images, "evaluation_batch", 50)
    one, again = (solve(question, inputs, data_root) for _ in range(2))
    assert np.array_equal(curves(one), curves(again))
    assert one.summary == again.summary
    assert one.summary["images_a_batch"] == 45  # 90 test images in 2 batches
    monkeypatch.setattr(Images, "evaluation_batch", 30)
    other = solve(question, inputs, data_root)
    assert other.summary["images_a_batch"] == 30
    assert not np.array_equal(curves(one), curves(other)), "their size matters, so it is said"


def test_T11_there_are_101_places_with_both_ends(inputs, data_root):
    assert Connectivity().points == 101
    found = solve(PAIRS["lenet"].replace(points=101, training_images=False), inputs, data_root)
    assert found.arrays["alpha"].tolist() == [i / 100 for i in range(101)]
    assert sorted(found.arrays) == ["alpha", "test_error", "test_loss"]
    assert "barrier_train" not in found.summary
    ends = found.summary["first_test_error"], found.summary["second_test_error"]
    assert found.summary["barrier_test"] >= abs(ends[0] - ends[1]) / 2
    said = found.summary
    interval = said["barrier_test_low"], said["barrier_test_high"]
    assert said["verdict"] == connected(said["barrier_test"], *interval, 0.02)


def test_a_stopped_curve_goes_on_where_it_was(inputs, data_root, monkeypatch):
    monkeypatch.setattr("lth_engine.core.meter.REPORT_SECONDS", 0)
    question, memory, reports = PAIRS["resnet"], Memory(), []

    def until(limit):
        def report(progress):
            reports.append(progress)
            if limit is not None and progress.done > limit * progress.total:
                raise Cancelled("Stopped.")
        return report

    whole = solve(question, inputs, data_root)
    with pytest.raises(Cancelled):
        solve(question, inputs, data_root, report=until(0.5), checkpoint=memory)
    assert memory.saved[1]["done"] == 2
    assert np.array_equal(memory.saved[0]["curve"][:2], curves(whole)[:2]), "what a page shows of it"
    assert memory.saved[0]["measured"].tolist() == [True, True, False, False, False]
    del reports[:]
    resumed = solve(question, inputs, data_root, report=until(None), checkpoint=memory)
    assert np.array_equal(curves(resumed), curves(whole))
    assert resumed.summary == whole.summary
    assert [p.done for p in reports] == sorted({p.done for p in reports})
    assert 0.4 <= reports[0].done / reports[0].total < 0.5
    assert 0.9 < reports[-1].done / reports[-1].total < 1


@pytest.mark.parametrize("stop", [0.02, 0.4, 0.9])
def test_a_stopped_adaptive_curve_goes_on_as_it_would_have(stop, inputs, data_root, few_images, monkeypatch):
    monkeypatch.setattr("lth_engine.core.meter.REPORT_SECONDS", 0)
    question, memory, shown = PAIRS["lenet"].replace(points=60, adaptive=True), Memory(), []

    def report(progress):
        shown.append(progress)
        if progress.done > stop * progress.total:
            raise Cancelled("Stopped.")

    whole = solve(question, inputs, data_root)
    with pytest.raises(Cancelled):
        solve(question, inputs, data_root, report=report, checkpoint=memory)
    assert memory.saved[1]["done"] == memory.saved[0]["measured"].sum() == int(stop * 20)
    resumed = solve(question, inputs, data_root, report=shown.append, checkpoint=memory)
    assert np.array_equal(curves(resumed), curves(whole))
    assert resumed.summary == whole.summary
    assert whole.summary["evaluations"] == 20


def test_without_resamples_there_is_no_interval(inputs, data_root):
    found = solve(PAIRS["lenet"].replace(resamples=0), inputs, data_root)
    assert not {"barrier_test_low", "barrier_test_high"} & set(found.summary)
    with pytest.raises(BadInput, match=r"resamples must be 0 \(no interval\) or at least 200\. Got 50\."):
        Connectivity(resamples=50)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_network_that_is_not_finite_is_named_before_anything_is_measured(bad, inputs, data_root, monkeypatch):
    def spoil(name, array):
        if not name.startswith("final/") or "conv1.weight" not in name:
            return array
        array = array.copy()
        array.flat[3] = bad
        return array

    monkeypatch.setattr(connectivity, "score", lambda model, images: pytest.fail("it was measured"))
    for run in (PAIRS["resnet"].first, PAIRS["resnet"].second):
        given = Changed(inputs, run.key, spoil)
        with pytest.raises(NonFinite, match=rf"at the end of run {run.key} must be finite, .* in .*conv1\.weight"):
            solve(PAIRS["resnet"], given, data_root)


@pytest.mark.parametrize("settings", [{}, {"matching": "weights"}, {"mask": "intersection"}])
def test_an_answer_that_was_edited_is_refused_with_the_tensors_that_differ(settings, inputs, data_root):
    """Its masks are edited alike, so that nothing but the comparison with the architecture can tell."""
    question = PAIRS["resnet"].replace(**settings)

    def wider(name, array):
        return np.concatenate([array, array]) if name.endswith("/fc.weight") else array

    given = Changed(inputs, question.second.key, wider)
    with pytest.raises(BadInput, match=rf"at the end of run {question.second.key} must .* but fc\.weight differ or"):
        solve(question, given, data_root)


@pytest.mark.parametrize(("part", "settings"), [("test", {}), ("train", {"norm_statistics": "batch"}), ("train", {
    "training_images": False})])
def test_a_part_without_images_is_refused(part, settings, inputs, data_root, monkeypatch):
    def empty(data, bench):
        found = material(data, bench)
        none = copy.copy(getattr(found, part))
        none.x, none.y = none.x[:0], none.y[:0]
        return dataclasses.replace(found, **{part: none})

    monkeypatch.setattr(connectivity, "material", empty)
    name = "training" if part == "train" else part
    with pytest.raises(BadInput, match=rf"needs images, but the {name} part of this set is empty"):
        solve(PAIRS["resnet"].replace(**settings), inputs, data_root)


def test_units_are_matched_before_the_line_is_drawn(inputs, data_root, monkeypatch):
    question, calls = PAIRS["lenet"].replace(matching="weights", mask="intersection"), []
    first, second = (inputs[run.key] for run in question.inputs())

    def matched(model, example, one, other, mask):
        calls.append((tuple(example.shape), example.dtype))
        for name, value in other.items():
            assert np.array_equal(value, second.arrays[f"final/{name}"])
        assert all(np.array_equal(mask[n], kept) for n, kept in second.group("mask").items())
        return types.SimpleNamespace(weights=one, mask=first.group("mask"), moved=7)

    monkeypatch.setattr(ends, "matched", matched)
    found = solve(question, inputs, data_root).summary
    assert calls == [((1, 1, 8, 8), torch.float32)]
    assert found["moved_units"] == 7
    assert found["barrier_test"] == found["loss_barrier_test"] == 0, "the second was made the first"
    assert found["mask_overlap"] == 1
    assert found["density_line"] == 0.5
    assert "moved_units" not in solve(question.replace(matching="none"), inputs, data_root).summary


REVERSED = {"lenet": (("fc1.weight", "fc1.bias"), "fc2.weight"),
            "resnet": (("blocks.1.conv1.weight", *(f"blocks.1.bn1.{n}" for n in (
                "weight", "bias", "running_mean", "running_var"))), "blocks.1.conv2.weight")}
"""Tensors that have a row for each unit of one layer, and the one that has a column."""


@pytest.mark.parametrize("model", PAIRS)
def test_a_network_with_its_units_in_another_order_is_matched_back(model, inputs, data_root, few_images):
    """The second network is the first with the hidden units of one layer in reverse."""
    question = PAIRS[model].replace(points=5)
    held = {run.key: inputs[run.key] for run in question.inputs()}
    first, out, into = held[question.first.key], *REVERSED[model]
    arrays = dict(first.arrays)
    for group in ("final", "mask"):
        for name in (n for n in out if f"{group}/{n}" in arrays):
            arrays[f"{group}/{name}"] = arrays[f"{group}/{name}"][::-1].copy()
        arrays[f"{group}/{into}"] = arrays[f"{group}/{into}"][:, ::-1].copy()
    held[question.second.key] = dataclasses.replace(held[question.second.key], arrays=arrays)
    apart, matched = (solve(question.replace(matching=how), held, data_root).summary for how in ("none", "weights"))
    assert apart["loss_barrier_test"] > 0.01
    assert apart["second_test_loss"] == pytest.approx(apart["first_test_loss"], rel=1e-5)
    assert "moved_units" not in apart
    assert matched["barrier_test"] == matched["loss_barrier_test"] == 0
    assert matched["moved_units"] > 0
    assert matched["mask_overlap"] == 1 > apart["mask_overlap"]


def test_two_networks_or_two_image_sets_have_no_line_between_them():
    run = Run()
    for other, what in ((DenseTicket(model=Conv()), r"network, .* model \(lenet_300_100 and conv\)"),
                        (DenseTicket(model=Lenet300100(first=7)), r"network, .* lenet_300_100\.first \(300 and 7\)"),
                        (DenseTicket(data=Digits(split_seed=3)), r"image set, .* digits\.split_seed \(0 and 3\)")):
        with pytest.raises(BadInput, match=rf"the same {what}\. Choose another run"):
            Connectivity(first=run, second=Run(ticket=other))
    assert Connectivity(first=run, second=Run(ticket=DenseTicket(init_seed=9))).inputs()[0] == run


def test_images_that_stay_files_have_a_line_too(tmp_path, monkeypatch):
    data = write_imagenet100(tmp_path, monkeypatch).spec
    start = DenseTicket(model=CifarResnet(depth=8, width=4), data=data)
    one = Run(ticket=start, training=Training(length="1ep", batch_size=4))
    question, store = Connectivity(first=one, second=one.replace(order_seed=1), points=3), Store(tmp_path / "store")
    found = answer(question, store, data_root=tmp_path)
    same = answer(question.replace(second=one), store, data_root=tmp_path)
    assert found.arrays["test_loss"][0] == same.arrays["test_loss"][0] != found.arrays["test_loss"][-1]
    assert same.summary["barrier_test"] == same.summary["loss_barrier_train"] == 0
