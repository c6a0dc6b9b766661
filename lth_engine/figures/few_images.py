"""Accuracy over the share of the training images that is used: a line a variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.band import band
from lth_engine.figures.features import TRAINED
from lth_engine.figures.interval import student_t
from lth_engine.figures.look import GRAY, Look, empty_figure, translucent


@dataclass(frozen=True)
class Series:
    """The trainings of one variant.

    Attributes:
        variant: "ticket", "shuffled_mask" or "dense".
        percent: N shares of the training images, in per cent.
        accuracy: N test accuracies, fractions.
        images: N numbers of training images; 0 where not known.
    """

    variant: str
    percent: Array
    accuracy: Array
    images: Array


def over_percent(series: Sequence[Series], chance: float) -> go.Figure:
    """Test accuracy (%) over the share of images (%, log scale): means with their 95% Student-t intervals, a point a
    training, and a dashed line at the accuracy of guessing."""
    figure = empty_figure()
    ticks = sorted({int(p) for one in series for p in one.percent})
    if np.isfinite(chance):
        figure.add_hline(y=100 * chance, line_color=GRAY, line_dash="dash", line_width=1.5)
        figure.add_annotation(x=1, xref="paper", xanchor="right", y=100 * chance, yanchor="bottom", showarrow=False,
                              text=f"guessing {100 * chance:.3g} %", font={"color": GRAY, "size": 12})
    for one in series:
        _line(figure, one, TRAINED[one.variant])
    room = 0.06 * max(1.0, float(np.log10(max(ticks) / min(ticks)))) if ticks else 0.1
    figure.update_xaxes(
        title_text="Training images used (%, log scale)", type="log", tickvals=ticks, ticktext=[str(t) for t in ticks],
        range=[np.log10(min(ticks)) - room, np.log10(max(ticks)) + room] if ticks else None)
    figure.update_yaxes(title_text="Test accuracy (%)", maxallowed=101)
    return figure


def _line(figure: go.Figure, one: Series, style: Look) -> None:
    percents = sorted({int(p) for p in one.percent})
    stats = [student_t(100 * one.accuracy[one.percent == p]) for p in percents]
    images = [int(one.images[one.percent == p][0]) or None for p in percents]
    band(figure, percents, stats, style)
    figure.add_scatter(
        x=one.percent.tolist(), y=(100 * one.accuracy).tolist(), mode="markers", showlegend=False,
        name=style.label + " (each training)", legendgroup=style.label,
        marker={"color": translucent(style.colour, 0.45), "symbol": style.symbol, "size": 6},
        meta={"x": "images_percent", "y": "test_accuracy_percent"},
        hovertemplate=style.label + "<br>%{x} % of the images: <b>%{y:.4g} %</b><extra></extra>")
    figure.add_scatter(
        x=percents, y=[s.mean for s in stats], mode="lines+markers", name=style.label, legendgroup=style.label,
        line={"color": style.colour, "dash": style.dash, "width": 2.5},
        marker={"color": style.colour, "symbol": style.symbol, "size": 9},
        customdata=[[s.n, *((s.lower, s.upper) if s.n > 1 else (None, None)), count]
                    for s, count in zip(stats, images, strict=True)],
        meta={"x": "images_percent", "y": "test_accuracy_percent", "more": ["n", "lower_95", "upper_95", "images"]},
        hovertemplate=style.label + ": mean of %{customdata[0]}<br>%{x} % of the images: <b>%{y:.4g} %</b>, "
                      "95% interval %{customdata[1]:.4g} to %{customdata[2]:.4g}<extra></extra>")
