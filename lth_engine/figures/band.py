"""The band between the ends of intervals along a line."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from lth_engine.figures.interval import Interval
from lth_engine.figures.look import Look, translucent


def band(figure: go.Figure, places: Sequence[float], stats: Sequence[Interval], style: Look) -> None:
    """A translucent band through the intervals that rest on several values, or a bar where there is one place."""
    known = [(x, s) for x, s in zip(places, stats, strict=True) if s.n > 1]
    if len(known) == 1:
        (x, s), = known
        figure.add_scatter(x=[x, x], y=[s.lower, s.upper], mode="lines", hoverinfo="skip", showlegend=False,
                           legendgroup=style.label, line={"color": translucent(style.colour, 0.5), "width": 4})
    elif known:
        figure.add_scatter(
            x=[x for x, _ in known] + [x for x, _ in reversed(known)],
            y=[s.upper for _, s in known] + [s.lower for _, s in reversed(known)], fill="toself", mode="lines",
            fillcolor=translucent(style.colour, 0.16), line={"width": 0}, hoverinfo="skip", showlegend=False,
            legendgroup=style.label)
