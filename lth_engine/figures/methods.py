"""Methods of finding a ticket side by side: accuracy over cost and over density, objectives over density."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.beside import near_lines
from lth_engine.figures.interval import Interval, student_t
from lth_engine.figures.look import GRAY, Look, density_axis, empty_figure, log_ticks, translucent
from lth_engine.figures.mask_search import log_if_wide, spans_orders


@dataclass(frozen=True)
class Costs:
    """What one method reached, and what that cost.

    Attributes:
        style: its label, colour and marker.
        cost: R costs of its replicates, above 0.
        accuracy: R accuracies in per cent.
    """

    style: Look
    cost: Array
    accuracy: Array


def accuracy_over_cost(methods: Sequence[Costs], title: str, name: str, lines: Mapping[str, float]) -> go.Figure:
    """Mean accuracy (%) with its 95% interval over the mean cost (log scale), a marker a method; small points are
    replicates.

    Args:
        methods: what to draw.
        title: of the axis of costs, with its unit.
        name: of the cost in a saved table.
        lines: accuracies that are drawn as lines, by what they are called.
    """
    figure = empty_figure(440)
    for one in methods:
        _costs(figure, one, name)
    _across(figure, near_lines(np.concatenate([np.empty(0), *(np.asarray(one.accuracy, float) for one in methods)]),
                               lines))
    found = np.concatenate([np.asarray(one.cost, float) for one in methods]) if methods else np.empty(0)
    found = found[np.isfinite(found) & (found > 0)]
    if len(found):
        low, high = float(found.min()) / 1.5, float(found.max()) * 1.5
        ticks = log_ticks(low, high) if high > 10 * low else _fine_ticks(low, high)
        figure.update_xaxes(type="log", range=[math.log10(low), math.log10(high)], tickvals=ticks,
                            ticktext=[f"{t:,.4g}" for t in ticks])
    figure.update_xaxes(title_text=f"{title}, log scale")
    figure.update_yaxes(title_text="Test accuracy (%)")
    return figure


def _fine_ticks(low: float, high: float) -> list[float]:
    """Ticks of a log axis that spans less than a power of ten."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [digit * 10.0**power for power in powers for digit in (1, 1.5, 2, 3, 4, 5, 7)
            if low <= digit * 10.0**power <= high]


def _costs(figure: go.Figure, one: Costs, name: str) -> None:
    style, mean = one.style, student_t(one.accuracy)
    figure.add_scatter(
        x=[float(c) for c in one.cost], y=[float(a) for a in one.accuracy], mode="markers",
        name=f"{style.label} (each replicate)", legendgroup=style.label, showlegend=False,
        marker={"color": translucent(style.colour, 0.45), "symbol": style.symbol, "size": 6},
        customdata=[[replicate] for replicate in range(len(one.cost))],
        meta={"x": name, "y": "test_accuracy_percent", "more": ["replicate"]},
        hovertemplate=style.label + ", replicate %{customdata[0]}<br>%{x:.4g}: <b>%{y:.4g} %</b><extra></extra>")
    known = mean.n > 1
    figure.add_scatter(
        x=[float(np.mean(one.cost))], y=[mean.mean], mode="markers", name=style.label, legendgroup=style.label,
        marker={"color": style.colour, "symbol": style.symbol, "size": 13},
        error_y={"type": "data", "array": [mean.upper - mean.mean], "color": style.colour, "thickness": 2,
                 "width": 6} if known else None,
        customdata=[[mean.n, mean.lower if known else None, mean.upper if known else None]],
        meta={"x": name, "y": "test_accuracy_percent", "more": ["n", "lower_95", "upper_95"]},
        hovertemplate=style.label + ": mean of %{customdata[0]}<br>%{x:.4g}: <b>%{y:.4g} %</b>, 95% interval "
                                    "%{customdata[1]:.4g} to %{customdata[2]:.4g}<extra></extra>")


@dataclass(frozen=True)
class OverDensity:
    """A number of one method at several densities.

    Attributes:
        style: its label, colour, dash and marker.
        density: N densities in (0, 1], one a ticket.
        value: N values, in the unit of the axis.
    """

    style: Look
    density: Array
    value: Array


def over_densities(methods: Sequence[OverDensity], title: str, name: str, lines: Mapping[str, float], *,
                   height: int = 420) -> go.Figure:
    """A line a method: means at each density over its tickets; log scale where means span orders of magnitude and
    none is below 0; then one of 0 is not drawn.

    Args:
        methods: what to draw.
        title: of the axis of values, with its unit.
        name: of the value in a saved table.
        lines: values that are drawn across, by what they are called; what a log scale cannot hold stands in the legend
            alone.
        height: in pixels.
    """
    figure = empty_figure(height)
    found = [_by_density(one) for one in methods]
    means = np.array([s.mean for _, stats in found for s in stats if np.isfinite(s.mean)])
    above = means[means > 0] if not (means < 0).any() else np.empty(0)
    least = 0.0 if spans_orders(above) else -math.inf
    for one, (at, stats) in zip(methods, found, strict=True):
        figure.add_scatter(
            x=(100 * at).tolist(), y=[s.mean if s.mean > least else None for s in stats], mode="lines+markers",
            name=one.style.label, line={"color": one.style.colour, "dash": one.style.dash, "width": 2},
            marker={"color": one.style.colour, "symbol": one.style.symbol, "size": 9},
            customdata=[[s.n, *(end if np.isfinite(end) else None for end in (s.lower, s.upper))] for s in stats],
            meta={"x": "density_percent", "y": name, "more": ["n", "lower_95", "upper_95"]},
            hovertemplate=one.style.label + "<br>density %{x:.3g} %: <b>%{y:.4g}</b> (mean of %{customdata[0]})"
                                            "<extra></extra>")
    _across(figure, lines, above=least)
    density_axis(figure)
    log_if_wide(figure, above, title)
    return figure


def _by_density(one: OverDensity) -> tuple[Array, list[Interval]]:
    """The densities from dense to sparse, and the mean over the tickets at each."""
    at = np.unique(np.round(np.asarray(one.density, float), 9))[::-1]
    return at, [student_t(np.asarray(one.value)[np.isclose(one.density, density, rtol=5e-3)]) for density in at]


def _across(figure: go.Figure, lines: Mapping[str, float], above: float = -math.inf) -> None:
    for place, (name, value) in enumerate(lines.items()):
        if np.isfinite(value):
            dash = ("dash", "dot")[place % 2]
            if value > above:
                figure.add_hline(y=value, line_color=GRAY, line_dash=dash, line_width=1.5)
            figure.add_scatter(x=[None], y=[None], mode="lines", name=f"{name}: {value:.4g}",
                               line={"color": GRAY, "dash": dash, "width": 1.5})
