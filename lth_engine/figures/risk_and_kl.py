"""The two terms of a bound against each other, a point a network, coloured by test accuracy (PAC-Bayesian view,
figure 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from lth_engine.figures.look import empty_figure


@dataclass(frozen=True)
class Judged:
    """One network under one prior.

    Attributes:
        label: what sets it apart ("lr 0.1").
        risk: empirical 0-1 risk of the randomised network, a fraction.
        risk_stderr: its Monte-Carlo error.
        kl: in nats.
        bound: a fraction.
        accuracy: test accuracy of the network, a fraction.
    """

    label: str
    risk: float
    risk_stderr: float
    kl: float
    bound: float
    accuracy: float


def risk_and_kl(points: Sequence[Judged], accuracies: tuple[float, float]) -> go.Figure:
    """Risk (%) upwards, KL (nats) to the right.

    Args:
        points: the networks.
        accuracies: (least, greatest) accuracy of the colour scale, fractions, so that figures can share it.
    """
    figure = empty_figure(420)
    few = len(points) <= 16
    figure.add_scatter(
        x=[p.kl for p in points], y=[100 * p.risk for p in points], mode="markers+text" if few else "markers",
        text=[p.label for p in points], textposition="top center", name="networks", showlegend=False,
        error_y={"type": "data", "array": [100 * p.risk_stderr for p in points], "thickness": 1.3, "width": 4},
        marker={"size": 13, "color": [100 * p.accuracy for p in points], "colorscale": "Cividis",
                "cmin": 100 * accuracies[0], "cmax": 100 * accuracies[1], "line": {"color": "#7d7d7d", "width": 1},
                "colorbar": {"title": {"text": "Test accuracy (%)", "side": "right"}, "thickness": 12}},
        customdata=[[p.label, 100 * p.accuracy, 100 * p.bound, 100 * p.risk_stderr] for p in points],
        meta={"x": "kl_nats", "y": "risk_percent",
              "more": ["network", "test_accuracy_percent", "bound_percent", "risk_standard_error_percent"]},
        hovertemplate="%{customdata[0]}<br>KL <b>%{x:,.5g}</b> nats, risk <b>%{y:.3g} %</b> ± %{customdata[3]:.1g}<br>"
                      "bound %{customdata[2]:.4g} %, test accuracy %{customdata[1]:.2f} %<extra></extra>")
    figure.update_xaxes(title_text="KL (nats)")
    figure.update_yaxes(title_text="Risk on the training images (%)", rangemode="tozero")
    return figure
