"""Accuracies on the features of frozen networks: a row a variant, or a colour a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.figures.interval import student_t
from lth_engine.figures.look import GRAY, Look, empty_figure, look, nth, translucent, wrapped

LOOKS: dict[str, Look] = {
    "ticket": Look("Ticket, untrained", look("ticket").colour, "solid", "circle"),
    "shuffled": Look("Mask shuffled in each layer, untrained", look("shuffled_mask").colour, "dashdot",
                     "triangle-up"),
    "dense": Look("Dense network, untrained", GRAY, "dash", "cross"),
    "trained_ticket": Look("Ticket, trained", "#7a6fd0", "longdash", "diamond"),
    "trained_dense": Look("Dense network, trained", "#c2495a", "dot", "star")}
"""What stands side by side in a panel."""

REWOUND: dict[str, Look] = {name: replace(one, label=one.label.replace("untrained", "as training starts"))
                            for name, one in LOOKS.items()}
"""The same where training starts from a later rewind point than the initialisation."""

TRAINED: dict[str, Look] = {
    "ticket": look("ticket"), "shuffled_mask": look("shuffled_mask"),
    "dense": Look("Dense network", GRAY, "dash", "cross")}
"""What is trained on few images."""

ROW = 52
"""Pixels of a row."""

_OPINION = -0.24
"""Where in its row the second opinion lies; replicates lie on the other side."""


@dataclass(frozen=True)
class Row:
    """One variant.

    Attributes:
        variant: a key of :data:`LOOKS`.
        values: accuracies of its replicates, fractions.
        opinion: those of scikit-learn on the same features; empty if there are none.
        rewound: whether training starts from a later rewind point than the initialisation.
    """

    variant: str
    values: Array
    opinion: Array
    rewound: bool = False

    @property
    def look(self) -> Look:
        """How the variant is drawn."""
        return (REWOUND if self.rewound else LOOKS)[self.variant]


@dataclass(frozen=True)
class Panel:
    """One answer of several: its label and its rows."""

    label: str
    rows: Sequence[Row]


def by_variant(rows: Sequence[Row], chance: float) -> go.Figure:
    """Accuracy (%) of each variant: a large point for the mean with its 95% Student-t interval, a small one a
    replicate, a hollow one scikit-learn's mean; a dashed line at the accuracy of guessing."""
    figure = _frame([row.look.label for row in rows], chance)
    for place, row in enumerate(rows):
        style = row.look
        _replicates(figure, place + 0.24, row.values, style)
        _mean(figure, place, row.values, style, "test_accuracy_percent")
        if np.isfinite(row.opinion).any():
            _mean(figure, place + _OPINION, row.opinion, style, "opinion_accuracy_percent", hollow=True)
    return figure


def by_panel(panels: Sequence[Panel], chance: float) -> go.Figure:
    """The means of several answers with their 95% intervals, a colour an answer, a row a variant."""
    names = list(dict.fromkeys(row.look.label for panel in panels for row in panel.rows))
    figure = _frame(names, chance)
    for index, panel in enumerate(panels):
        shift = 0.6 * ((index + 0.5) / len(panels) - 0.5)
        for number, row in enumerate(panel.rows):
            _mean(figure, names.index(row.look.label) + shift, row.values, nth(index, panel.label),
                  "test_accuracy_percent", what=row.look.label, legend=number == 0)
    figure.update_layout(showlegend=True, height=figure.layout.height + 30 * len(panels), legend={"y": -0.3})
    return figure


def _frame(labels: Sequence[str], chance: float) -> go.Figure:
    figure = empty_figure(120 + ROW * len(labels))
    if np.isfinite(chance):
        figure.add_vline(x=100 * chance, line_color=GRAY, line_dash="dash", line_width=1.5)
        figure.add_annotation(x=100 * chance, xanchor="left", y=1, yref="paper", yanchor="bottom", showarrow=False,
                              text=f"guessing {100 * chance:.3g} %", font={"color": GRAY, "size": 12})
    figure.update_xaxes(title_text="Test accuracy (%)", rangemode="tozero", maxallowed=103)
    figure.update_yaxes(tickvals=list(range(len(labels))), ticktext=[wrapped(label, 16) for label in labels],
                        range=[len(labels) - 0.4, -0.6], showgrid=False, ticks="")
    figure.update_layout(showlegend=False, margin={"t": 30})
    return figure


def _replicates(figure: go.Figure, place: float, values: Array, style: Look) -> None:
    figure.add_scatter(
        x=(100 * np.asarray(values, float)).tolist(), y=[place] * len(values), mode="markers",
        name=f"{style.label} (each replicate)",
        marker={"color": translucent(style.colour, 0.5), "symbol": style.symbol, "size": 7},
        customdata=[[replicate] for replicate in range(len(values))],
        meta={"x": "test_accuracy_percent", "y": "row", "more": ["replicate"]},
        hovertemplate=style.label + ", replicate %{customdata[0]}<br><b>%{x:.4g} %</b><extra></extra>")


def _mean(figure: go.Figure, place: float, values: Array, style: Look, column: str, *, hollow: bool = False,
          what: str = "", legend: bool = False) -> None:
    found = student_t(100 * np.asarray(values, float))
    if not found.n:
        return
    known, name = found.n > 1, style.label + ", logistic regression" * hollow
    words = name + f"<br>{what}" * bool(what)
    fill = {"symbol": f"{style.symbol}-open", "size": 10} if hollow else {"symbol": style.symbol, "size": 13}
    figure.add_scatter(
        x=[found.mean], y=[place], mode="markers", name=name, showlegend=legend, legendgroup=style.label,
        marker={"color": style.colour, "line": {"width": 2, "color": style.colour}} | fill,
        error_x={"type": "data", "array": [found.upper - found.mean], "color": style.colour, "thickness": 2.5,
                 "width": 6} if known else None,
        customdata=[[found.n, found.lower if known else None, found.upper if known else None, what or style.label]],
        meta={"x": column, "y": "row", "more": ["n", "lower_95", "upper_95", "variant"]},
        hovertemplate=words + ": mean of %{customdata[0]}<br><b>%{x:.4g} %</b>"
                      + (", 95% interval %{customdata[1]:.4g} to %{customdata[2]:.4g}" if known else "")
                      + "<extra></extra>")
