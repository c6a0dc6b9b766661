"""Exactly what a figure draws, as rows: read back from the figure itself.

A trace takes part by naming its columns in `meta`: {"x": name, "y": name, "more": [names of the
columns of customdata]}, or {"x", "y", "z"} for values over a plane, whose customdata, if there is any, are the values
where z holds their logarithms. Traces without it are decoration (a band repeats the bounds that its mean line carries
in customdata).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import plotly.graph_objects as go

Row = dict[str, Any]


def table_of(figure: go.Figure) -> list[Row]:
    """One row a drawn point: its series, its coordinates and what its hover says, by column name."""
    return [row for trace in figure.data if trace.meta for row in _rows(trace)]


def csv_of(figure: go.Figure) -> str:
    """:func:`table_of` as CSV with a header; a cell that a series lacks is empty."""
    rows = table_of(figure)
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({n: _harmless(v) for n, v in row.items()} for row in rows)
    return out.getvalue()


def _rows(trace: Any) -> Iterator[Row]:
    meta = trace.meta
    if "z" in meta:
        values = trace.z if trace.customdata is None else trace.customdata
        for y, line in zip(trace.y, values, strict=True):
            for x, z in zip(trace.x, line, strict=True):
                yield {"series": trace.name, meta["x"]: x, meta["y"]: y, meta["z"]: z}
        return
    extra = trace.customdata if trace.customdata is not None else [()] * len(trace.x)
    for x, y, more in zip(trace.x, trace.y, extra, strict=True):
        yield {"series": trace.name, meta["x"]: x, meta["y"]: y} | dict(zip(meta.get("more", ()), more, strict=True))


def _harmless(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets a leading apostrophe; None becomes empty."""
    if isinstance(value, str) and value[:1] in "=+-@\t\r" and value[:1]:
        return "'" + value
    return "" if value is None else value
