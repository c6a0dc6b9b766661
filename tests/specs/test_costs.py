"""The accounting of Concrete Ticket Search, exact (its tables I and II, and section I), and what is counted once."""

from __future__ import annotations

import pytest

from lth_engine.core.artifact import Scalar
from lth_engine.core.step import Step
from lth_engine.specs.comparing_methods import MethodComparison, ObjectiveValues
from lth_engine.specs.costs import COSTS, costly, costs_behind, published_epochs, table_with_costs, trainings_behind
from lth_engine.specs.finding import Imp, OneShot
from lth_engine.specs.mask_learners import Cts
from lth_engine.specs.methods import METHODS, with_method
from lth_engine.specs.questions import TicketSearch, trainings
from lth_engine.specs.scorers import Snip, Synflow
from lth_engine.specs.tickets import DenseTicket, FoundTicket, LearnedMask, Run
from lth_engine.specs.training import Training

STEPS = 98
"""Iterations in an epoch of the paper: 50,000 images in batches of 512."""

PAPER = TicketSearch(training=Training(length=Step(160), batch_size=512), search=Imp(rewind=Step(735, "it")))
"""160 epochs, rewound to k = 7.5 epochs."""


def epochs(method: str, level: int = 19, near: str = "published") -> float:
    """What a ticket of a method costs by the paper's account."""
    return published_epochs(with_method(method, PAPER, near).run(level, 0), STEPS)


@pytest.mark.parametrize(("method", "published"), [
    ("imp", 3057.5), ("cts", 320), ("quick_cts", 180), ("edge_popup", 320), ("half_cts", 240), ("random", 160),
    ("magnitude", 160), ("continuous", 160 + 3 * 53), ("cts_gradient_norm", 320)])
def test_epochs_at_1_44_per_cent(method: str, published: float) -> None:
    assert epochs(method) == published


@pytest.mark.parametrize(("method", "rounds", "published"), [
    ("snip", 1, 160), ("grasp", 1, 160), ("synflow", 100, 161), ("saliency_reverse_kl", 1, 160)])
def test_a_score_is_one_iteration_a_round(method: str, rounds: int, published: int) -> None:
    assert epochs(method) == 160 + rounds / STEPS
    assert round(epochs(method)) == published


def test_every_method_has_an_account() -> None:
    assert {method: epochs(method) >= 160 for method in METHODS} == dict.fromkeys(METHODS, True)


def test_drawing_a_ticket_of_a_half_per_cent() -> None:
    """192 times less than LTR by Quick CTS, and 24 times less by CTS (section I), of whole trainings."""
    drawing = {method: epochs(method, 24, "initialisation") - 160 for method in ("imp", "quick_cts", "cts")}
    assert drawing["imp"] / drawing["quick_cts"] == 24 * 160 / 20 == 192
    assert drawing["imp"] / drawing["cts"] == 24
    assert PAPER.search.density(24) == pytest.approx(0.00472, abs=5e-6)


def test_the_fraction_of_the_search_on_imagenet() -> None:
    """Three levels of 53.58% are a tenth of the weights (section V-F)."""
    fraction = round(1 - 0.1 ** (1 / 3), 6)
    assert fraction == 0.535841
    assert Imp(fraction=fraction).density(3) == pytest.approx(0.1, rel=1e-5)


def test_masks_and_scores_cost_something_and_are_counted_once() -> None:
    learned = TicketSearch(search=Cts(), levels=2, replicates=1, controls=("inverted_mask", "random_mask"))
    assert sorted(type(q).__name__ for q in costly(learned)) == ["LearnedMask"] * 2 + ["Run"] * 7
    shown = TicketSearch(search=OneShot(scorer=Snip()), levels=1, replicates=1,
                         controls=("inverted_mask", "random_mask"))
    assert sorted(type(q).__name__ for q in costly(shown)) == ["FoundTicket", "InvertedMask"] + ["Run"] * 4
    assert not any(isinstance(q, LearnedMask | FoundTicket) for q in trainings(learned, shown))
    blind = with_method("random", shown)
    assert costly(blind) == trainings(blind)


def test_the_total_of_a_row_is_all_that_it_rests_on() -> None:
    search = TicketSearch(search=Cts(rewind=Step(2)), levels=2, replicates=1, controls=())
    summaries: dict[str, dict[str, Scalar]] = {
        q.key: dict.fromkeys(COSTS, 100.0 if isinstance(q, LearnedMask) else 10.0 if isinstance(q, DenseTicket) else
                             1.0) | {"density": 0.5} for q in costly(search)}
    assert table_with_costs(search, summaries)["total_epochs"].tolist() == [11.0, 111.0, 111.0]
    assert {len(rests) for _, rests in trainings_behind(search).values()} == {2, 3}


def test_a_ticket_of_synaptic_flow_says_what_it_cost() -> None:
    run = TicketSearch(search=OneShot(scorer=Synflow())).run(3, 0)
    assert costs_behind(run)[run] == {run.key, run.ticket.key}


def test_two_hundred_levels_are_not_too_deep() -> None:
    run = MethodComparison(level=200, methods=("imp",)).run("imp", 0)
    assert len(costs_behind(run)[run]) == 201
    assert isinstance(run, Run)


def test_progress_of_objectives_grows_with_what_is_shown() -> None:
    small = ObjectiveValues(of=TicketSearch(replicates=1), methods=("random",), objectives=("task_loss",),
                            first_level=1, last_level=1, images=500)
    assert small.epochs == pytest.approx(2 * 0.01)
    assert small.replace(last_level=11).epochs == pytest.approx(4 * 0.01)
    assert small.replace(images=0).epochs == 2
