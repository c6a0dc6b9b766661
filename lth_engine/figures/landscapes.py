"""What the loss looks like around a network: along a line, and over a plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.look import GRAY, empty_figure, even_step, log_ticks, nth


@dataclass(frozen=True)
class Shown:
    """What is drawn upwards: its name in a saved table, its title with the unit, factor from stored to drawn."""

    name: str
    title: str
    scale: float


LOSS = Shown("loss", "Loss (nats)", 1.0)
ERROR = Shown("error", "Error (%)", 100.0)


@dataclass(frozen=True)
class Around:
    """One network's surroundings.

    Attributes:
        label: its name.
        x, y: P places along the first direction, P along the second (None for a line); 0 is the network.
        value: P values, or P x P (row: y, column: x), in stored units; nan where not measured yet.
    """

    label: str
    x: Array
    y: Array | None
    value: Array


Span = tuple[float, float]


def span_of(networks: Sequence[Around], shown: Shown, *, log: bool = False) -> Span:
    """The least and the greatest drawn value of all networks: the scale that they share."""
    drawn = np.concatenate([np.ravel(network.value) for network in networks]) * shown.scale
    drawn = drawn[np.isfinite(drawn) & (drawn > 0 if log else True)]
    if not drawn.size:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = float(drawn.min()), float(drawn.max())
    return (low, high) if high > low else (low, low * 1.1 or 1.0)


def lines(networks: Sequence[Around], shown: Shown, across: str, *, log: bool = False) -> go.Figure:
    """The values along one direction, a line a network on one scale; the networks themselves are marked.

    Args:
        networks: what to draw.
        shown: loss or error.
        across: title of the direction's axis, with the unit of a step.
        log: a log axis of values.
    """
    figure = empty_figure(420)
    for index, network in enumerate(networks):
        style = nth(index, network.label)
        figure.add_scatter(
            x=[float(v) for v in network.x], y=_drawn(network.value * shown.scale, log=log), name=network.label,
            mode="lines+markers" if len(network.x) < 60 else "lines",
            line={"color": style.colour, "dash": style.dash, "width": 2.5},
            marker={"color": style.colour, "symbol": style.symbol, "size": 6}, meta={"x": "x", "y": shown.name},
            hovertemplate=network.label + "<br>x %{x:.3g}: <b>%{y:.4g}</b><extra></extra>")
    figure.add_vline(x=0, line_color=GRAY, line_dash="dot", line_width=1.5)
    figure.update_xaxes(title_text=across)
    figure.update_yaxes(title_text=shown.title + (", log scale" if log else ""), type="log" if log else "linear")
    if log:
        ticks = log_ticks(*span_of(networks, shown, log=True))
        figure.update_yaxes(tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
    return figure


def surface(network: Around, shown: Shown, span: Span, *, log: bool = False) -> go.Figure:
    """The values over a plane as a surface that can be turned; colour and height on the given span."""
    assert network.y is not None
    values = network.value * shown.scale
    figure = empty_figure(460)
    figure.add_surface(
        x=[float(v) for v in network.x], y=[float(v) for v in network.y], z=_grid(values, log=log),
        surfacecolor=_colours(values, log=log), name=network.label, customdata=_grid(values, log=log),
        meta={"x": "x", "y": "y", "z": shown.name}, hovertemplate=_hover(network, shown),
        contours={"x": {"highlight": False}, "y": {"highlight": False}}, **_colouring(shown, span, log=log))
    axis = {"color": GRAY, "gridcolor": GRAY, "showbackground": False, "zeroline": False, "nticks": 5}
    low, high = (math.log10(v) for v in span) if log else span
    room = 0.02 * (high - low)
    figure.update_layout(
        scene={"xaxis": axis | {"title": {"text": "x"}}, "yaxis": axis | {"title": {"text": "y"}},
               "zaxis": axis | {"title": {"text": shown.title}, "type": "log" if log else "linear",
                                "range": [low - room, high + room]},
               "camera": {"eye": {"x": 1.3, "y": 1.3, "z": 0.8}, "center": {"x": 0, "y": 0, "z": -0.12}},
               "aspectmode": "manual", "aspectratio": {"x": 1, "y": 1, "z": 0.8}},
        margin={"l": 0, "r": 0, "t": 4, "b": 64})
    return figure


def contour(network: Around, shown: Shown, span: Span, *, log: bool = False) -> go.Figure:
    """The values over a plane as filled contours on the given span; the network is marked by a cross."""
    assert network.y is not None
    values = network.value * shown.scale
    figure = empty_figure(460)
    low, high = (math.log10(v) for v in span) if log else span
    step = even_step(low, high, 14)
    figure.add_contour(
        x=[float(v) for v in network.x], y=[float(v) for v in network.y], z=_colours(values, log=log),
        customdata=_grid(values, log=log), name=network.label, meta={"x": "x", "y": "y", "z": shown.name},
        autocontour=False, contours={"start": step * math.ceil(low / step), "end": high, "size": step},
        line={"width": 0.6, "color": "#d0d0d0"}, hovertemplate=_hover(network, shown), connectgaps=False,
        **{name.replace("cmin", "zmin").replace("cmax", "zmax"): value
           for name, value in _colouring(shown, span, log=log).items()})
    figure.add_scatter(x=[0], y=[0], mode="markers", name="the network", showlegend=False, hoverinfo="skip",
                       marker={"symbol": "x-thin", "size": 12, "line": {"color": "#ffffff", "width": 2.5}})
    figure.update_xaxes(title_text="First direction (steps)", constrain="domain")
    figure.update_yaxes(title_text="Second direction (steps)", scaleanchor="x", constrain="domain",
                        constraintoward="top")
    figure.update_layout(margin={"b": 120})
    return figure


def _colouring(shown: Shown, span: Span, *, log: bool) -> dict[str, Any]:
    """The shared colour scale, which reads the same for the colour-blind, and its bar below the figure."""
    low, high = (math.log10(v) for v in span) if log else span
    title = {"text": shown.title + (", log scale" if log else ""), "side": "bottom"}
    bar: dict[str, Any] = {"orientation": "h", "thickness": 12, "len": 0.9, "yref": "container", "y": 0,
                           "yanchor": "bottom", "title": title}
    if log:
        ticks = log_ticks(*span)
        bar |= {"tickvals": [math.log10(t) for t in ticks], "ticktext": [f"{t:g}" for t in ticks]}
    return {"colorscale": "Cividis", "cmin": low, "cmax": high, "colorbar": bar}


def _hover(network: Around, shown: Shown) -> str:
    return f"{network.label}<br>x %{{x:.3g}}, y %{{y:.3g}}<br>{shown.title}: <b>%{{customdata:.4g}}</b><extra></extra>"


def _drawn(values: Array, *, log: bool) -> list[float | None]:
    return [float(v) if np.isfinite(v) and (v > 0 or not log) else None for v in values]


def _grid(values: Array, *, log: bool) -> list[list[float | None]]:
    return [_drawn(row, log=log) for row in values]


def _colours(values: Array, *, log: bool) -> list[list[float | None]]:
    """The values as the colour scale takes them: their log10 on a log scale."""
    return [[math.log10(v) if log and v is not None else v for v in row] for row in _grid(values, log=log)]
