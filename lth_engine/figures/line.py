"""Error or loss on the straight line between two networks, with the barrier; several lines over each other, or as a
panel of small ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lth_engine.core.artifact import Array
from lth_engine.figures.look import GRAY, TEMPLATE, Look, empty_figure, nth

MEASURES: dict[str, tuple[str, str, float]] = {
    "error": ("Error (%)", "points", 100.0),
    "loss": ("Loss (nats)", "nats", 1.0),
}
"""What may be drawn: axis title, unit of a barrier, factor from stored to drawn value."""

PARTS: dict[str, tuple[str, str]] = {"test": ("test images", "solid"), "train": ("training images", "dot")}
"""Whose images: words, dash."""

PLACE = "Place on the line, alpha (0: first network, 1: second)"

_FEW = 60
"""Places up to which each is marked."""

_EDGE = 0.15
"""Part of the line at either end where words on the figure stand beside, not above, their place."""

_ONE_ROW, _PLOT = 3, 350
"""Lines whose names need no more room than the template leaves; height of the plot (pixels) above more of them."""


@dataclass(frozen=True)
class Top:
    """The barrier of a curve: its height above the mean of the two ends, where, and its 95% interval, in stored units.

    NaN where a bound is not known.
    """

    height: float
    alpha: float
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True)
class Line:
    """One measured line.

    Attributes:
        label: its name in the legend.
        alpha: N places in [0, 1], ascending.
        values: test_error, test_loss, train_error, train_loss (those that were measured), N each; fractions and nats.
        tops: barriers by the same names.
    """

    label: str
    alpha: Array
    values: Mapping[str, Array]
    tops: Mapping[str, Top] = field(default_factory=dict)


def along(lines: Sequence[Line], measure: str = "error", parts: Sequence[str] = ("test", "train")) -> go.Figure:
    """A curve for each line and each of `parts`: the colour tells the line, the dash the images.

    The barrier of each line on the first part is a bar at its place, from the mean of the two ends to the top, with
    the 95% interval of its height.

    Args:
        lines: what to draw.
        measure: a key of MEASURES.
        parts: keys of PARTS.
    """
    figure = empty_figure()
    _room_for_legend(figure, len(lines))
    for index, line in enumerate(lines):
        style = nth(index, line.label)
        _curves(figure, line, style, measure, parts, alone=len(lines) == 1)
    figure.update_xaxes(title_text=PLACE, range=[-0.03, 1.03])
    figure.update_yaxes(title_text=MEASURES[measure][0], rangemode="tozero")
    return figure


def panel(lines: Mapping[tuple[str, str], Line], rows: Sequence[str], columns: Sequence[str], measure: str = "error",
          parts: Sequence[str] = ("test", "train")) -> go.Figure:
    """A grid of small figures on one scale, a line in each.

    Args:
        lines: by (row, column); one that is missing leaves its place empty.
        rows: words of the rows, which head the small figures.
        columns: words of the columns, likewise.
        measure: a key of MEASURES.
        parts: keys of PARTS.
    """
    figure = make_subplots(len(rows), len(columns), shared_xaxes=True, shared_yaxes=True, horizontal_spacing=0.04,
                           vertical_spacing=0.13, subplot_titles=[f"{c}, {r}" for r in rows for c in columns])
    figure.update_layout(template=TEMPLATE, height=560, margin={"t": 30}, showlegend=False)
    for place, (row, column) in enumerate((r, c) for r in rows for c in columns):
        line = lines.get((row, column))
        if line is not None:
            where = {"row": place // len(columns) + 1, "col": place % len(columns) + 1}
            _curves(figure, line, nth(place, line.label), measure, parts, alone=False, where=where)
    figure.update_annotations(font={"size": 14})
    figure.update_xaxes(range=[-0.03, 1.03])
    figure.update_xaxes(title_text="Place on the line, alpha", row=len(rows))
    drawn = [float(v) for trace in figure.data for v in trace.y]
    figure.update_yaxes(range=[-0.03 * max(drawn, default=1.0), 1.12 * max(drawn, default=1.0)])
    figure.update_yaxes(title_text=MEASURES[measure][0], col=1)
    return figure


def _room_for_legend(figure: go.Figure, lines: int) -> None:
    """Room below for the names of many lines, so that the plot keeps its height."""
    if lines > _ONE_ROW:
        below = 60 + 20 * lines  # on a phone each name has a row of its own
        figure.update_layout(height=_PLOT + below, margin={"b": below}, legend={"y": -55 / _PLOT})


def _curves(figure: go.Figure, line: Line, style: Look, measure: str, parts: Sequence[str], *, alone: bool,
            where: Mapping[str, int] | None = None) -> None:
    drawn = [part for part in parts if f"{part}_{measure}" in line.values]
    for part in drawn:
        _curve(figure, line, style, measure, part, alone=alone, where=where or {})
    for part in drawn[:1]:
        top = line.tops.get(f"{part}_{measure}")
        if top is not None:
            _top(figure, line, style, measure, part, top, words=alone, where=where or {})


def _curve(figure: go.Figure, line: Line, style: Look, measure: str, part: str, *, alone: bool,
           where: Mapping[str, int]) -> None:
    _, _, scale = MEASURES[measure]
    words, dash = PARTS[part]
    name = words.capitalize() if alone else line.label
    colour = style.colour if part == "test" or not alone else nth(1, "").colour
    x, y = [float(a) for a in line.alpha], [scale * float(v) for v in line.values[f"{part}_{measure}"]]
    ends = [9 if place in (0, len(x) - 1) else 4 if len(x) <= _FEW else 0 for place in range(len(x))]
    figure.add_scatter(
        x=x, y=y, mode="lines+markers", name=name, legendgroup=line.label, showlegend=alone or part == "test",
        line={"color": colour, "dash": dash, "width": 2.5},
        marker={"color": colour, "symbol": style.symbol, "size": ends},
        meta={"x": "alpha", "y": column(part, measure)},
        hovertemplate=f"{line.label}<br>{words}, alpha %{{x:.3g}}: <b>%{{y:.4g}}</b><extra></extra>", **where)


def _top(figure: go.Figure, line: Line, style: Look, measure: str, part: str, top: Top, *, words: bool,
         where: Mapping[str, int]) -> None:
    """The bar of a barrier."""
    _, unit, scale = MEASURES[measure]
    values = line.values[f"{part}_{measure}"]
    base, height = scale * float(values[0] + values[-1]) / 2, scale * top.height
    known = bool(np.isfinite(top.low) and np.isfinite(top.high))
    low, high = scale * top.low, scale * top.high
    label = f"{height:.2g} {unit}"
    figure.add_scatter(x=[top.alpha, top.alpha], y=[base, base + height], mode="lines", hoverinfo="skip",
                       showlegend=False, legendgroup=line.label, line={"color": style.colour, "width": 6},
                       opacity=0.45, **where)
    figure.add_scatter(
        x=[top.alpha], y=[base + height], mode="markers", name=f"{line.label}: barrier", showlegend=False,
        legendgroup=line.label, marker={"color": style.colour, "symbol": "diamond", "size": 10},
        error_y={"type": "data", "symmetric": False, "array": [max(0.0, high - height)],
                 "arrayminus": [max(0.0, height - low)], "color": style.colour, "thickness": 2, "width": 8}
        if known else None,
        customdata=[[height, low, high] if known else [height, None, None]],
        meta={"x": "alpha", "y": column(part, measure),
              "more": [f"barrier_{unit}", f"barrier_{unit}_low_95", f"barrier_{unit}_high_95"]},
        hovertemplate=f"{line.label}<br>barrier <b>{label}</b> at alpha %{{x:.3g}}"
                      + ("<br>95% interval %{customdata[1]:.3g} to %{customdata[2]:.3g}" if known else "")
                      + "<extra></extra>", **where)
    if words:
        figure.add_hline(y=base, line_color=GRAY, line_dash="dash", line_width=1.2)
        figure.add_annotation(x=top.alpha, y=base + (max(height, high) if known else height), showarrow=True,
                              text=f"<b>barrier {label}</b>", arrowhead=0, arrowcolor=style.colour, ax=0, ay=-24,
                              bgcolor=style.colour, font={"color": "white", "size": 13}, borderpad=4,
                              xanchor="left" if top.alpha < _EDGE else "right" if top.alpha > 1 - _EDGE else "center")


def column(part: str, measure: str) -> str:
    """The name of a curve's values in a saved table: "test_error_percent", "train_loss_nats"."""
    return f"{part}_{measure}_{'percent' if measure == 'error' else 'nats'}"
