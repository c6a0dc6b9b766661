"""How a network does on images: class by class, whether it is right as often as it says, what it takes for what."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.look import GRAY, SERIES, empty_figure, hatched

MOST = 40
"""Classes that have a bar and a name each; of more, the worst are drawn."""


def class_accuracy(names: Sequence[str], accuracy: Array, low: Array, high: Array, count: Array, whole: float,
                   ) -> go.Figure:
    """Accuracy of each class (%) with its 95% interval, the worst first; a line at the accuracy of all images.

    Args:
        names: of the classes, drawn as plain text.
        accuracy: of each class, in [0, 1]; NaN for a class without images.
        low: lower end of its interval.
        high: upper end of its interval.
        count: images of each.
        whole: accuracy of all images.
    """
    order = [int(i) for i in np.argsort(accuracy, kind="stable") if np.isfinite(accuracy[i])][:MOST]
    figure = empty_figure(max(260, 90 + 24 * len(order)))
    y = list(range(len(order)))
    percent = [100 * float(accuracy[i]) for i in order]
    figure.add_scatter(
        x=percent, y=y, mode="markers", name="accuracy", marker={"color": SERIES[0], "size": 10},
        error_x={"type": "data", "symmetric": False, "array": [100 * float(high[i] - accuracy[i]) for i in order],
                 "arrayminus": [100 * float(accuracy[i] - low[i]) for i in order],
                 "color": SERIES[0], "thickness": 1.8, "width": 5},
        customdata=[[html.escape(names[i]), 100 * float(low[i]), 100 * float(high[i]), int(count[i])]
                    for i in order],
        meta={"x": "accuracy_percent", "y": "place", "more": ["class", "lower_95", "upper_95", "images"]},
        hovertemplate="%{customdata[0]}: <b>%{x:.3g} %</b>, 95% interval %{customdata[1]:.3g} to "
                      "%{customdata[2]:.3g}, %{customdata[3]:,} images<extra></extra>")
    figure.add_vline(x=100 * whole, line_color=GRAY, line_dash="dot", line_width=2, layer="below",
                     annotation_text=f"all {100 * whole:.1f} %", annotation_font_color=GRAY,
                     annotation_position="top")
    figure.update_yaxes(autorange="reversed", tickvals=y, ticktext=[html.escape(names[i]) for i in order],
                        showgrid=False)
    figure.update_xaxes(title_text="Accuracy of the class (%), 95% interval", range=[-2, 104],
                        tickvals=[0, 20, 40, 60, 80, 100])
    figure.update_layout(showlegend=False, margin_t=34)
    return figure


def reliability(confidence: Array, accuracy: Array, count: Array, edges: Array) -> go.Figure:
    """Accuracy over confidence (%): on the diagonal a network is right as often as it says.

    Args:
        confidence: mean of each bin, NaN where it is empty.
        accuracy: share of right answers of each bin, NaN where it is empty.
        count: images of each bin.
        edges: of the bins in [0, 1], one more than bins.
    """
    figure = empty_figure(400)
    filled = [int(i) for i in np.flatnonzero(count)]
    share = [100 * float(count[i]) / float(count.sum()) for i in filled]
    middle = [50 * float(edges[i] + edges[i + 1]) for i in filled]
    width = [90 * float(edges[i + 1] - edges[i]) for i in filled]
    figure.add_bar(x=middle, y=share, width=width, name="images in the bin (%)", opacity=0.6, marker=hatched(GRAY, ""),
                   hoverinfo="skip")
    figure.add_scatter(x=[0, 100], y=[0, 100], mode="lines", name="as often as it says", hoverinfo="skip",
                       line={"color": GRAY, "dash": "dash", "width": 2})
    figure.add_scatter(
        x=[100 * float(confidence[i]) for i in filled], y=[100 * float(accuracy[i]) for i in filled],
        mode="lines+markers", name="how often it is right",
        line={"color": SERIES[1], "width": 2.5}, marker={"color": SERIES[1], "symbol": "square", "size": 9},
        customdata=[[int(count[i])] for i in filled],
        meta={"x": "confidence_percent", "y": "accuracy_percent", "more": ["images"]},
        hovertemplate="It says %{x:.3g} %, is right <b>%{y:.3g} %</b> of the time (%{customdata[0]:,} images)"
                      "<extra></extra>")
    figure.update_xaxes(title_text="Confidence of the answer (%)", range=[0, 104],
                        tickvals=[0, 20, 40, 60, 80, 100])
    figure.update_yaxes(title_text="Right (%)", range=[0, 103])
    return figure


def confusion(names: Sequence[str], counts: Array) -> go.Figure:
    """Which class is taken for which: share (%) of each true class that is answered with each other one."""
    plain = [html.escape(name) for name in names]
    each = counts.sum(axis=1, keepdims=True)
    share = 100 * np.divide(counts, each, out=np.zeros(counts.shape), where=each > 0)
    figure = empty_figure(max(360, min(900, 120 + 24 * len(plain))))
    figure.add_heatmap(
        x=plain, y=plain, z=share.round(3).tolist(), colorscale="Blues", zmin=0, zmax=100, name="answers",
        colorbar={"title": {"text": "%"}, "thickness": 12}, meta={"x": "answered", "y": "true", "z": "percent"},
        hovertemplate="%{y} taken for %{x}: <b>%{z:.3g} %</b><extra></extra>")
    figure.update_xaxes(title_text="Answered", type="category")
    figure.update_yaxes(title_text="True class", type="category", autorange="reversed")
    return figure
