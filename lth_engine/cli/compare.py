"""The verb that compares searches: the first one is the reference, every other one is judged against it."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from lth_engine.cli.result import finite
from lth_engine.cli.shelf import only_one
from lth_engine.cli.words import columns
from lth_engine.core.comparison import Comparison, default_margin, unmatched
from lth_engine.core.comparison import compare as compare_tables
from lth_engine.core.errors import BadInput, UnknownName
from lth_engine.core.measures import Measure, measure
from lth_engine.core.search_table import Table, variants, with_above_dense
from lth_engine.jobs.queue import Queue
from lth_engine.specs.costs import table_with_costs, trainings_behind
from lth_engine.specs.differences import differences, share_seeds
from lth_engine.specs.questions import TicketSearch, question_from_dict
from lth_engine.store.store import Store


@dataclass(frozen=True)
class _Asked:
    """What is compared, by what, and how finely."""

    searches: Sequence[TicketSearch]
    tables: Sequence[Table]
    by: Measure
    margin: float
    variant: str

    def against_first(self, index: int) -> list[Comparison]:
        """One of the searches against the reference."""
        paired = share_seeds(self.searches[index], self.searches[0])
        return compare_tables(self.tables[index], self.tables[0], self.by, self.margin, paired=paired,
                              variant=self.variant)


def compare(given: argparse.Namespace) -> int:
    """Print what differs between searches, and each against the first at every density that they share."""
    asked = _read(given)
    print(json.dumps(_plain(asked), allow_nan=False) if given.json else _text(asked))
    return 0


def _read(given: argparse.Namespace) -> _Asked:
    store, by = Store(given.store, create=False), measure(given.metric)
    known = _searches(store)
    keys = list(dict.fromkeys(only_one(key, known, "search", "ls --kind ticket_search") for key in given.key))
    if len(keys) < 2:
        raise BadInput("compare takes two searches or more. Got one. Keys are listed by ls --kind ticket_search.")
    searches = [_search(known[key]) for key in keys]
    tables = [_table(store, search) for search in searches]
    shared = [name for name in variants(tables[0]) if all(name in variants(table) for table in tables)]
    if given.variant not in shared:
        raise UnknownName("variant", given.variant, shared)
    lacking = [search.key for search, table in zip(searches, tables, strict=True) if by.name not in table]
    if lacking:
        why = "no dense network of it is there" if by.from_dense else "an earlier version made them"
        raise BadInput(f"No finished run of {' and '.join(lacking)} holds {by.name}; {why}. Choose another --metric.")
    own = searches[0].margin if by.is_accuracy else default_margin(by, tables[0])
    margin = own if given.margin is None else given.margin
    if not (math.isfinite(margin) and margin >= 0):
        raise BadInput(f"--margin must be a number from 0. Got {margin}.")
    if by.unit == "points" and margin > 1:
        raise BadInput(f"--margin is a fraction for {by.name}, at most 1; 0.01 is one point. Got {margin:g}.")
    return _Asked(searches, tables, by, margin, given.variant)


def _searches(store: Store) -> dict[str, dict[str, object]]:
    """Every search that is stored or queued, by key."""
    queued = {job.key: dict(job.spec) for job in Queue(store.root).list() if job.kind == "ticket_search"}
    return queued | {row.key: row.spec for row in store.list("ticket_search")}


def _search(spec: dict[str, object]) -> TicketSearch:
    question = question_from_dict(spec)
    if not isinstance(question, TicketSearch):
        raise BadInput(f"Only ticket searches are compared. Got a {question.name}.")
    return question


def _table(store: Store, search: TicketSearch) -> Table:
    keys = {key for _, behind in trainings_behind(search).values() for key in behind}
    table = with_above_dense(table_with_costs(search, {key: row.summary for key, row in store.rows(keys).items()}))
    if not len(table["level"]):
        raise BadInput(f"Nothing of the search {search.key} is finished yet. Wait for its first run.")
    return table


def _text(asked: _Asked) -> str:
    letters = [chr(ord("A") + index % 26) for index in range(len(asked.searches))]
    names = "\n".join(f"{letter}  {search.key}{'  (reference)' * (index == 0)}"
                      for index, (letter, search) in enumerate(zip(letters, asked.searches, strict=True)))
    differ = [[path, *values] for path, values in differences(asked.searches).items()]
    parts = [names, columns(["setting", *letters], differ, left=1 + len(letters)) if differ else
             "The questions are the same."]
    for index in range(1, len(letters)):
        margin = f"{asked.margin * asked.by.scale:g} {asked.by.unit}".strip()
        alone = unmatched(asked.tables[index], asked.tables[0])
        lonely = (f"\nDensities without a partner: {alone[1]} of A, {alone[0]} of {letters[index]}." if any(alone)
                  else "")
        parts.append(f"{letters[index]} - A: {asked.by.title}, margin {margin}\n"
                     + _differences(asked, letters[index], asked.against_first(index)) + lonely)
    return "\n\n".join(parts)


def _differences(asked: _Asked, letter: str, found: Sequence[Comparison]) -> str:
    if not found:
        return "They have no density in common."
    alone = (" One replicate has no spread: ask for 3 or more to have a test."
             if any(min(c.counts) < 2 for c in found) else "")
    scale, mean, change = asked.by.scale, *((".2f", "+.2f") if asked.by.scale == 100 else (".4g", "+.3g"))
    rows = [[f"{100 * c.density:.2f}", f"{scale * c.means[1]:{mean}}", f"{scale * c.means[0]:{mean}}",
             f"{scale * c.difference.mean:{change}}",
             f"{scale * c.difference.low:{change}} to {scale * c.difference.high:{change}}"
             if math.isfinite(c.difference.low) else "-", c.test, c.word]
            for c in found]
    table = columns(["density %", "A", letter, "difference", "90% interval", "test", "verdict"], rows, left=0)
    return table + (f"\n{alone.strip()}" if alone else "")


def _plain(asked: _Asked) -> dict[str, object]:
    pairs = [(search, c) for index, search in enumerate(asked.searches) if index for c in asked.against_first(index)]
    return {
        "metric": asked.by.name, "margin": asked.margin, "variant": asked.variant,
        "reference": asked.searches[0].key, "searches": [search.key for search in asked.searches],
        "settings": differences(asked.searches),
        "comparisons": [{
            "key": search.key, "density": c.density, "level": c.levels[0], "reference_level": c.levels[1],
            "mean": c.means[0], "reference_mean": c.means[1], "difference": c.difference.mean,
            "low": finite(c.difference.low), "high": finite(c.difference.high), "n": c.counts[0],
            "reference_n": c.counts[1], "paired": c.paired, "verdict": c.word} for search, c in pairs]}
