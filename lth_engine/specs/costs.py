"""What a trained ticket cost from nothing: its own training and every training that it rests on."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

from lth_engine.core.artifact import Scalar
from lth_engine.core.search_table import Cell, Table, search_table
from lth_engine.core.spec import Spec
from lth_engine.core.summary import number
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.tickets import DenseTicket, Run

COSTS = ("epochs", "train_seconds", "flops_dense", "flops_sparse")
"""What a training costs, by the names under which its summary says so."""

Summaries = Mapping[str, Mapping[str, Scalar]]
"""Key of an answer -> its summary."""


@functools.lru_cache(maxsize=32)
def trainings_behind(search: TicketSearch) -> dict[Cell, tuple[str, frozenset[str]]]:
    """For each reported run its key, and the keys of the trainings that it rests on, itself included."""
    known: dict[Spec, frozenset[str]] = {}

    def behind(question: Spec) -> frozenset[str]:
        if question not in known:
            below = frozenset[str]().union(*(behind(part) for part in question.inputs()))
            trains = isinstance(question, Run) or (isinstance(question, DenseTicket) and question.rewind.count > 0)
            known[question] = below | {question.key} if trains else below
        return known[question]
    return {cell: (run.key, behind(run)) for cell, run in search.runs().items()}


def table_with_costs(search: TicketSearch, summaries: Summaries) -> Table:
    """The table of the runs that are there, with total_epochs, total_train_seconds, total_flops_dense and
    total_flops_sparse: nan where a training that a run rests on has gone.

    Args:
        search: the search, finished or not.
        summaries: of all its trainings that are there.
    """
    cells = {cell: (key, rests) for cell, (key, rests) in trainings_behind(search).items() if key in summaries}
    rows = {cell: {**summaries[key], **_totals(rests, summaries)} for cell, (key, rests) in cells.items()}
    return search_table(rows, {cell: key for cell, (key, _) in cells.items()})


def _totals(rests: frozenset[str], summaries: Summaries) -> dict[str, Scalar]:
    return {f"total_{name}": math.fsum(number(summaries.get(key, {}), name) for key in rests) for name in COSTS}
