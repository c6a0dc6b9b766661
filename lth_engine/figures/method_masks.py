"""What the masks of several methods look like beside each other: densities of layers, and what they have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.look import GRAY, Look, empty_figure, log_ticks, translucent

_DIVERGING = [[0.0, "#d55e00"], [0.5, "#bdbdbd"], [1.0, "#1f83c9"]]
"""Less than chance (orange), as chance (grey), more (blue): readable on white and black."""

SPAN = 3.0
"""Powers of two from chance at which the colours of the matrix end."""


def layers_by_method(names: Sequence[str], size: Array, styles: Sequence[Look], density: Array) -> go.Figure:
    """Density of each layer (%, log scale) by method over relative layer sizes as grey bars.

    Args:
        names: L layers, from the input on.
        size: L numbers of weights.
        styles: M looks of the methods.
        density: M x L densities in [0, 1]; a layer without weights is not drawn.
    """
    figure = empty_figure(440 + 14 * len(styles))
    x, share = list(range(len(names))), 100 * np.asarray(size, float) / max(1.0, float(np.sum(size)))
    figure.add_bar(
        x=x, y=share.tolist(), name="size of the layer (share of all weights)", yaxis="y2", width=0.7,
        marker={"color": translucent(GRAY, 0.3), "line": {"width": 0}},
        customdata=[[name, int(n)] for name, n in zip(names, size, strict=True)],
        meta={"x": "layer_number", "y": "share_of_weights_percent", "more": ["layer", "weights"]},
        hovertemplate="%{customdata[0]}: %{customdata[1]:,} weights, %{y:.3g} % of all<extra></extra>")
    for style, row in zip(styles, np.asarray(density, float), strict=True):
        figure.add_scatter(
            x=x, y=[100 * float(d) if d > 0 else None for d in row], mode="lines+markers", name=style.label,
            line={"color": style.colour, "dash": style.dash, "width": 2},
            marker={"color": style.colour, "symbol": style.symbol, "size": 9},
            customdata=[[name] for name in names],
            meta={"x": "layer_number", "y": "layer_density_percent", "more": ["layer"]},
            hovertemplate=style.label + "<br>%{customdata[0]}: <b>%{y:.3g} %</b> kept<extra></extra>")
    every = max(1, -(-len(names) // 20))
    shown = x[::every]
    figure.update_xaxes(title_text="Layer, from the input on", tickvals=shown, ticktext=[names[n] for n in shown],
                        range=[-0.6, len(names) - 0.4])
    known = 100 * np.asarray(density, float)[np.asarray(density) > 0]
    ticks = log_ticks(float(known.min()) / 1.5, 150.0) if len(known) else [1.0, 10.0, 100.0]
    figure.update_yaxes(title_text="Density of the layer (%, log scale)", type="log", overlaying="y2", side="left",
                        tickmode="array", tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
    figure.update_layout(yaxis2={"range": [0, max(100.0, float(share.max(initial=0)))], "side": "right",
                                 "title": {"text": "Share of all weights (%)"}, "showgrid": False, "automargin": True,
                                 "overlaying": None})
    return figure


def overlap_matrix(labels: Sequence[str], both: Array, expected: Array, low: Array, high: Array) -> go.Figure:
    """How many times as many weights two masks share as two random masks of the same layer densities would.

    The number is shared / expected by chance; it is set in brackets where chance alone explains it (inside the 95%
    band). Colours end at 8 times and at an eighth.

    Args:
        labels: M methods.
        both: M x M numbers of weights that both keep.
        expected: M x M numbers expected by chance.
        low: M x M lower ends of its 95% band.
        high: M x M upper ends of it.
    """
    count = len(labels)
    off = ~np.eye(count, dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((expected > 0) & off, np.asarray(both, float) / expected, np.nan)
        colour = np.clip(np.log2(ratio), -SPAN, SPAN)
    chance = (both >= low) & (both <= high)
    text = [[_factor(ratio[r, c], bool(chance[r, c])) for c in range(count)] for r in range(count)]
    figure = empty_figure(150 + 44 * count)
    figure.add_heatmap(
        x=list(labels), y=list(labels), z=[[float(v) if np.isfinite(v) else None for v in row] for row in colour],
        customdata=[[float(v) if np.isfinite(v) else None for v in row] for row in ratio], text=text,
        texttemplate="%{text}", textfont={"color": "#111111"}, colorscale=_DIVERGING, zmin=-SPAN, zmax=SPAN, xgap=2,
        ygap=2, name="shared by chance", meta={"x": "first", "y": "second", "z": "shared_over_chance"},
        hovertext=[[f"{labels[r]} and {labels[c]}<br>both keep <b>{int(both[r, c]):,}</b><br>by chance "
                    f"{expected[r, c]:,.1f} (95%: {low[r, c]:,.0f} to {high[r, c]:,.0f})" if r != c else ""
                    for c in range(count)] for r in range(count)], hoverinfo="text", hoverongaps=False,
        colorbar={"title": {"text": "× chance"}, "tickvals": [-3, -2, -1, 0, 1, 2, 3],
                  "ticktext": ["1/8", "1/4", "1/2", "1", "2", "4", "8"], "thickness": 12})
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False, tickangle=-30)
    return figure


def _factor(ratio: float, chance: bool) -> str:
    if not np.isfinite(ratio):
        return ""
    shown = f"{ratio:.2g}" if ratio < 100 else f"{ratio:.0f}"
    return f"({shown})" if chance else shown
