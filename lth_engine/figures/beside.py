"""A number of each replicate of several things side by side: a row each, with mean and interval, and one word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.interval import student_t
from lth_engine.figures.look import GRAY, Look, empty_figure, translucent, wrapped

ROW = 46
"""Pixels of a row."""

NEAR = 1.0
"""Distance from the values up to which a line is drawn, in the width of what is drawn anyway."""


@dataclass(frozen=True)
class Row:
    """One thing.

    Attributes:
        style: its label, colour and marker.
        values: of its replicates, in the unit of the axis.
        word: what a test says of it ("passes"), written at the right; "" for none.
    """

    style: Look
    values: Array
    word: str = ""


def beside(rows: Sequence[Row], title: str, lines: Mapping[str, float]) -> go.Figure:
    """A small point a replicate, a large one for the mean with its 95% Student-t interval (from two replicates on).

    Args:
        rows: from top to bottom.
        title: of the axis, with its unit.
        lines: values that are drawn as dashed lines through all rows, by what they are called.
    """
    figure = empty_figure(120 + ROW * len(rows))
    for place, row in enumerate(rows):
        _row(figure, place, row)
    lines = near_lines(np.concatenate([np.empty(0), *(np.asarray(row.values, float) for row in rows)]), lines)
    for place, (name, value) in enumerate(lines.items()):
        if np.isfinite(value):
            figure.add_vline(x=value, line_color=GRAY, line_dash=("dash", "dot")[place % 2], line_width=1.5)
            figure.add_annotation(x=value, y=1, yref="paper", yanchor="bottom", text=f"{name} {value:.4g}",
                                  showarrow=False, font={"color": GRAY, "size": 12})
    figure.update_xaxes(title_text=title, **_range(rows, lines))
    figure.update_yaxes(tickvals=list(range(len(rows))), ticktext=[wrapped(row.style.label, 18) for row in rows],
                        range=[len(rows) - 0.4, -0.6], showgrid=False, ticks="")
    figure.update_layout(showlegend=False, margin={"t": 30, "r": 135 if any(row.word for row in rows) else 20})
    return figure


def _row(figure: go.Figure, place: int, row: Row) -> None:
    style, values = row.style, np.asarray(row.values, dtype=float)
    figure.add_scatter(
        x=values.tolist(), y=[place + 0.22] * len(values), mode="markers", name=f"{style.label} (each replicate)",
        marker={"color": translucent(style.colour, 0.55), "symbol": style.symbol, "size": 8},
        customdata=[[replicate] for replicate in range(len(values))],
        meta={"x": "value", "y": "row", "more": ["replicate"]},
        hovertemplate=style.label + ", replicate %{customdata[0]}<br><b>%{x:.4g}</b><extra></extra>")
    mean = student_t(values)
    if not mean.n:
        return
    known = mean.n > 1
    figure.add_scatter(
        x=[mean.mean], y=[place], mode="markers", name=style.label,
        marker={"color": style.colour, "symbol": style.symbol, "size": 13},
        error_x={"type": "data", "array": [mean.upper - mean.mean], "color": style.colour, "thickness": 2.5,
                 "width": 7} if known else None,
        customdata=[[mean.n, mean.lower if known else None, mean.upper if known else None, row.word]],
        meta={"x": "value", "y": "row", "more": ["n", "lower_95", "upper_95", "word"]},
        hovertemplate=style.label + ": mean of %{customdata[0]}<br><b>%{x:.4g}</b>, 95% interval %{customdata[1]:.4g} "
                                    "to %{customdata[2]:.4g}<extra></extra>")
    if row.word:
        figure.add_annotation(x=1.01, xref="paper", xanchor="left", y=place, text=f"<b>{row.word}</b>",
                              showarrow=False, font={"size": 15})


def near_lines(values: Array, lines: Mapping[str, float]) -> dict[str, float]:
    """Those of the lines that lie near enough to the values to be drawn without squeezing them together.

    Args:
        values: what is drawn.
        lines: reference values by name, the first of them always drawn.
    """
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    finite = {name: value for name, value in lines.items() if np.isfinite(value)}
    first = dict(list(finite.items())[:1])
    if not len(known):
        return first
    every = np.append(known, list(first.values()))
    low, high = float(every.min()), float(every.max())
    return first | {name: value for name, value in finite.items()
                    if low - NEAR * (high - low) <= value <= high + NEAR * (high - low)}


def _range(rows: Sequence[Row], lines: Mapping[str, float]) -> dict[str, object]:
    """The points and lines with some room; an interval of two replicates may be wider than the figure."""
    found = np.concatenate([*(np.asarray(row.values, float) for row in rows), list(lines.values()), np.empty(0)])
    found = found[np.isfinite(found)]
    if not len(found):
        return {}
    room = 0.15 * float(np.ptp(found)) or 1.0
    return {"range": [float(found.min()) - room, float(found.max()) + room]}
