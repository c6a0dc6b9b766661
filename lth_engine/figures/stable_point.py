"""How the first stable point of training was found: the barrier at each point that was tried, and several side by
side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.artifact import Array
from lth_engine.core.connected import connected
from lth_engine.figures.look import GRAY, empty_figure, look, nth, translucent

UNITS = {"ep": "epochs", "it": "steps"}


@dataclass(frozen=True)
class Trail:
    """The tries of one search.

    Attributes:
        label: its name in the legend.
        point: N points of training in the order of the tries, in `unit`.
        barrier: N barriers, fractions.
        low, high: N ends of their 95% intervals, nan where unknown.
        threshold: fraction below which a point is stable.
        length: of the whole training, in `unit`.
        unit: "ep" or "it".
        found: the first stable point; None while it is not known.
        bisection: how many of the tries are those of the bisection; the others look for contradictions.
    """

    label: str
    point: Array
    barrier: Array
    low: Array
    high: Array
    threshold: float
    length: int
    unit: str
    found: int | None = None
    bisection: int | None = None

    @property
    def verdicts(self) -> list[str]:
        """Of each try: connected, undecided or separated."""
        return [connected(float(barrier), float(low), float(high), self.threshold)
                for barrier, low, high in zip(self.barrier, self.low, self.high, strict=True)]


def trail(one: Trail) -> go.Figure:
    """Barrier (points) over the point of training from which two siblings part; the number is the order of the tries.

    Stable points are blue circles, unstable ones orange squares, both numbered, with their 95% intervals; where the
    interval holds the threshold they are hollow. The answer is a line.
    """
    figure = empty_figure()
    figure.add_hrect(y0=0, y1=100 * one.threshold, fillcolor=GRAY, opacity=0.13, line_width=0, layer="below")
    figure.add_hline(y=100 * one.threshold, line_color=GRAY, line_dash="dash", line_width=1.5)
    order = np.argsort(one.point)
    figure.add_scatter(x=one.point[order].tolist(), y=(100 * one.barrier[order]).tolist(), mode="lines",
                       hoverinfo="skip", showlegend=False, line={"color": translucent(GRAY, 0.5), "width": 1.5})
    stable, undecided = one.barrier < one.threshold, np.array(one.verdicts) == "undecided"
    for which, name, style in ((stable, "stable", look("ticket")), (~stable, "unstable", look("random_mask"))):
        symbol = "circle" if name == "stable" else "square"
        _tries(figure, one, np.flatnonzero(which & ~undecided), name, style.colour, symbol)
        _tries(figure, one, np.flatnonzero(which & undecided), f"{name}, undecided", style.colour, symbol, hollow=True)
    if one.found is not None:
        words = f"stable from {one.found:,}" if one.found < one.length else "stable only at the end"
        figure.add_vline(x=one.found, line_color=look("ticket").colour, line_width=2.5, layer="below")
        figure.add_annotation(x=one.found, y=1, yref="paper", yanchor="bottom", text=f"<b>{words}</b>",
                              showarrow=False, bgcolor=look("ticket").colour, borderpad=4,
                              font={"color": "white", "size": 13},
                              xanchor="left" if one.found < one.length / 2 else "right")
    figure.update_layout(margin={"t": 40})
    figure.update_xaxes(title_text=f"Point of training at which the siblings part ({UNITS[one.unit]})",
                        range=[-0.03 * one.length, 1.03 * one.length])
    figure.update_yaxes(title_text="Barrier of the error (points)", rangemode="tozero")
    return figure


def _tries(figure: go.Figure, one: Trail, chosen: Array, name: str, colour: str, symbol: str, *,
           hollow: bool = False) -> None:
    if not len(chosen):
        return
    height, low, high = (100 * values[chosen] for values in (one.barrier, one.low, one.high))
    ends = [[_known(a), _known(b)] for a, b in zip(low, high, strict=True)]
    said = [f"<br>95% interval {a:.3g} to {b:.3g}" if a is not None and b is not None else "" for a, b in ends]
    error = {"type": "data", "symmetric": False, "array": np.nan_to_num(high - height).tolist(),
             "arrayminus": np.nan_to_num(height - low).tolist(), "color": colour, "thickness": 2, "width": 6}
    last = len(one.point) if one.bisection is None else one.bisection
    figure.add_scatter(
        x=one.point[chosen].tolist(), y=height.tolist(), mode="markers+text", name=name,
        error_y=error if any(said) else None, text=[str(n + 1) for n in chosen], textposition="middle center",
        textfont={"color": colour if hollow else "white", "size": 12}, cliponaxis=False,
        marker={"color": "white" if hollow else colour, "symbol": symbol, "size": 22, "opacity": 1,
                "line": {"color": colour, "width": 2.5}},
        customdata=[[int(n) + 1, name, "bisection" if n < last else "looking for contradictions", *both]
                    for n, both in zip(chosen, ends, strict=True)], hovertext=said,
        meta={"x": f"point_{one.unit}", "y": "barrier_points", "more": ["try", "verdict", "why", "low_95", "high_95"]},
        hovertemplate="try %{customdata[0]} (%{customdata[2]})<br>point %{x:,}: <b>%{y:.3g} points</b>, "
                      "%{customdata[1]}%{hovertext}<extra></extra>")


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def shares(series: Sequence[Trail]) -> go.Figure:
    """The first stable point as a share of training (%), a bar a setting; one that was never stable is 100 %."""
    found = [one for one in series if one.found is not None]
    figure = empty_figure(120 + 46 * max(2, len(found)))
    for index, one in enumerate(found):
        assert one.found is not None
        style, share = nth(index, one.label), 100 * one.found / one.length
        figure.add_bar(
            x=[share], y=[one.label], orientation="h", name=one.label, showlegend=False, width=0.55,
            marker={"color": style.colour}, text=[f" {share:.3g} %"], textposition="auto",
            customdata=[[one.found, one.length, one.unit]],
            meta={"x": "share_percent", "y": "setting", "more": ["point", "length", "unit"]},
            hovertemplate=f"{one.label}<br>stable from %{{customdata[0]:,}} of %{{customdata[1]:,}} "
                          f"{UNITS[one.unit]}: <b>%{{x:.3g}} %</b><extra></extra>")
    figure.update_xaxes(title_text="First stable point (% of training)", range=[0, 106])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure
