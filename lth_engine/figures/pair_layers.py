"""Two networks layer by layer: how far apart their weights are, and whether they keep the same ones with one sign."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from lth_engine.figures.look import GRAY, SERIES, empty_figure

MOST = 60
"""Layers that are drawn; of more, the first."""


@dataclass(frozen=True)
class PairedLayer:
    """One layer of both networks; None for what cannot be said.

    Attributes:
        name: of the layer, drawn as plain text.
        cosine: correlation of the weights.
        signs: share of the weights kept by both that have the same sign.
        signs_chance: that share by chance.
        overlap: weights kept by both, a share of those that either keeps.
        overlap_chance: that share by chance.
    """

    name: str
    cosine: float | None
    signs: float | None
    signs_chance: float | None
    overlap: float | None
    overlap_chance: float | None


def pair_layers(layers: Sequence[PairedLayer]) -> go.Figure:
    """Signs and masks in common (%), each beside what chance gives (hollow)."""
    drawn = layers[:MOST]
    figure = empty_figure(max(300, 150 + 26 * len(drawn)))
    names = [html.escape(layer.name) for layer in drawn]
    for shift, colour, symbol, label, values, chances in (
            (-0.14, SERIES[0], "circle", "same sign", [p.signs for p in drawn], [p.signs_chance for p in drawn]),
            (0.14, SERIES[1], "square", "kept by both", [p.overlap for p in drawn],
             [p.overlap_chance for p in drawn])):
        for words, shares, mark in ((label, values, symbol), (f"{label}, by chance", chances, f"{symbol}-open")):
            known = [(place + shift, 100 * share, name) for place, (share, name)
                     in enumerate(zip(shares, names, strict=True)) if share is not None]
            if known:
                figure.add_scatter(
                    x=[x for _, x, _ in known], y=[y for y, _, _ in known], mode="markers", name=words,
                    marker={"color": colour if mark == symbol else GRAY, "symbol": mark, "size": 11,
                            "line": {"width": 2, "color": colour}},
                    customdata=[[name] for _, _, name in known],
                    meta={"x": "percent", "y": "place", "more": ["layer"]},
                    hovertemplate=f"%{{customdata[0]}}<br>{words} <b>%{{x:.3g}} %</b><extra></extra>")
    figure.update_xaxes(title_text="Share of weights (%)", range=[-2, 103])
    figure.update_yaxes(autorange="reversed", tickvals=list(range(len(drawn))), showgrid=False,
                        ticktext=[n if len(n) <= 34 else "..." + n[-34:] for n in names])
    figure.update_layout(legend={"y": -0.6 / max(1.0, len(drawn) / 4)})
    return figure
