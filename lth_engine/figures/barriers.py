"""Barriers side by side: as dots with intervals, as a matrix over pairs, and the curves of many lines as a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.line import MEASURES, PARTS, PLACE, Line, column
from lth_engine.figures.look import GRAY, empty_figure, nth, translucent


@dataclass(frozen=True)
class Barriers:
    """Barriers of one answer.

    Attributes:
        label: its name in the legend.
        place: N names (or numbers) of what each barrier belongs to.
        height: N barriers, fractions; low, high: ends of their intervals, NaN where not known.
    """

    label: str
    place: Sequence[str]
    height: Array
    low: Array
    high: Array


def dots(series: Sequence[Barriers], x_title: str, threshold: float, interval: str = "95% interval") -> go.Figure:
    """Each barrier (points) as a dot with its interval, and the threshold below which networks count as connected.

    Args:
        series: what to draw; the places are drawn in the order of the first series.
        x_title: what the places are.
        threshold: fraction.
        interval: what low and high are.
    """
    figure = empty_figure(360)
    places = list(dict.fromkeys(place for one in series for place in one.place))
    figure.add_hrect(y0=0, y1=100 * threshold, fillcolor=GRAY, opacity=0.13, line_width=0, layer="below")
    figure.add_hline(y=100 * threshold, line_color=GRAY, line_dash="dash", line_width=1.5)
    figure.add_scatter(x=[None], y=[None], mode="lines", line={"color": GRAY, "dash": "dash", "width": 1.5},
                       name=f"connected below {100 * threshold:g} points")
    for index, one in enumerate(series):
        style = nth(index, one.label)
        shift = 0.16 * (index - (len(series) - 1) / 2) if len(series) > 1 else 0.0
        _dots(figure, one, [places.index(place) + shift for place in one.place], style.colour, style.symbol, interval)
    every = max(1, -(-len(places) // 14))
    figure.update_xaxes(title_text=x_title, tickvals=list(range(0, len(places), every)), ticktext=places[::every],
                        range=[-0.6, len(places) - 0.4])
    figure.update_yaxes(title_text="Barrier of the test error (points)", rangemode="tozero")
    highest = max((float(np.nanmax([one.height, one.high])) for one in series if len(one.height)), default=0.0)
    if highest < threshold:
        figure.update_yaxes(range=[-5 * threshold, 130 * threshold])
    return figure


def _dots(figure: go.Figure, one: Barriers, x: Sequence[float], colour: str, symbol: str, interval: str) -> None:
    height, low, high = (100 * np.asarray(values, float) for values in (one.height, one.low, one.high))
    known = bool(np.isfinite(low).any())
    figure.add_scatter(
        x=list(x), y=height.tolist(), mode="markers", name=one.label,
        marker={"color": colour, "symbol": symbol, "size": 11},
        error_y={"type": "data", "symmetric": False, "array": np.nan_to_num(high - height).tolist(),
                 "arrayminus": np.nan_to_num(height - low).tolist(), "color": colour, "thickness": 2}
        if known else None,
        customdata=[[place, _or_none(a), _or_none(b)] for place, a, b in zip(one.place, low, high, strict=True)],
        meta={"x": "place", "y": "barrier_points", "more": ["what", "low", "high"]},
        hovertemplate=f"{one.label}<br>%{{customdata[0]}}: <b>%{{y:.3g}} points</b>"
                      + (f"<br>{interval} %{{customdata[1]:.3g}} to %{{customdata[2]:.3g}}" if known else "")
                      + "<extra></extra>")


def matrix(names: Sequence[str], height: Array) -> go.Figure:
    """The barrier (points) between each two networks as a heat map.

    Args:
        names: N networks.
        height: N x N barriers, fractions; NaN where there is none (the diagonal is 0 by definition).
    """
    shown = 100 * np.asarray(height, float)
    cells = [[None if np.isnan(v) else float(v) for v in row] for row in shown]
    figure = empty_figure(140 + 44 * max(4, len(names)))
    figure.add_heatmap(
        x=list(names), y=list(names), z=cells, colorscale=[[0, "#1f83c9"], [0.5, "#b65c9d"], [1, "#d55e00"]], zmin=0,
        zmax=max(2.0, float(np.nanmax(shown, initial=0.0))), xgap=2, ygap=2,
        text=[["" if v is None else f"{v:.2f}" for v in row] for row in cells], texttemplate="%{text}",
        textfont={"color": "white", "size": 14},
        colorbar={"title": {"text": "Barrier<br>(points)"}, "thickness": 14},
        meta={"x": "first", "y": "second", "z": "barrier_points"},
        hovertemplate="%{x} and %{y}: <b>%{z:.3g} points</b><extra></extra>")
    figure.update_xaxes(title_text="Sibling", type="category", constrain="domain")
    figure.update_yaxes(title_text="Sibling", type="category", autorange="reversed", scaleanchor="x")
    return figure


def bundle(lines: Sequence[Line], measure: str = "error", part: str = "test") -> go.Figure:
    """Every line thin, and their mean with a band of one standard deviation (n - 1) where all share their places."""
    figure = empty_figure(360)
    _, _, scale = MEASURES[measure]
    style, name, y_name = nth(0, ""), f"{part}_{measure}", column(part, measure)
    kept = [line for line in lines if name in line.values]
    for line in kept:
        figure.add_scatter(
            x=line.alpha.tolist(), y=(scale * line.values[name]).tolist(), mode="lines", name=line.label,
            showlegend=False, line={"color": translucent(style.colour, 0.4), "width": 1.2},
            meta={"x": "alpha", "y": y_name},
            hovertemplate=f"{line.label}<br>alpha %{{x:.3g}}: <b>%{{y:.4g}}</b><extra></extra>")
    shared = len(kept) > 1 and all(np.array_equal(line.alpha, kept[0].alpha) for line in kept)
    if shared:
        _mean(figure, kept[0].alpha, scale * np.array([line.values[name] for line in kept]), style.colour, y_name)
    figure.update_xaxes(title_text=PLACE, range=[-0.03, 1.03])
    figure.update_yaxes(title_text=f"{MEASURES[measure][0]}, {PARTS[part][0]}", rangemode="tozero")
    return figure


def _mean(figure: go.Figure, alpha: Array, values: Array, colour: str, y_name: str) -> None:
    mean, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
    x = alpha.tolist()
    figure.add_scatter(x=x + x[::-1], y=[*(mean + spread), *(mean - spread)[::-1]], fill="toself", mode="lines",
                       fillcolor=translucent(colour, 0.18), line={"width": 0}, hoverinfo="skip",
                       name="± one standard deviation")
    figure.add_scatter(
        x=x, y=mean.tolist(), mode="lines", name=f"mean of {len(values)} pairs", line={"color": colour, "width": 3},
        customdata=spread[:, None].tolist(), meta={"x": "alpha", "y": y_name, "more": ["standard_deviation"]},
        hovertemplate="mean<br>alpha %{x:.3g}: <b>%{y:.4g}</b> ± %{customdata[0]:.2g}<extra></extra>")


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
