"""A search of the lab, brought back as files: everything that is said of the files is what was said of the search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lth_engine.answer import answer
from lth_engine.core.artifact import texts
from lth_engine.core.errors import BadInput
from lth_engine.specs.bounds import PacBayes
from lth_engine.specs.comparing_networks import NetworkComparison
from lth_engine.specs.connecting import Connectivity, Siblings
from lth_engine.specs.curvature import HessianTrace
from lth_engine.specs.data import Digits
from lth_engine.specs.features import FewShot, LinearProbe, ProbePanel, fitting
from lth_engine.specs.imported import File, Imported, ImportedDense, ImportedRun, ImportedTicket
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.sanity import SanityChecks
from lth_engine.specs.signs import SignPanel
from lth_engine.specs.tickets import Run
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from tests.importing.brought_samples import bring

LENET = Lenet300100(first=40, second=20)
TRAINING = Training(length="4ep", batch_size=32, optimizer=Sgd(lr=0.01))
SEARCH = TicketSearch(model=LENET, training=TRAINING, levels=2, replicates=2, controls=())
FACTS = ("level", "density", "kept", "prunable", "test_accuracy", "test_loss", "validation_accuracy",
         "learning_distance", "signs_kept", "moved_positive", "moved_negative", "thinnest_layer", "thinnest_density",
         "disconnected_units", "dead_layers", "finite", "chance", "test_images", "masked_nonzero")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Store with the search, and the data folder with its networks as clean files."""
    store, data = Store(tmp_path_factory.mktemp("store")), tmp_path_factory.mktemp("data")
    answer(SEARCH, store, data_root=data)
    return store, data


def files(lab, *, start: bool, dense: bool = True) -> tuple[str, ...]:
    """The search's networks, brought; with or without what they started from."""
    store, data = lab
    found = []
    for (level, replicate, _), run in SEARCH.runs().items():
        if level or dense:
            end = store.get(run.key)
            begins = bring(store.get(run.ticket.key).group("start"), data) if start else ""
            density = float(end.summary["density"])
            found.append(str(File(level, replicate, density, bring(end.group("final"), data), begins)))
    return tuple(found)


def asked(lab, **settings) -> TicketSearch:
    given = {name: settings.pop(name) for name in ("start", "dense") if name in settings}
    return SEARCH.replace(search=Imported(files=files(lab, **{"start": True} | given), label="theirs"), **settings)


def compute(question, lab):
    return answer(question, lab[0], data_root=lab[1])


def test_the_answers_are_those_of_the_search_itself(lab) -> None:
    search = asked(lab)
    ours, theirs = compute(SEARCH, lab), compute(search, lab)
    for cell, run in search.runs().items():
        assert type(run) is ImportedRun
        mine, found = lab[0].get(SEARCH.runs()[cell].key), lab[0].get(run.key)
        for name in FACTS:
            assert found.summary[name] == mine.summary[name], name
        groups = [{n: a for n, a in one.arrays.items() if not n.startswith("history/")} for one in (mine, found)]
        assert groups[0].keys() == groups[1].keys()
        assert all(np.array_equal(groups[0][n], groups[1][n]) for n in groups[0])
        assert found.summary["epochs"] is None
        assert found.summary["start_known"] is True
    assert theirs.summary["verdict"] == ours.summary["verdict"]
    assert theirs.summary["verdict_level"] == ours.summary["verdict_level"]
    assert np.array_equal(theirs.arrays["verdict/difference"], ours.arrays["verdict/difference"])
    assert np.isnan(theirs.summary["epochs"])


def test_the_ticket_is_mask_and_start_of_the_files(lab) -> None:
    search = asked(lab)
    for level in (1, 2):
        mine, found = (compute(s.run(level, 1).ticket, lab) for s in (SEARCH, search))
        assert found.group("mask").keys() == mine.group("mask").keys()
        assert all(np.array_equal(found.group("mask")[n], kept) for n, kept in mine.group("mask").items())
        assert all(np.array_equal(found.group("start")[n], value) for n, value in mine.group("start").items())
        assert isinstance(search.run(level, 1).ticket, ImportedTicket)
    assert isinstance(search.dense(1), ImportedDense)
    assert search.run(2, 1).ticket.dense == search.dense(1)


def test_the_lab_trains_a_ticket_that_was_brought_to_the_same_end(lab) -> None:
    mine, again = SEARCH.run(2, 0), asked(lab).run(2, 0).trained_here
    assert type(again) is Run
    found = compute(again, lab)
    assert found.summary["rewind_exact"]
    final = lab[0].get(mine.key).group("final")
    assert all(np.array_equal(found.group("final")[n], final[n]) for n in final)


@pytest.mark.parametrize("ask", [
    lambda s: HessianTrace(of=s.run(1, 0), images=100),
    lambda s: HessianTrace(of=s.run(1, 0), at="start", images=100),
    lambda s: Connectivity(first=s.run(1, 0), second=s.run(2, 0), points=3),
    lambda s: NetworkComparison(first=s.run(1, 0), second=s.run(2, 1), second_at="start"),
    lambda s: LinearProbe(of=s.run(1, 0), training=Training(length="1ep")),
])
def test_questions_about_a_network_answer_alike(lab, ask) -> None:
    mine, found = compute(ask(SEARCH), lab), compute(ask(asked(lab)), lab)
    assert found.summary.keys() == mine.summary.keys()
    for name, value in mine.summary.items():
        if not name.startswith(("seconds", "train_seconds")) and isinstance(value, int | float):
            assert found.summary[name] == pytest.approx(value, rel=1e-6, nan_ok=True), name


def test_without_its_start_the_summary_says_so(lab) -> None:
    search = asked(lab, start=False)
    run = search.run(1, 0)
    found = compute(run, lab)
    assert found.summary["start_known"] is False
    assert found.summary["learning_distance"] is None
    assert "not known" in found.summary["remark"]
    assert "not known" in compute(search, lab).summary["verdict_text"]
    assert run.ticket.dense == SEARCH.dense(0)


def test_without_a_dense_network_nothing_is_judged(lab) -> None:
    search = asked(lab, dense=False)
    found = compute(search, lab)
    assert sorted(set(found.arrays["table/level"])) == [1, 2]
    assert found.summary["verdict"] == "undecided"
    assert "no dense network was brought" in found.summary["verdict_text"]
    assert set(texts(found.arrays["verdict/word"])) == {"undecided"}
    assert type(search.run(0, 0)) is Run


def test_one_dense_network_alone(lab) -> None:
    one = next(f for f in files(lab, start=False) if f.startswith("0/0/"))
    search = SEARCH.replace(search=Imported(files=(one,)), levels=0, replicates=1)
    found = compute(search, lab)
    assert found.summary["verdict"] == "undecided"
    assert "no ticket to judge" in found.summary["verdict_text"]
    assert len(found.arrays["table/level"]) == 1


def test_start_weights_that_were_pruned_are_drawn(lab) -> None:
    search = asked(lab, dense=False)
    dense = compute(search.dense(0), lab)
    kept = lab[0].get(SEARCH.run(1, 0).ticket.key)
    drawn = lab[0].get(SEARCH.dense(0).key).group("start")
    assert dense.summary["filled"] == kept.summary["prunable"] - kept.summary["kept"]
    assert all(np.array_equal(dense.group("start")[n], drawn[n]) for n in drawn)  # same seed: the very same draw


def test_what_was_brought_and_is_gone_is_asked_for_again(lab, tmp_path) -> None:
    run = asked(lab).run(1, 0)
    with pytest.raises(BadInput, match="Bring the file again"):
        answer(run, Store(tmp_path / "store"), data_root=tmp_path)


@pytest.mark.parametrize(("change", "words"), [
    ({"model": Lenet300100(first=41, second=20)}, r"another network than LeNet-41-20.*fc1\.bias"),
])
def test_another_network_is_refused(lab, change, words) -> None:
    with pytest.raises(BadInput, match=words):
        compute(asked(lab).replace(**change).run(1, 0), lab)


def test_a_tensor_that_is_not_finite_is_named(lab) -> None:
    store, data = lab
    weights = dict(store.get(SEARCH.run(0, 0).key).group("final"))
    weights["fc1.bias"] = weights["fc1.bias"] * np.nan
    search = SEARCH.replace(search=Imported(files=(str(File(0, 0, 1.0, bring(weights, data))),)), levels=0,
                            replicates=1)
    with pytest.raises(BadInput, match=r"fc1\.bias of the file holds NaN"):
        compute(search, lab)


@pytest.mark.parametrize("text", ["", "0/0/1", "0/0/1/" + "a" * 63, "0/0/1/../../x", "-1/0/1/" + "a" * 64,
                                  "0/0/0/" + "a" * 64, "0/0/nan/" + "a" * 64, "0/0/1/" + "A" * 64,
                                  "/".join(["0/0/1", *4 * ["a" * 64]]), "0/0/1//" + "a" * 64])
def test_what_names_no_file_is_refused(text) -> None:
    with pytest.raises(BadInput, match="LEVEL/REPLICATE/DENSITY/SHA256"):
        Imported(files=(text,))


def test_gaps_are_refused() -> None:
    one = "a" * 64
    for files in (("1/0/0.5/" + one, "3/0/0.5/" + one), ("2/0/0.5/" + one,), (), ("0/0/1/" + one,)):
        with pytest.raises(BadInput, match="needs a file for each"):
            SEARCH.replace(search=Imported(files=files), levels=3, replicates=1)


SHORT = TRAINING.replace(length="1ep")


@pytest.mark.parametrize("start", [True, False])
def test_questions_that_compare_trainings_train_the_ticket_here(lab, start) -> None:
    search = asked(lab, start=start, dense=start, training=SHORT, replicates=2)
    checks = SanityChecks(of=search, level=2, checks=("shuffled_mask", *(["redrawn"] if start else [])))
    found = compute(checks, lab)
    assert {run.name for run in checks.runs().values()} == {"run"}
    assert found.summary["accuracy"] == np.mean(
        [compute(search.run(2, r).trained_here, lab).summary["test_accuracy"] for r in (0, 1)])
    assert ("not known" in found.summary["verdict_text"]) is not start
    few = compute(FewShot(of=search, level=1, percents=("10",), batch_size=16), lab)
    assert ("not known" in few.summary["verdict_text"]) is not start
    siblings = Siblings(of=search.run(1, 0), count=2, points=3)
    assert [run.name for run in siblings.siblings()] == ["run", "run"]
    assert np.isfinite(compute(siblings, lab).summary["barrier_mean"])
    panel = SignPanel(of=search, level=1, source="solution")
    assert compute(panel, lab).summary["ticket_accuracy"] == np.mean(
        [compute(search.run(1, r).trained_here, lab).summary["test_accuracy"] for r in (0, 1)])


def test_variants_of_a_panel_are_those_that_are_known(lab) -> None:
    assert len(fitting(asked(lab))) == 5
    search = asked(lab, start=False)
    assert fitting(search) == ("trained_ticket", "trained_dense")
    with pytest.raises(BadInput, match="not known of one that was brought without it"):
        ProbePanel(of=search, level=1)
    found = compute(ProbePanel(of=search, level=1, variants=fitting(search), training=Training(length="1ep")), lab)
    assert found.summary["verdict_text"]


def test_a_bound_around_weights_that_were_brought_is_no_certificate_unless_they_are_the_labs_draw(lab) -> None:
    """The lab's own draw, brought back, is known to have seen no image; any other is not."""
    search = asked(lab)
    asked_of = {"length": 2, "prior": "gaussian_init"}
    assert compute(PacBayes(of=search.run(1, 0), **asked_of), lab).summary["certified_why_not"] == ""
    other = compute(PacBayes(of=search.replace(seed=5).run(1, 0), **asked_of), lab)
    assert "were brought, of which nobody knows" in other.summary["certified_why_not"]


def test_masks_in_a_file_beside_the_weights(lab) -> None:
    store, data = lab
    end = store.get(SEARCH.run(1, 0).key)
    weights = {n: v + (v == 0) * np.float32(0.5) for n, v in end.group("final").items()}  # stale under the mask
    masks = bring({n: m.astype(np.float32) for n, m in end.group("mask").items()}, data)
    file = File(1, 0, 0.8, bring(weights, data), "", masks)
    search = SEARCH.replace(search=Imported(files=(str(file),)), levels=1, replicates=1)
    found = compute(search.run(1, 0), lab)
    assert found.summary["test_accuracy"] == end.summary["test_accuracy"]
    assert all(np.array_equal(found.group("mask")[n], kept) for n, kept in end.group("mask").items())
    assert compute(search.run(1, 0).ticket, lab).summary["kept"] == end.summary["kept"]


def test_starting_weights_of_another_ticket_are_refused(lab) -> None:
    store, data = lab
    begins = bring(store.get(SEARCH.run(2, 0).ticket.key).group("start"), data)
    weights = bring(store.get(SEARCH.run(1, 0).key).group("final"), data)
    search = SEARCH.replace(search=Imported(files=(str(File(1, 0, 0.8, weights, begins)),)), levels=1, replicates=1)
    with pytest.raises(BadInput, match="they are not its own"):
        compute(search.run(1, 0), lab)


def test_a_rewind_that_did_not_happen_is_seen(lab) -> None:
    store, data = lab
    whole = dict(zip([(f.level, f.replicate) for f in map(File.parse, files(lab, start=True))],
                     map(File.parse, files(lab, start=True)), strict=True))
    moved = dict(store.get(SEARCH.run(1, 0).ticket.key).group("start"))
    moved["fc1.weight"] = moved["fc1.weight"] * np.float32(1.001)
    dense, ticket = whole[0, 0], whole[1, 0]
    for begins, exact in ((ticket.begins, True), (bring(moved, data), False)):
        made = Imported(files=(str(dense), str(replace(ticket, begins=begins))))
        found = compute(SEARCH.replace(search=made, levels=1, replicates=1).run(1, 0), lab)
        assert found.summary["rewind_exact"] is exact


def tensors(classes: int = 10) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    sizes = {"fc1": (40, 64), "fc2": (20, 40), "fc": (classes, 20)}
    return {f"{n}.{part}": draw.normal(size=s if part == "weight" else s[:1]).astype(np.float32)
            for n, s in sizes.items() for part in ("weight", "bias")}


@pytest.mark.parametrize(("weights", "words"), [
    (tensors(classes=7), "takes images of .*7 classes; Digits has 1, 8 x 8 and 10"),
    ({"lstm.weight_ih_l0": np.ones((12, 5), np.float32)}, "No known network has the tensors of this file"),
    ({n: 0 * v for n, v in tensors().items()}, "Every prunable weight of the file is pruned or 0"),
])
def test_what_cannot_be_shown_the_images_is_refused(lab, weights, words) -> None:
    one = str(File(0, 0, 1.0, bring(weights, lab[1])))
    with pytest.raises(BadInput, match=words):
        compute(SEARCH.replace(search=Imported(files=(one,)), levels=0, replicates=1), lab)


def test_constants_of_colour_images_do_not_fit_gray_ones(lab) -> None:
    with pytest.raises(BadInput, match=r"is for images of 3 channels\. These have 1"):
        compute(asked(lab, data=Digits(normalise="imagenet")).run(1, 0), lab)
