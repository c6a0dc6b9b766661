"""Learning curves: a metric over epochs, one line a run, ordered by density."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.look import DASHES, empty_figure, ramp

METRICS: dict[str, tuple[str, float]] = {
    "test_accuracy": ("Test accuracy (%)", 100.0),
    "validation_accuracy": ("Validation accuracy (%)", 100.0),
    "train_loss": ("Training loss (nats)", 1.0),
    "validation_loss": ("Validation loss (nats)", 1.0),
    "test_loss": ("Test loss (nats)", 1.0),
    "learning_rate": ("Learning rate", 1.0),
}
"""Columns of a history that can be drawn: axis title, and factor from stored to drawn value."""


@dataclass(frozen=True)
class Trained:
    """One run: its label, and its history (column name -> array, one value an evaluation)."""

    label: str
    history: Mapping[str, Array]


def learning_curves(runs: Sequence[Trained], metric: str = "test_accuracy") -> go.Figure:
    """`metric` (a key of METRICS) over epochs, a line a run, coloured in the order given."""
    title, scale = METRICS[metric]
    figure = empty_figure()
    for index, (run, colour) in enumerate(zip(runs, ramp(len(runs)), strict=True)):
        values = np.asarray(run.history[metric], dtype=float) * scale
        figure.add_scatter(
            x=[float(e) for e in run.history["epoch"]], y=[float(v) if np.isfinite(v) else None for v in values],
            mode="lines+markers" if len(values) < 3 else "lines", name=run.label,
            line={"color": colour, "dash": DASHES[index % len(DASHES)], "width": 2},
            meta={"x": "epoch", "y": metric},
            hovertemplate=run.label + "<br>epoch %{x:g}: <b>%{y:.4g}</b><extra></extra>")
    figure.update_xaxes(title_text="Training (epochs)")
    figure.update_yaxes(title_text=title)
    return figure
