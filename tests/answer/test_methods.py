"""Every method of finding a ticket, from the question to the answer on real digits; and what masks cost."""

import numpy as np
import pytest

from lth_engine.answer import answer
from lth_engine.core.artifact import texts
from lth_engine.core.mask import Mask
from lth_engine.core.step import Step
from lth_engine.specs.comparing_methods import MethodComparison
from lth_engine.specs.finding import Imp
from lth_engine.specs.methods import METHODS, with_method
from lth_engine.specs.models import Lenet300100
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.questions import Price, TicketSearch, trainings
from lth_engine.specs.training import Training
from lth_engine.store.store import Store

OF = TicketSearch(model=Lenet300100(first=20, second=20), replicates=1, search=Imp(rewind=Step(2, "it")), levels=2,
                  training=Training(length=Step(9, "it"), batch_size=128, optimizer=Sgd(lr=0.05),
                                    evaluate_every=Step(0)))
LEVEL = 3
TRIED = tuple(name for name in METHODS if not name.startswith("quick_cts_") or name == "quick_cts_lagrange")
"""Quick CTS of an objective is CTS of it with another length."""


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    question = MethodComparison(of=OF, level=LEVEL, methods=TRIED)
    return store, question, answer(question, store, data_root=tmp_path_factory.mktemp("data"))


def test_every_method_gives_a_ticket_of_the_density(compared):
    store, question, artifact = compared
    size = 64 * 20 + 20 * 20 + 20 * 10
    kept = {name: Mask(store.get(question.run(name, 0).ticket.key).group("mask")).kept for name in TRIED}
    layerwise = kept.pop("edge_popup")
    assert set(kept.values()) == {round(0.8**LEVEL * size)}
    assert layerwise == sum(round(0.8**LEVEL * part) for part in (64 * 20, 20 * 20, 20 * 10))
    assert np.isfinite(artifact.group("table")["total_epochs"]).all()
    assert np.isfinite(artifact.group("method")["seconds"]).all()
    assert texts(artifact.group("method")["name"]) == [*TRIED, "dense"]


def test_methods_find_masks_of_their_own(compared):
    """Quick searches of one step begin alike; those of other objectives or scores must not end alike."""
    both, kept = (compared[2].group("overlap")[name] for name in ("both", "kept"))
    names = [*TRIED, "dense"]
    for one, other in (("random", "magnitude"), ("random", "random_erk"), ("snip", "grasp"), ("snip", "synflow"),
                       ("edge_popup", "gem_miner"), ("cts", "cts_task_loss"), ("imp", "magnitude")):
        i, j = names.index(one), names.index(other)
        assert both[i, j] < min(kept[i], kept[j])


@pytest.mark.parametrize("name", ["cts", "quick_cts_lagrange", "continuous", "edge_popup", "snip", "grasp", "synflow"])
def test_the_price_counts_what_masks_cost(name, tmp_path, monkeypatch):
    monkeypatch.setattr("lth_engine.analysis.price._TIMED_SECONDS", 0.0)
    store = Store(tmp_path / "store")
    question = with_method(name, OF).replace(controls=("inverted_mask",))
    done = answer(question, store, data_root=tmp_path).summary
    price = answer(Price(of=question), store, data_root=tmp_path).summary
    assert price["epochs"] == pytest.approx(done["epochs"])
    assert price["flops_dense"] == pytest.approx(done["flops_dense"], rel=0.02)
    assert 0 < price["mask_epochs"] < price["epochs"]
    assert 0 < price["mask_seconds"] < price["seconds"]
    trained = sum(store.get(q.key).summary["epochs"] for q in trainings(question))
    assert price["mask_epochs"] == pytest.approx(done["epochs"] - trained)


def test_a_row_of_the_search_holds_what_its_mask_cost(tmp_path):
    store = Store(tmp_path / "store")
    question = with_method("cts", OF)
    table = answer(question, store, data_root=tmp_path).group("table")
    per_epoch = 10
    assert table["total_epochs"] == pytest.approx([9 / per_epoch, *[9 / per_epoch + 9 / per_epoch] * 2])


def test_a_search_that_ends_far_from_its_density_says_so_beside_its_verdict(tmp_path):
    question = with_method("cts", OF)
    search = question.search.replace(lr=1000.0, length="3it")
    said = answer(question.replace(search=search, replicates=1), Store(tmp_path / "store"), data_root=tmp_path).summary
    assert "The search ended at an expected density of" in said["verdict_text"]
    assert "ended at" not in answer(question.replace(search=search.replace(lr=1e-6), replicates=1),
                                    Store(tmp_path / "store"), data_root=tmp_path).summary["verdict_text"]
