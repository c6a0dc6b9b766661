"""A number of each layer, a row a layer: dots with errors, or bars in two parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.look import GRAY, empty_figure, hatched, nth

ROW = 26
"""Pixels of a row."""


@dataclass(frozen=True)
class LayerValues:
    """One network's values.

    Attributes:
        label: its name in the legend.
        names: P names of parameters.
        value, stderr: P values, P standard errors (nan where unknown).
        size: P numbers of weights that may move.
    """

    label: str
    names: Sequence[str]
    value: Array
    stderr: Array
    size: Array


def largest(values: Sequence[LayerValues], most: int) -> list[str]:
    """The names of the `most` layers of greatest |value| in any network, in the networks' order."""
    heights: dict[str, float] = {}
    for network in values:
        for name, value in zip(network.names, network.value, strict=True):
            heights[name] = max(heights.get(name, 0.0), abs(float(value)))
    kept = set(sorted(heights, key=lambda name: -heights[name])[:most])
    return [name for name in heights if name in kept]


def layer_values(networks: Sequence[LayerValues], title: str, shown: Sequence[str]) -> go.Figure:
    """A dot a layer and network, with a bar of one standard error on either side.

    Args:
        networks: what to draw.
        title: of the axis of values, with its unit.
        shown: the layers to draw, from top to bottom.
    """
    figure = _rows(shown)
    for index, network in enumerate(networks):
        style = nth(index, network.label)
        at = {name: place for place, name in enumerate(network.names)}
        rows = [(row, at[name]) for row, name in enumerate(shown) if name in at]
        shift = 0.22 * (index - (len(networks) - 1) / 2)
        figure.add_scatter(
            x=[float(network.value[p]) for _, p in rows], y=[row + shift for row, _ in rows], mode="markers",
            name=network.label, marker={"color": style.colour, "symbol": style.symbol, "size": 9},
            error_x={"type": "data", "array": [_known(network.stderr[p]) for _, p in rows], "color": style.colour,
                     "thickness": 1.6, "width": 4},
            customdata=[[network.names[p], _or_none(network.stderr[p]), int(network.size[p])] for _, p in rows],
            meta={"x": "value", "y": "row", "more": ["layer", "standard_error", "weights"]},
            hovertemplate=network.label + "<br>%{customdata[0]} (%{customdata[2]:,} weights)<br><b>%{x:.4g}</b> ± "
                          "%{customdata[1]:.2g} (standard error)<extra></extra>")
    figure.add_vline(x=0, line_color=GRAY, line_width=1)
    figure.update_xaxes(title_text=title)
    return figure


@dataclass(frozen=True)
class LayerParts:
    """The two parts of each layer's bar in one group of bars, in the unit of the axis."""

    label: str
    first: Array
    second: Array


def layer_parts(groups: Sequence[LayerParts], parts: Mapping[str, str], names: Sequence[str], sizes: Array,
                title: str) -> go.Figure:
    """Bars in two parts, one a layer and group; groups lie below one another in each row.

    Args:
        groups: what to draw, P values each.
        parts: what the first and the second part are called -> their colours.
        names: P names of layers.
        sizes: P numbers of weights.
        title: of the axis, with its unit.
    """
    figure = _rows(names)
    width = 0.8 / len(groups)
    for index, group in enumerate(groups):
        begin = np.zeros(len(names))
        for (part, colour), values in zip(parts.items(), (group.first, group.second), strict=True):
            figure.add_bar(
                x=[float(v) for v in values], y=list(range(len(names))), base=[float(b) for b in begin],
                orientation="h", offset=-0.4 + width * index, width=width * 0.92, name=f"{group.label}: {part}",
                marker=hatched(colour, ("", "/", "x")[index % 3]),
                customdata=[[n, int(s)] for n, s in zip(names, sizes, strict=True)],
                meta={"x": "value", "y": "row", "more": ["layer", "weights"]},
                hovertemplate=f"{group.label}<br>%{{customdata[0]}} (%{{customdata[1]:,}} weights)<br>{part}: "
                              "<b>%{x:.5g}</b><extra></extra>")
            begin = begin + np.asarray(values, dtype=float)
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(title_text=title)
    return figure


def _rows(names: Sequence[str]) -> go.Figure:
    """An empty figure with a row a name, the first on top, the legend above."""
    figure = empty_figure(150 + ROW * len(names))
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=list(names), range=[len(names) - 0.4, -0.6],
                        showgrid=False, ticks="")
    figure.update_layout(legend={"y": 1.0, "yanchor": "bottom"}, margin={"t": 40})
    return figure


def _known(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
