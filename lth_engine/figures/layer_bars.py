"""The density of each layer of a single network: a bar a layer, in the order of the file."""

from __future__ import annotations

import html
from collections.abc import Sequence

import plotly.graph_objects as go

from lth_engine.figures.look import GRAY, SERIES, empty_figure

MOST = 80
"""Layers that have a bar and a name each; more are drawn as one line."""

END = 132
"""Where the axis of densities ends, in per cent: the numbers beside the bars end there, and have room on a phone."""


def layer_bars(names: Sequence[str], density: Sequence[float], weights: Sequence[int], whole: float | None,
               ) -> go.Figure:
    """Density (%) of each layer.

    Args:
        names: of the layers, as the file has them; they may hold anything, so they are drawn as plain text.
        density: of each, in [0, 1].
        weights: how many each has.
        whole: density of all of them together, drawn as a line; None for none.
    """
    few = len(names) <= MOST
    figure = empty_figure(max(260, 60 + 26 * len(names)) if few else 420)
    plain = [html.escape(name) for name in names]
    labels = [_short(name) for name in names]
    percent, places = [100 * float(d) for d in density], list(range(len(names)))
    said = "%{customdata[0]}<br>%{customdata[1]:,} weights<br><b>%{" + ("x" if few else "y") + ":.4g} %</b>"
    shared = {"customdata": [[name, int(w)] for name, w in zip(plain, weights, strict=True)], "name": "density",
              "hovertemplate": said + "<extra></extra>"}
    if few:
        figure.add_bar(
            x=percent, y=places, orientation="h", marker={"color": SERIES[0]}, **shared,
            meta={"x": "density_percent", "y": "place", "more": ["layer", "weights"]})
        figure.add_scatter(x=[END] * len(places), y=places, mode="text", text=[f"{p:.3g} %" for p in percent],
                           textposition="middle left", hoverinfo="skip")
        figure.update_yaxes(autorange="reversed", tickvals=places, ticktext=labels, showgrid=False)
        figure.update_xaxes(title_text="Density of the layer (%)", range=[0, END],
                            tickvals=[0, 20, 40, 60, 80, 100])
    else:
        figure.add_scatter(
            x=places, y=percent, mode="lines", line={"color": SERIES[0], "width": 1.5},
            meta={"x": "place", "y": "density_percent", "more": ["layer", "weights"]}, **shared)
        figure.update_xaxes(title_text="Layer, in the order of the file")
        figure.update_yaxes(title_text="Density of the layer (%)", range=[0, 104])
    if whole is not None:
        _whole(figure, 100 * whole, upright=few)
    figure.update_layout(showlegend=False)
    return figure


def _whole(figure: go.Figure, percent: float, *, upright: bool) -> None:
    """A line at the density of the whole network."""
    line = {"line_color": GRAY, "line_dash": "dot", "line_width": 2, "layer": "below", "annotation_font_color": GRAY,
            "annotation_text": f"whole network {percent:.3g} %"}
    if upright:
        figure.add_vline(x=percent, annotation_position="top", **line)
        figure.update_layout(margin_t=34)
    else:
        figure.add_hline(y=percent, **line)


def _short(name: str, longest: int = 34) -> str:
    """A name that fits beside its bar: its end tells more than its beginning."""
    return html.escape(name if len(name) <= longest else "..." + name[-longest:])
