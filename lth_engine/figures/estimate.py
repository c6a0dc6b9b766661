"""An estimate while it is being made: its value after so much work, inside a band of its standard error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.look import Look, empty_figure, nth, translucent

MOST = 1000
"""Points of a line: more are not told apart on a screen and make it slow."""


@dataclass(frozen=True)
class Running:
    """One estimate in the making.

    Attributes:
        label: its name in the legend.
        work: work done so far (products with the Hessian), N ascending values.
        value: the estimate then.
        stderr: its standard error then; nan while it is not known.
        interval: (low, high) of the finished estimate's 95% interval, or None while it is not finished.
    """

    label: str
    work: Array
    value: Array
    stderr: Array
    interval: tuple[float, float] | None = None


def running_estimate(runs: Sequence[Running], title: str, work: str = "Products with the Hessian") -> go.Figure:
    """The estimates over the work done, a line each with a band of one standard error; the 95% interval at the end.

    Args:
        runs: what to draw.
        title: of the axis of values, with its unit.
        work: title of the axis of work.
    """
    figure = empty_figure(360)
    runs = [_thinned(run) for run in runs]
    for index, run in enumerate(runs):
        _one(figure, run, nth(index, run.label))
    figure.update_layout(showlegend=len(runs) > 1, legend={"y": -0.28})
    figure.update_xaxes(title_text=work, rangemode="tozero")
    figure.update_yaxes(title_text=title, range=_span(runs))
    return figure


def _thinned(run: Running) -> Running:
    """At most MOST of its points, evenly spaced, the last among them."""
    if len(run.work) <= MOST:
        return run
    kept = np.linspace(0, len(run.work) - 1, MOST).round().astype(int)
    return replace(run, work=run.work[kept], value=run.value[kept], stderr=run.stderr[kept])


def _one(figure: go.Figure, run: Running, style: Look) -> None:
    known = np.isfinite(run.stderr) & np.isfinite(run.value)
    x, low, high = run.work[known], (run.value - run.stderr)[known], (run.value + run.stderr)[known]
    if len(x) > 1:
        figure.add_scatter(
            x=[*x.tolist(), *x[::-1].tolist()], y=[*high.tolist(), *low[::-1].tolist()], fill="toself", mode="lines",
            fillcolor=translucent(style.colour, 0.18), line={"width": 0}, hoverinfo="skip", showlegend=False,
            legendgroup=style.label)
    figure.add_scatter(
        x=run.work.tolist(), y=_finite(run.value), name=style.label, legendgroup=style.label,
        mode="lines+markers" if len(run.work) < 40 else "lines",
        line={"color": style.colour, "dash": style.dash, "width": 2.5}, marker={"symbol": style.symbol, "size": 7},
        customdata=[[error] for error in _finite(run.stderr)],
        meta={"x": "products", "y": "estimate", "more": ["standard_error"]},
        hovertemplate=style.label + "<br>%{x} products: <b>%{y:.5g}</b> ± %{customdata[0]:.2g} (standard error)"
                      "<extra></extra>")
    if run.interval is not None and len(run.work):
        low_end, high_end = run.interval
        last = float(run.value[-1])
        figure.add_scatter(
            x=[float(run.work[-1])], y=[last], mode="markers", showlegend=False, legendgroup=style.label,
            name=style.label + ", 95 % interval", marker={"color": style.colour, "symbol": style.symbol, "size": 10},
            error_y={"type": "data", "symmetric": False, "array": [high_end - last], "arrayminus": [last - low_end],
                     "color": style.colour, "thickness": 2, "width": 8},
            customdata=[[low_end, high_end]],
            meta={"x": "products", "y": "estimate", "more": ["low_95", "high_95"]},
            hovertemplate=style.label + "<br><b>%{y:.5g}</b>, 95% interval %{customdata[0]:.4g} to "
                          "%{customdata[1]:.4g}<extra></extra>")


def _span(runs: Sequence[Running]) -> list[float] | None:
    """Where the values and the later bands are: the first values may be far off, and their bands very wide."""
    ends: list[float] = []
    for run in runs:
        ends += [float(v) for v in run.value[len(run.value) // 10:] if np.isfinite(v)]
        half = len(run.value) // 2
        for value, error in zip(run.value[half:], run.stderr[half:], strict=True):
            if np.isfinite(value) and np.isfinite(error):
                ends += [float(value - error), float(value + error)]
        ends += [end for end in run.interval or () if np.isfinite(end)]
    if not ends:
        return None
    low, high = min(ends), max(ends)
    room = 0.06 * ((high - low) or abs(high) or 1.0)
    return [low - room, high + room]


def _finite(values: Array) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]
