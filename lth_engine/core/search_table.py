"""The table of a ticket search: one row a trained run, one column a fact about it.

The same table is assembled live from the store's index while a search runs, and written into the
search's artifact at its end, so that figures have one source.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lth_engine.core.artifact import Array, Scalar, text_array, texts

Cell = tuple[int, int, str]
"""(level, replicate, variant): variant is "ticket" or the name of a control."""

Table = dict[str, Array]
"""Column name -> array; all columns have equal length."""

_OWN = ("level", "replicate", "variant", "key")


def search_table(summaries: Mapping[Cell, Mapping[str, Scalar]], keys: Mapping[Cell, str] | None = None) -> Table:
    """One row for each run that is there, sorted by level, replicate and variant.

    Args:
        summaries: the summary of each finished run; runs that are missing have no row.
        keys: the key of each run, if wanted as a column.

    Returns:
        level, replicate (int64), variant and key (bytes), then every number of the summaries:
        float64 with nan where a run lacks it, int64 or bool where all runs have it, bytes for texts.
    """
    cells = sorted(summaries)
    table: Table = {
        "level": np.array([c[0] for c in cells], dtype=np.int64),
        "replicate": np.array([c[1] for c in cells], dtype=np.int64),
        "variant": text_array([c[2] for c in cells]),
        "key": text_array([(keys or {}).get(c, "") for c in cells]),
    }
    names = dict.fromkeys(name for c in cells for name in summaries[c] if name not in _OWN)
    for name in names:
        table[name] = _column([summaries[c].get(name) for c in cells])
    return table


def variants(table: Table) -> list[str]:
    """The variants that the table holds, the ticket first."""
    found = dict.fromkeys(texts(table["variant"]))
    return sorted(found, key=lambda name: (name != "ticket", name))


def rows_where(table: Table, variant: str, level: int | None = None) -> Table:
    """The rows of one variant (and level).

    The dense runs of level 0 are nobody's control: they count as "ticket".
    """
    keep = table["variant"] == variant.encode()
    if level is not None:
        keep = keep & (table["level"] == level)
    return {name: column[keep] for name, column in table.items()}


def with_above_dense(table: Table) -> Table:
    """The table with the column above_dense: test accuracy less that of the dense network of the same replicate (0 for
    the dense network itself, nan where it has not been trained). What a ticket lost, as a negative number. Without any
    dense network the table is as it was."""
    start = rows_where(table, "ticket", 0)
    if "test_accuracy" not in table or not len(start["level"]):
        return table
    dense = dict(zip(start["replicate"].tolist(), start["test_accuracy"].tolist(), strict=True))
    beside = np.array([dense.get(replicate, np.nan) for replicate in table["replicate"].tolist()], dtype=np.float64)
    return {**table, "above_dense": table["test_accuracy"] - beside}


def _column(values: list[Scalar]) -> Array:
    if any(isinstance(v, str) for v in values):
        return text_array([v if isinstance(v, str) else "" for v in values])
    if all(isinstance(v, bool) for v in values):
        return np.array(values, dtype=np.bool_)
    if all(isinstance(v, int) for v in values):
        return np.array(values, dtype=np.int64)
    return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)
