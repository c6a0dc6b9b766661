"""What two networks have in common, layer by layer: kept weights against chance, distance, signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.look import GRAY, SERIES, empty_figure, nth, translucent


@dataclass(frozen=True)
class Column:
    """A number of each layer that can be drawn: axis title, factor from stored to drawn value, name in a table."""

    title: str
    scale: float
    name: str


COLUMNS: dict[str, Column] = {
    "signs_agree": Column("Equal signs among the weights kept by both (%)", 100.0, "signs_agree_percent"),
    "distance": Column("Distance (L2 norm of the difference)", 1.0, "distance"),
    "dead_first": Column("Dead units of the first network", 1.0, "dead_first"),
    "dead_second": Column("Dead units of the second network", 1.0, "dead_second"),
}
"""Columns of a comparison that :func:`by_layer` draws."""


def shared_weights(names: Sequence[str], size: Array, both: Array, expected: Array, low: Array, high: Array,
                   ) -> go.Figure:
    """Weights kept by both networks (% of the layer) against what two independent masks would share.

    Args:
        names: L layers, from the input on.
        size: L numbers of weights.
        both: L numbers of weights kept by both.
        expected: L numbers expected by chance at the same densities.
        low: L lower ends of the 95% hypergeometric band.
        high: L upper ends of it.
    """
    share = {name: 100 * np.asarray(values, float) / np.asarray(size, float)
             for name, values in (("both", both), ("expected", expected), ("low", low), ("high", high))}
    figure = empty_figure()
    x = list(range(len(names)))
    figure.add_bar(x=x, y=(share["high"] - share["low"]).tolist(), base=share["low"].tolist(), width=0.5,
                   name="by chance, 95 %", hoverinfo="skip",
                   marker={"color": translucent(GRAY, 0.4), "line": {"color": GRAY, "width": 1}})
    figure.add_scatter(x=x, y=share["expected"].tolist(), mode="markers", name="expected by chance", hoverinfo="skip",
                       marker={"symbol": "line-ew", "size": 26, "color": GRAY, "line": {"color": GRAY, "width": 2}})
    figure.add_scatter(
        x=x, y=share["both"].tolist(), mode="markers", name="kept by both",
        marker={"color": SERIES[0], "size": 13, "symbol": "circle"},
        customdata=[[name, int(n), int(b), float(e), float(lo), float(hi)] for name, n, b, e, lo, hi in zip(
            names, size, both, expected, low, high, strict=True)],
        meta={"x": "layer_number", "y": "kept_by_both_percent",
              "more": ["layer", "size", "both", "expected", "low_95", "high_95"]},
        hovertemplate="%{customdata[0]}<br>kept by both: <b>%{customdata[2]:,} of %{customdata[1]:,}</b> (%{y:.3g} %)"
                      "<br>by chance %{customdata[3]:,.1f}, 95% %{customdata[4]:,} to %{customdata[5]:,}"
                      "<extra></extra>")
    _layers(figure, names)
    figure.update_yaxes(title_text="Kept by both networks (% of the layer's weights)", rangemode="tozero")
    return figure


def by_layer(names: Sequence[str], series: Mapping[str, Array], column: str) -> go.Figure:
    """A column of COLUMNS over the layers, a line of markers a series."""
    drawn = COLUMNS[column]
    figure = empty_figure(360)
    for index, (label, values) in enumerate(series.items()):
        style = nth(index, label)
        y = [drawn.scale * float(v) if np.isfinite(v) else None for v in np.asarray(values, float)]
        figure.add_scatter(
            x=list(range(len(names))), y=y, mode="markers+lines", name=label,
            line={"color": style.colour, "dash": style.dash, "width": 1.5},
            marker={"color": style.colour, "symbol": style.symbol, "size": 11},
            customdata=[[name] for name in names], meta={"x": "layer_number", "y": drawn.name, "more": ["layer"]},
            hovertemplate=f"{label}<br>%{{customdata[0]}}: <b>%{{y:.4g}}</b><extra></extra>")
    _layers(figure, names)
    figure.update_yaxes(title_text=drawn.title, rangemode="tozero")
    return figure


def _layers(figure: go.Figure, names: Sequence[str]) -> None:
    every = max(1, -(-len(names) // 20))
    shown = range(0, len(names), every)
    figure.update_xaxes(title_text="Layer, from the input on", tickvals=list(shown),
                        ticktext=[names[n] for n in shown], range=[-0.6, len(names) - 0.4])
