"""The eigenvalues of the Hessian: the outermost ones one by one, and the density of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.look import GRAY, empty_figure, nth, translucent

EIGENVALUE = "Eigenvalue of the Hessian (nats)"
FLOOR = 1e-7
"""The density is drawn down to this share of its greatest value."""


@dataclass(frozen=True)
class Outermost:
    """One network's outermost eigenvalues: K largest, descending, and L smallest, ascending, each with its residual
    ||H v - lambda v||: a true eigenvalue lies within it."""

    label: str
    top: Array
    top_residual: Array
    bottom: Array
    bottom_residual: Array


def eigenvalues(networks: Sequence[Outermost]) -> go.Figure:
    """A stem an eigenvalue with its residual as an error bar: the largest from the left, the smallest at the right."""
    figure = empty_figure(360)
    most, least = max(len(n.top) for n in networks), max(len(n.bottom) for n in networks)
    names = [f"{rank}" for rank in range(1, most + 1)] + [f"−{rank}" for rank in range(least, 0, -1)]
    for index, network in enumerate(networks):
        style = nth(index, network.label)
        shift = 0.16 * (index - (len(networks) - 1) / 2)
        place = list(range(len(network.top))) + [most + least - 1 - i for i in range(len(network.bottom))]
        value = [float(v) for v in (*network.top, *network.bottom)]
        residual = [float(v) for v in (*network.top_residual, *network.bottom_residual)]
        figure.add_bar(
            x=[p + shift for p in place], y=value, width=0.03, marker={"color": style.colour}, hoverinfo="skip",
            showlegend=False, legendgroup=style.label, name=network.label)
        figure.add_scatter(
            x=[p + shift for p in place], y=value, mode="markers", name=network.label, legendgroup=style.label,
            marker={"color": style.colour, "symbol": style.symbol, "size": 10},
            error_y={"type": "data", "array": residual, "color": style.colour, "thickness": 1.6, "width": 6},
            customdata=[[names[p], r] for p, r in zip(place, residual, strict=True)],
            meta={"x": "place", "y": "eigenvalue", "more": ["rank", "residual"]},
            hovertemplate=network.label + "<br>%{customdata[0]}: <b>%{y:.6g}</b>, residual %{customdata[1]:.2g}"
                          "<extra></extra>")
    figure.add_hline(y=0, line_color=GRAY, line_width=1)
    figure.update_layout(barmode="overlay", showlegend=len(networks) > 1, legend={"y": -0.3})
    figure.update_xaxes(title_text="Rank: 1 is the largest, −1 the smallest found",
                        tickvals=list(range(len(names))), ticktext=names,
                        range=[-0.6, len(names) - 0.4])
    figure.update_yaxes(title_text=EIGENVALUE)
    return figure


@dataclass(frozen=True)
class Density:
    """One network's spectral density: G eigenvalues, the density there (it integrates to 1) and its standard error;
    `negative` is the share of the eigenvalues below 0 and the ends of its 95% interval, nan where it has none."""

    label: str
    value: Array
    density: Array
    stderr: Array
    negative: tuple[float, float, float]


def spectral_density(networks: Sequence[Density]) -> go.Figure:
    """The density on a log axis, a line a network with a band of one standard error; below 0 the ground is shaded."""
    figure = empty_figure(400)
    peak = max(float(np.max(n.density)) for n in networks)
    floor = FLOOR * peak
    for index, network in enumerate(networks):
        style = nth(index, network.label)
        x = [float(v) for v in network.value]
        low = np.maximum(network.density - network.stderr, floor)
        high = np.maximum(network.density + network.stderr, floor)
        figure.add_scatter(
            x=[*x, *reversed(x)], y=[*high.tolist(), *reversed(low.tolist())], fill="toself", mode="lines",
            fillcolor=translucent(style.colour, 0.2), line={"width": 0}, hoverinfo="skip", showlegend=False,
            legendgroup=style.label)
        figure.add_scatter(
            x=x, y=[float(d) if d > 0 else None for d in network.density], mode="lines", name=network.label,
            legendgroup=style.label, line={"color": style.colour, "dash": style.dash, "width": 2.2},
            customdata=[[float(e)] for e in network.stderr],
            meta={"x": "eigenvalue", "y": "density", "more": ["standard_error"]},
            hovertemplate=network.label + "<br>eigenvalue %{x:.4g}: density <b>%{y:.3g}</b> ± %{customdata[0]:.1g}"
                          "<extra></extra>")
    _negative(figure, networks)
    figure.update_layout(showlegend=len(networks) > 1)
    figure.update_xaxes(title_text=EIGENVALUE)
    figure.update_yaxes(title_text="Density (share per unit of eigenvalue, log scale)", type="log",
                        exponentformat="power", range=[math.log10(floor), math.log10(peak) + 0.3], dtick=1)
    return figure


def _negative(figure: go.Figure, networks: Sequence[Density]) -> None:
    """Shade where eigenvalues are negative, and say how many are."""
    lowest = min(float(network.value[0]) for network in networks)
    figure.add_vline(x=0, line_color=GRAY, line_width=1)
    if lowest >= 0:
        return
    figure.add_vrect(x0=lowest, x1=0, fillcolor=GRAY, opacity=0.13, line_width=0, layer="below")
    several = len(networks) > 1
    words = [f"{n.label.split(':')[0]}: " * several + _share(*n.negative) for n in networks]
    figure.add_annotation(x=1, xref="paper", y=1, yref="paper", xanchor="right", yanchor="top", showarrow=False,
                          align="right", font={"color": GRAY, "size": 13},
                          text="Shaded: below 0" + ("<br>" if several else ", ") + "<br>".join(words))


def _share(share: float, low: float, high: float) -> str:
    """A share in per cent with its interval, if it has one: "14.5 % (6 to 46)"."""
    interval = f" (95 %: {100 * low:.2g} to {100 * high:.2g})" if math.isfinite(low) and math.isfinite(high) else ""
    return f"{100 * share:.3g} %{interval}"
