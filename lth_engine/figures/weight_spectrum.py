"""The eigenvalues of a weight matrix beside those of noise: how many are at least so large, on log axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.look import GRAY, SERIES, empty_figure, log_ticks

ALL_ABOVE = 100
"""Of a thinned spectrum, so many of the largest eigenvalues are all there; the others are evenly thinned."""

CURVE = 200
"""Points of the law of noise."""


@dataclass(frozen=True)
class PowerLaw:
    """A fit p(x) ~ x^-alpha to the `count` eigenvalues from `lowest` on."""

    alpha: float
    lowest: float
    count: int


def weight_spectrum(eigenvalues: Sequence[float], rows: int, columns: int, variance: float, limit: float,
                    tail: PowerLaw | None = None) -> go.Figure:
    """The share of eigenvalues at least as large as each, and what independent weights of this variance would have.

    Args:
        eigenvalues: of W W' / N, ascending; thinned where there are fewer of them than rows.
        rows: M, the smaller side of the matrix.
        columns: N, the larger side.
        variance: of an entry of noise (Marchenko & Pastur 1967).
        limit: the largest eigenvalue that noise has.
        tail: of the fit, if one applies.
    """
    figure = empty_figure(400)
    values = np.asarray(eigenvalues, dtype=np.float64)
    share = (rows - ranks(len(values), rows)) / rows
    there = values > 0
    values, share = values[there], share[there]
    if variance > 0:
        _noise(figure, rows, columns, variance, limit)
    figure.add_scatter(
        x=values.tolist(), y=share.tolist(), mode="markers", name="eigenvalues of this layer",
        marker={"color": SERIES[0], "size": 6}, meta={"x": "eigenvalue", "y": "share_at_least"},
        hovertemplate="%{y:.3g} of the eigenvalues are at least <b>%{x:.4g}</b><extra></extra>")
    if tail is not None and len(values):
        ends = [tail.lowest, float(values[-1])]
        figure.add_scatter(
            x=ends, y=[tail.count / rows * (x / tail.lowest)**(1 - tail.alpha) for x in ends], mode="lines",
            name=f"power law, exponent {tail.alpha:.2f}", line={"color": SERIES[1], "width": 3, "dash": "dash"},
            hoverinfo="skip")
    _axes(figure, values, share)
    return figure


def ranks(shown: int, rows: int) -> Array:
    """How many eigenvalues are smaller than each of those that are shown, ascending."""
    if shown >= rows:
        return np.arange(shown, dtype=np.float64)
    few = shown - ALL_ABOVE
    if few < 1:
        return rows - shown + np.arange(shown, dtype=np.float64)
    return np.concatenate([np.floor(np.linspace(0, rows - ALL_ABOVE - 1, few)),
                           rows - ALL_ABOVE + np.arange(ALL_ABOVE, dtype=np.float64)])


def at_least(rows: int, columns: int, variance: float, points: int = CURVE) -> tuple[Array, Array]:
    """Eigenvalues of noise, ascending, and the share of them at least as large.

    Marchenko and Pastur's density sqrt((b - x)(x - a)) / (2 pi variance (M/N) x) on [a, b], with x on an angle that
    has no corners, summed up.
    """
    ratio = rows / columns
    a, b = variance * (1 - math.sqrt(ratio))**2, variance * (1 + math.sqrt(ratio))**2
    steps = 20 * points
    angle = (np.arange(steps) + 0.5) * np.pi / steps
    x = (a + b) / 2 - (b - a) / 2 * np.cos(angle)
    weight = ((b - a) / 2 * np.sin(angle))**2 / (2 * np.pi * variance * ratio * x) * np.pi / steps
    above = 1 - np.cumsum(weight) / weight.sum()
    return x[::20], np.maximum(above[::20], 0.0)


def _noise(figure: go.Figure, rows: int, columns: int, variance: float, limit: float) -> None:
    x, share = at_least(rows, columns, variance)
    seen = share >= 0.5 / rows
    figure.add_scatter(x=x[seen].tolist(), y=share[seen].tolist(), mode="lines", name="noise of this variance",
                       line={"color": GRAY, "width": 3}, hoverinfo="skip")
    figure.add_vline(x=limit, line_color=GRAY, line_dash="dot", line_width=2, annotation_text="edge of noise",
                     annotation_position="top right", annotation_font_color=GRAY)


def _axes(figure: go.Figure, values: Array, share: Array) -> None:
    if not len(values):
        return
    low, high = max(float(values[0]), float(values[-1]) * 1e-6), float(values[-1])
    ticks = log_ticks(low / 1.5, 1.5 * high)
    figure.update_xaxes(title_text="Eigenvalue of W Wᵀ / N (log scale)", type="log", tickvals=ticks,
                        ticktext=[f"{tick:.3g}" for tick in ticks],
                        range=[math.log10(low / 1.5), math.log10(2.5 * high)])
    figure.update_yaxes(title_text="Share of eigenvalues at least so large", type="log",
                        tickvals=[1, 0.1, 0.01, 0.001, 0.0001], range=[math.log10(float(share[-1]) / 2), 0.15])
    figure.update_layout(margin_t=34)
