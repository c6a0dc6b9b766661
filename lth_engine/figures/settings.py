"""A number of networks that were made in different ways, setting by setting (PAC-Bayesian view, table 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.figures.interval import student_t
from lth_engine.figures.look import empty_figure, nth


@dataclass(frozen=True)
class Measured:
    """One network's number.

    Attributes:
        setting: how it was made ("sam"): its place along x.
        group: what else sets networks apart ("10 % kept"): its colour.
        label: the network's name.
        value, stderr: the estimate with its standard error.
    """

    setting: str
    group: str
    label: str
    value: float
    stderr: float


def by_setting(points: Sequence[Measured], title: str) -> go.Figure:
    """A small dot with its standard error a network; where several share setting and group, their mean as a large one,
    from three on with its 95% Student-t interval. (Of two it would be wider than the figure.)

    Args:
        points: the networks.
        title: of the axis of values, with its unit.
    """
    figure = empty_figure(400)
    settings = list(dict.fromkeys(point.setting for point in points))
    groups = list(dict.fromkeys(point.group for point in points))
    for index, group in enumerate(groups):
        shift = 0.3 * (index - (len(groups) - 1) / 2)
        _group(figure, [p for p in points if p.group == group], settings, shift, index)
    figure.update_xaxes(tickvals=list(range(len(settings))), ticktext=settings, range=[-0.6, len(settings) - 0.4],
                        showgrid=False)
    figure.update_yaxes(title_text=title, rangemode="tozero")
    return figure


def _group(figure: go.Figure, points: Sequence[Measured], settings: Sequence[str], shift: float, index: int) -> None:
    style = nth(index, points[0].group)
    alike = {s: [p for p in points if p.setting == s] for s in settings}
    several = {s: found for s, found in alike.items() if len(found) > 1}
    x = [settings.index(p.setting) + shift + _aside(alike[p.setting], p) for p in points]
    figure.add_scatter(
        x=x, y=[p.value for p in points], mode="markers", name=style.label, legendgroup=style.label,
        showlegend=bool(style.label) and not several,
        marker={"color": style.colour, "symbol": style.symbol, "size": 8 if several else 12,
                "opacity": 0.6 if several else 1.0},
        error_y={"type": "data", "array": [p.stderr for p in points], "color": style.colour, "thickness": 1.5,
                 "width": 5},
        customdata=[[p.setting, p.label, p.stderr] for p in points],
        meta={"x": "place", "y": "value", "more": ["setting", "network", "standard_error"]},
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}<br><b>%{y:.5g}</b> ± %{customdata[2]:.2g} (standard error)"
                      "<extra></extra>")
    if several:
        means = {s: student_t(np.array([p.value for p in found])) for s, found in several.items()}
        figure.add_scatter(
            x=[settings.index(s) + shift for s in means], y=[m.mean for m in means.values()], mode="markers",
            name=style.label or "mean", legendgroup=style.label, showlegend=bool(style.label),
            marker={"color": style.colour, "symbol": style.symbol, "size": 14},
            error_y={"type": "data", "array": [m.upper - m.mean if m.n > 2 else None for m in means.values()],
                     "color": style.colour,
                     "thickness": 2.5, "width": 9},
            customdata=[[s, m.n, *((m.lower, m.upper) if m.n > 2 else (None, None))] for s, m in means.items()],
            meta={"x": "place", "y": "value", "more": ["setting", "n", "lower_95", "upper_95"]},
            hovertemplate="%{customdata[0]}: mean of %{customdata[1]}<br><b>%{y:.5g}</b>, 95% interval "
                          "%{customdata[2]:.4g} to %{customdata[3]:.4g}<extra></extra>")


def _aside(alike: Sequence[Measured], point: Measured) -> float:
    """How far a network of several stands from their mean's place, so that none hides another."""
    if len(alike) < 2:
        return 0.0
    rank = next(i for i, other in enumerate(alike) if other is point)
    return -0.06 - 0.12 * rank / (len(alike) - 1)
