"""A search that learns its mask, while it runs and when it is done: a number over epochs, and what the weights'
probabilities to be kept look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.look import GRAY, SERIES, empty_figure, log_ticks, nth

HEIGHT = 320
"""Pixels: four of these figures are looked at together."""

FLAT = 0.01
"""A number that changes by at most this share of its size is drawn from zero: it is as good as constant."""

ORDERS = 20.0
"""Ratio of the largest to the smallest value from which on an axis is logarithmic."""


@dataclass(frozen=True)
class Course:
    """A number of one search over its epochs.

    Attributes:
        label: the search.
        epoch: N points of the search.
        value: N values, in the unit of the axis.
    """

    label: str
    epoch: Array
    value: Array


def course(series: Sequence[Course], name: str, title: str, *, wanted: float | None = None, end: float | None = None,
           linear: bool = False) -> go.Figure:
    """A number over the epochs of a search, a line a search; log scale if it spans orders of magnitude.

    Args:
        series: what to draw.
        name: of the number in a saved table.
        title: of its axis, with its unit.
        wanted: the value that is asked for, a dashed line.
        end: epochs of the whole search, so that the axis of a running one stays still.
        linear: never on a log scale: for a number whose zero means something.
    """
    figure = empty_figure(HEIGHT if len(series) < 2 else 420)
    for index, one in enumerate(series):
        style = nth(index, one.label)
        figure.add_scatter(
            x=[float(e) for e in one.epoch], y=[float(v) if np.isfinite(v) else None for v in one.value],
            mode="lines+markers" if len(one.epoch) < 3 else "lines", name=style.label, showlegend=len(series) > 1,
            line={"color": style.colour, "dash": style.dash, "width": 2}, meta={"x": "epoch", "y": name},
            hovertemplate=f"{style.label}<br>epoch %{{x:.3g}}: <b>%{{y:.4g}}</b><extra></extra>")
    values = np.concatenate([np.asarray(one.value, float) for one in series]) if series else np.empty(0)
    if wanted is not None:
        figure.add_hline(y=wanted, line_color=GRAY, line_dash="dash", line_width=1.5)
        figure.update_layout(margin={"r": 62})
        figure.add_annotation(x=1.01, xref="paper", xanchor="left", text=f"asked for<br>{wanted:.3g}", align="left",
                              y=np.log10(wanted) if not linear and spans_orders(np.append(values, wanted)) else wanted,
                              showarrow=False, font={"color": GRAY, "size": 12})
        values = np.append(values, wanted)
    figure.update_xaxes(title_text="Search (epochs)", range=[0, end] if end else None)
    known = values[np.isfinite(values)]
    if len(known) and np.ptp(known) <= FLAT * np.abs(known).max():
        figure.update_yaxes(rangemode="tozero")
    log_if_wide(figure, np.empty(0) if linear else values, title)
    return figure


def log_if_wide(figure: go.Figure, values: Array, title: str) -> None:
    """Give y its title, and a log scale with its ticks if the values span orders of magnitude."""
    figure.update_yaxes(title_text=title)
    if spans_orders(values):
        known = np.asarray(values, float)
        known = known[np.isfinite(known)]
        ticks = log_ticks(float(known.min()) / 2, 2 * float(known.max()))
        figure.update_yaxes(title_text=f"{title}, log scale", type="log", tickvals=ticks,
                            ticktext=[f"{tick:g}" for tick in ticks])


def spans_orders(values: Array) -> bool:
    """Whether values, all above 0, are better read on a log axis."""
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    return bool(len(known) and known.min() > 0 and known.max() / known.min() >= ORDERS)


def retention(count: Array, edge: Array, title: str) -> go.Figure:
    """How many weights have which probability to be kept; counts on a log scale.

    Args:
        count: B numbers of weights.
        edge: B + 1 edges of the bins, in [0, 1].
        title: of the axis of probabilities.
    """
    figure = empty_figure(HEIGHT)
    low, high = np.asarray(edge[:-1], float), np.asarray(edge[1:], float)
    figure.add_bar(
        x=((low + high) / 2).tolist(), y=[int(n) or None for n in count], width=(high - low).tolist(), name="weights",
        marker={"color": SERIES[0], "line": {"width": 0}},
        customdata=[[float(a), float(b)] for a, b in zip(low, high, strict=True)],
        meta={"x": "bin_centre", "y": "weights", "more": ["from", "to"]},
        hovertemplate="%{customdata[0]:.2f} to %{customdata[1]:.2f}: <b>%{y:,}</b> weights<extra></extra>")
    figure.update_xaxes(title_text=title, range=[-0.01, 1.01])
    figure.update_yaxes(title_text="Weights (log scale)", type="log", exponentformat="power", dtick=1)
    return figure
