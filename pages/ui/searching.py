"""What the store and the queue know of one ticket search: finished runs, the answer, the job."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from lth_engine.core.search_table import Cell, Table, search_table
from lth_engine.jobs.job import Job
from lth_engine.specs.costs import table_with_costs, trainings_behind
from lth_engine.specs.questions import TicketSearch
from lth_engine.store.row import Row
from pages.ui.asked import known_questions, question_of
from pages.ui.lab import lab
from pages.ui.words import percent, short_name

if TYPE_CHECKING:
    from lth_engine.figures.over_density import Searched


@dataclass(frozen=True)
class Searching:
    """One search as it stands.

    Attributes:
        search: the question.
        runs: the finished runs by cell.
        row: the finished search, or None.
        job: its newest job, or None.
    """

    search: TicketSearch
    runs: dict[Cell, Row]
    row: Row | None
    job: Job | None

    @property
    def table(self) -> Table:
        """The finished runs as a table."""
        return search_table({cell: row.summary for cell, row in self.runs.items()},
                            {cell: row.key for cell, row in self.runs.items()})

    @property
    def table_with_costs(self) -> Table:
        """The finished runs as a table that also says what each cost with every training that it rests on."""
        keys = {key for _, behind in trainings_behind(self.search).values() for key in behind}
        rows = lab().store.rows(keys)
        return table_with_costs(self.search, {key: row.summary for key, row in rows.items()})

    @property
    def missing(self) -> list[Cell]:
        """Cells whose run is not stored."""
        return [cell for cell in run_keys(self.search) if cell not in self.runs]

    @property
    def levels(self) -> list[int]:
        """Levels of which every run is there, from the first up to the first gap."""
        gap = min((cell[0] for cell in self.missing), default=self.search.levels + 1)
        return [level for level in self.search.reported_levels if level < gap]

    @property
    def complete(self) -> Table:
        """The table of the complete levels: what a live figure shows, so that it changes once a level."""
        levels = set(self.levels)
        kept = {cell: row for cell, row in self.runs.items() if cell[0] in levels}
        return search_table({cell: row.summary for cell, row in kept.items()},
                            {cell: row.key for cell, row in kept.items()})

    def drawn(self, *, live: bool = False) -> Searched:
        """For the figures; `live` leaves incomplete levels out."""
        from lth_engine.figures.over_density import Searched  # brings plotly: pages without a figure do without

        lowest = self.search.search.density(self.search.levels) if live else 0.0
        return Searched(short_name(self.search), self.complete if live else self.table, self.search.margin, self.mark,
                        lowest)

    @property
    def mark(self) -> tuple[int, str] | None:
        """Level of the verdict's ticket and what it is called, once there is a verdict."""
        if self.row is None or not isinstance(self.row.summary.get("verdict_level"), int):
            return None
        summary = self.row.summary
        density = summary.get("verdict_density")
        words = str(summary.get("verdict", ""))
        if isinstance(density, float):
            words += f" at {percent(density)}"
        return cast(int, summary["verdict_level"]), words


@functools.lru_cache(maxsize=64)
def run_keys(search: TicketSearch) -> dict[Cell, str]:
    """The key of every run of a search, by cell."""
    return {cell: run.key for cell, run in search.runs().items()}


def look_up(search: TicketSearch) -> Searching:
    """The state of a search: one query to the store's index, one to the queue."""
    here, keys = lab(), run_keys(search)
    found = here.store.rows([*keys.values(), search.key])
    runs = {cell: found[key] for cell, key in keys.items() if key in found}
    return Searching(search, runs, found.get(search.key), here.queue.find(search.key))


def levels_done(search: TicketSearch) -> int:
    """Number of levels of which every run is there, from 0 up to the first gap; opens nothing."""
    keys = run_keys(search)
    there = lab().store.has(keys.values())
    return min((cell[0] for cell, key in keys.items() if key not in there), default=search.levels + 1)


def search_of(key: str) -> TicketSearch | None:
    """The search that a key stands for, if the store or the queue knows it."""
    question = question_of(key)
    return question if isinstance(question, TicketSearch) else None


def known_searches() -> dict[str, TicketSearch]:
    """Every search that is stored or on the queue, by key, newest first."""
    known = known_questions([TicketSearch.name])
    return {key: question for key, question in known.items() if isinstance(question, TicketSearch)}
