"""What a trained ticket cost from nothing: its own training, and every training and mask search that it rests on.

Two accounts are kept. That of this lab adds up what the answers say they took: epochs (an epoch is a pass of as many
images as the training set has), seconds, FLOPs. That of Concrete Ticket Search (:func:`published_epochs`) needs no
answer: it counts the dense training to the rewind point, every training of the mask search, the length of a search of
a mask, one iteration for each round of a score, and the training of the ticket.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

from lth_engine.core.artifact import Scalar
from lth_engine.core.search_table import Cell, Table, search_table
from lth_engine.core.spec import Spec
from lth_engine.core.step import Step
from lth_engine.core.summary import number
from lth_engine.specs.controls import InvertedMask
from lth_engine.specs.finding import Ranking
from lth_engine.specs.questions import TicketSearch, in_order
from lth_engine.specs.tickets import DenseTicket, FoundTicket, LearnedMask, Run

COSTS = ("epochs", "train_seconds", "flops_dense", "flops_sparse")
"""What a training or a mask search costs, by the names under which its summary says so."""

Summaries = Mapping[str, Mapping[str, Scalar]]
"""Key of an answer -> its summary."""


def scored(question: Spec) -> FoundTicket | None:
    """The ticket whose weights are scored by passes through the network when `question` is answered, if it is so."""
    ticket = question.of if isinstance(question, InvertedMask) else question
    return ticket if isinstance(ticket, FoundTicket) and ticket.shows_images else None


def has_cost(question: Spec) -> bool:
    """Whether an answer costs something of its own, and says so in its summary (:data:`COSTS`): a training, the search
    of a mask, and a score that passes something through the network."""
    if isinstance(question, DenseTicket):
        return question.trains
    return isinstance(question, Run | LearnedMask) or scored(question) is not None


def costly(*questions: Spec) -> tuple[Spec, ...]:
    """All that costs something (:func:`has_cost`) and must be there for `questions`, each once, inputs first."""
    return tuple(question for question in in_order(*questions) if has_cost(question))


def costs_behind(*questions: Spec) -> dict[Spec, frozenset[str]]:
    """Keys of all that costs something and that a question rests on, itself included, by question: for `questions` and
    for all that they are made of."""
    found: dict[Spec, frozenset[str]] = {}
    for question in in_order(*questions):
        below = frozenset[str]().union(*(found[part] for part in question.inputs()))
        found[question] = below | {question.key} if has_cost(question) else below
    return found


@functools.lru_cache(maxsize=32)
def trainings_behind(search: TicketSearch) -> dict[Cell, tuple[str, frozenset[str]]]:
    """For each reported run its key, and the keys of all that it rests on and that costs something (trainings and mask
    searches), itself included."""
    runs = search.runs()
    behind = costs_behind(*runs.values())
    return {cell: (run.key, behind[run]) for cell, run in runs.items()}


def table_with_costs(search: TicketSearch, summaries: Summaries) -> Table:
    """The table of the runs that are there, with total_epochs, total_train_seconds, total_flops_dense and
    total_flops_sparse: nan where something that a run rests on has gone.

    Args:
        search: the search, finished or not.
        summaries: of all its trainings and mask searches that are there.
    """
    cells = {cell: (key, rests) for cell, (key, rests) in trainings_behind(search).items() if key in summaries}
    rows = {cell: {**summaries[key], **totals(rests, summaries)} for cell, (key, rests) in cells.items()}
    return search_table(rows, {cell: key for cell, (key, _) in cells.items()})


def totals(rests: frozenset[str], summaries: Summaries) -> dict[str, Scalar]:
    """The sum of each cost over the answers of these keys, as total_NAME."""
    return {f"total_{name}": math.fsum(number(summaries.get(key, {}), name) for key in rests) for name in COSTS}


def published_epochs(run: Run, steps_per_epoch: int) -> float:
    """Epochs of a ticket from nothing to the end of its training, as Concrete Ticket Search counts them (table I): an
    epoch of a mask search is one of training whatever a step of it does, and each round of a score is one iteration.

    Args:
        run: the training of the ticket.
        steps_per_epoch: iterations in an epoch, of training and of a mask search alike (98 in the paper).
    """
    return math.fsum(_published(question, steps_per_epoch) for question in in_order(run))


def _published(question: Spec, steps_per_epoch: int) -> float:
    def epochs(step: Step) -> float:
        return step.count if step.unit == "ep" else step.count / steps_per_epoch
    if isinstance(question, Run):
        return math.nan if not question.trains else epochs(question.training.length) - epochs(question.begin)
    if isinstance(question, DenseTicket):
        return epochs(question.rewind)
    if isinstance(question, LearnedMask):
        return question.rounds * epochs(question.learner.length)
    ticket = scored(question)
    if ticket is None:
        return 0.0
    assert isinstance(ticket.search, Ranking)
    return ticket.search.scorer.steps / steps_per_epoch
