"""A PAC-Bayes bound taken apart: the terms that it is made of, and how its optimisation went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lth_engine.core.artifact import Array
from lth_engine.figures.look import GRAY, SERIES, TEMPLATE, empty_figure, hatched

RISK, GAUSSIAN, MASK, CONFIDENCE = "Risk", "KL, Gaussian part", "KL, mask", "Confidence"
PRIOR, DRAWS, IMAGES = "Choice of the prior", "Finite number of draws", "Normalisation of the images"
TERMS = (RISK, GAUSSIAN, MASK, CONFIDENCE, PRIOR, DRAWS, IMAGES)
"""Terms of a bound; each has one colour and one pattern, whichever others there are."""

_PATTERNS = ("", "/", ".", "x", "+", "-", "|")


def term_colour(name: str) -> str:
    """The colour of a term."""
    return SERIES[TERMS.index(name)]


@dataclass(frozen=True)
class Terms:
    """One bound.

    Attributes:
        label: its name beside the bar.
        risk: the empirical 0-1 risk of the randomised network, a fraction.
        bound: the bound on its error on new images, a fraction.
        vacuous: whether it says nothing.
        added: terms that are added to the risk as they are, fractions, by name (one of TERMS).
        nats: terms of the complexity, in nats, by name (one of TERMS).
    """

    label: str
    risk: float
    bound: float
    vacuous: bool
    added: Mapping[str, float]
    nats: Mapping[str, float]

    def steps(self) -> dict[str, float]:
        """The bound as a sum, fractions by name: the risk, what is added, and the rest shared out among the terms of
        the complexity in proportion to their nats. (The bound is no sum of these; the shares only say whose nats weigh
        how much.)"""
        rest = self.bound - self.risk - sum(self.added.values())
        whole = sum(max(0.0, nats) for nats in self.nats.values())
        shares = {name: rest * max(0.0, nats) / whole if whole > 0 else 0.0 for name, nats in self.nats.items()}
        return {RISK: self.risk, **self.added, **shares}


def stacked_bounds(bars: Sequence[Terms], test_errors: Sequence[float | None], guessing: float = 1.0) -> go.Figure:
    """Each bound as a bar (%): its terms side by side, its size in words, and the line from which on it says nothing.

    Args:
        bars: the bounds, from top to bottom.
        test_errors: of the network without noise, a fraction for each bar, or None where it is not known.
        guessing: the error of guessing, a fraction: a bound says nothing from there on.
    """
    ground = 62 * len(bars)
    figure = empty_figure(ground + 210)
    labels = [bar.label for bar in bars]
    for name in (term for term in TERMS if any(term in bar.steps() for bar in bars)):
        nats = [bar.nats.get(name) for bar in bars]
        figure.add_bar(
            x=[100 * bar.steps().get(name, 0.0) for bar in bars], y=labels, orientation="h", name=name, width=0.62,
            marker=hatched(term_colour(name), _PATTERNS[TERMS.index(name)]),
            customdata=[[100 * bar.bound, value, "" if value is None else f"<br>{value:,.6g} nats"]
                        for bar, value in zip(bars, nats, strict=True)],
            meta={"x": "percent", "y": "bound", "more": ["bound_percent", "nats", "words"]},
            hovertemplate="%{y}<br>" + name + ": <b>%{x:.3g} %</b> of a bound of %{customdata[0]:.4g} %"
                          "%{customdata[2]}<extra></extra>")
    _test_errors(figure, labels, test_errors)
    longest = max([100.0, *(100 * bar.bound for bar in bars)])
    figure.add_vline(x=100 * guessing, line_color=GRAY, line_dash="dash", line_width=1.5)
    figure.add_annotation(
        x=100 * guessing, y=1, yref="paper", xanchor="right", yanchor="bottom", showarrow=False,
        font={"color": GRAY, "size": 13},
        text=f"vacuous from {100 * guessing:.3g} %{' (guessing)' if guessing < 1 else ''} →")
    figure.update_layout(barmode="stack", margin={"t": 34}, legend={"y": -80 / ground, "traceorder": "normal"})
    figure.update_xaxes(title_text="Bound on the error of drawn networks (%)", range=[0, 1.04 * longest])
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="", tickvals=labels, ticktext=[
        f"{bar.label}<br><b>{100 * bar.bound:.3g} %</b>" + "<br><b>vacuous</b>" * bar.vacuous for bar in bars])
    return figure


def _test_errors(figure: go.Figure, labels: Sequence[str], errors: Sequence[float | None]) -> None:
    known = [(label, error) for label, error in zip(labels, errors, strict=True) if error is not None]
    if known:
        figure.add_scatter(
            x=[100 * error for _, error in known], y=[label for label, _ in known], mode="markers",
            name="Test error without noise", meta={"x": "percent", "y": "bound"},
            marker={"symbol": "diamond", "size": 13, "color": "#ffffff", "line": {"color": "#222222", "width": 2}},
            hovertemplate="%{y}<br>test error of the network itself: <b>%{x:.3g} %</b><extra></extra>")


def optimisation(epoch: Array, risk: Array, kl: Array, bound: Array) -> go.Figure:
    """How the optimisation of the variances went over its epochs: above the bound that it minimises and the surrogate
    risk (%), below the KL (nats)."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.58, 0.42])
    figure.update_layout(template=TEMPLATE, height=440)
    drawn = (("Bound on the surrogate risk", bound, 100.0, "%", 1, "bound_percent"),
             ("Surrogate risk", risk, 100.0, "%", 1, "surrogate_risk_percent"), ("KL", kl, 1.0, "nats", 2, "kl_nats"))
    colours = (GRAY, term_colour(RISK), term_colour(GAUSSIAN))
    for (name, values, scale, unit, row, column), colour, dash in zip(
            drawn, colours, ("solid", "dash", "dot"), strict=True):
        figure.add_scatter(
            x=[float(e) for e in epoch], y=[scale * float(v) for v in values], mode="lines", name=name, row=row, col=1,
            line={"color": colour, "dash": dash, "width": 2.2}, meta={"x": "epoch", "y": column},
            hovertemplate=name + f"<br>epoch %{{x:g}}: <b>%{{y:.5g}} {unit}</b><extra></extra>")
    figure.update_xaxes(title_text="Epochs of the optimisation", row=2, col=1)
    figure.update_yaxes(title_text="Bound, risk (%)", row=1, col=1)
    figure.update_yaxes(title_text="KL (nats)", row=2, col=1)
    return figure
