"""How everything looks: one colour, dash and marker a thing, everywhere, and one explicit template.

The colours keep a contrast of about 4:1 against white as well as against near-black, and stay
apart for the common colour blindnesses; dash and marker tell the same again without colour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import plotly.colors
import plotly.graph_objects as go

GRAY = "#7d7d7d"
"""Reference lines and annotations: visible on white and on black."""


@dataclass(frozen=True)
class Look:
    """One thing's colour, dash, marker and label."""

    label: str
    colour: str
    dash: str
    symbol: str


VARIANTS: dict[str, Look] = {
    "ticket": Look("Ticket", "#1f83c9", "solid", "circle"),
    "random_mask": Look("Random mask, same density", "#d55e00", "dash", "square"),
    "redrawn": Look("Same mask, weights re-drawn", "#0a9668", "dot", "diamond"),
    "shuffled_mask": Look("Mask shuffled in each layer", "#b65c9d", "dashdot", "triangle-up"),
    "sign_transfer": Look("Signed mask, magnitudes re-drawn", "#a07a00", "longdash", "x"),
}
"""The ticket and its controls."""

SERIES: tuple[str, ...] = (
    "#1f83c9", "#d55e00", "#0a9668", "#b65c9d", "#a07a00", "#7a6fd0", "#c2495a", "#3f8f9b", "#6f8a1e", GRAY,
)
"""Colours for searches or layers side by side."""

DASHES: tuple[str, ...] = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS: tuple[str, ...] = (
    "circle", "square", "diamond", "triangle-up", "x", "cross", "star", "hexagon", "pentagon", "triangle-down",
)


def look(variant: str) -> Look:
    """The look of a variant; a name that is not known is drawn in gray under its own name."""
    return VARIANTS.get(variant, Look(variant.replace("_", " "), GRAY, "longdash", "x"))


def nth(index: int, label: str) -> Look:
    """The look of the n-th of things side by side; colours come round after ten, dashes after six."""
    return Look(label, SERIES[index % 10], DASHES[index % 6], SYMBOLS[index % 10])


def translucent(colour: str, alpha: float) -> str:
    """A "#rrggbb" colour as rgba with the given opacity in [0, 1]."""
    red, green, blue = plotly.colors.hex_to_rgb(colour)
    return f"rgba({red},{green},{blue},{alpha:g})"


def hatched(colour: str, shape: str) -> dict[str, object]:
    """A bar's marker: its colour, with a pattern ("" for none) that tells the same without colour."""
    pattern = {"shape": shape, "bgcolor": colour, "fgcolor": "#ffffff", "fgopacity": 0.6, "solidity": 0.2, "size": 9}
    return {"color": colour, "pattern": pattern, "line": {"width": 0}}


def log_ticks(low: float, high: float) -> list[float]:
    """Ticks of a log axis from `low` to `high` (above 0): 1, 2 and 5 of each power of ten, or the powers alone."""
    digits = (1,) if math.log10(high / low) > 2.5 else (1, 2, 5)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [digit * 10.0**power for power in powers for digit in digits if low <= digit * 10.0**power <= high]


def even_step(low: float, high: float, steps: int) -> float:
    """A round step (1, 2, 2.5 or 5 times a power of ten): about `steps` of them lead from `low` to `high`."""
    rough = (high - low) / steps
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(digit for digit in (1, 2, 2.5, 5, 10) if rough <= digit * power * (1 + 1e-9))


def ramp(count: int) -> list[str]:
    """`count` ordered colours from dense (blue) to sparse (orange), all readable on white and black."""
    anchors = np.array([[31, 131, 201], [122, 111, 208], [182, 92, 157], [213, 94, 0]], dtype=float)
    places = np.linspace(0, len(anchors) - 1, count) if count > 1 else np.zeros(1)
    mixed = [[np.interp(p, range(len(anchors)), anchors[:, c]) for c in range(3)] for p in places]
    return ["#" + "".join(f"{round(v):02x}" for v in rgb) for rgb in mixed]


_AXIS = {
    "showline": True, "linecolor": GRAY, "ticks": "outside", "tickcolor": GRAY, "gridcolor": "#e6e6e6",
    "zeroline": False, "automargin": True, "title": {"standoff": 10},
}

TEMPLATE = go.layout.Template(layout={
    "font": {"family": "Source Sans, Source Sans Pro, Helvetica, Arial, sans-serif", "size": 14, "color": "#222222"},
    "paper_bgcolor": "#ffffff", "plot_bgcolor": "#ffffff", "colorway": list(SERIES),
    "xaxis": _AXIS, "yaxis": _AXIS, "hovermode": "closest",
    "margin": {"l": 60, "r": 20, "t": 16, "b": 55},
    "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.22, "yanchor": "top"},
})
"""White ground and dark letters: what a download looks like. In the page the theme replaces both."""


def empty_figure(height: int = 420) -> go.Figure:
    """A figure with the house template and no trace."""
    figure = go.Figure()
    figure.update_layout(template=TEMPLATE, height=height)
    return figure


def density_axis(figure: go.Figure, lowest: float = 0.0) -> None:
    """Make x the density in per cent on a log axis that falls from 100 % on the left.

    Args:
        figure: changed in place.
        lowest: density in (0, 1] that the axis reaches at least, so that a growing figure stays still; 0 for
            as far as the data go.
    """
    figure.update_xaxes(title_text="Density: weights kept (%, log scale)", type="log", tickvals=list(_TICKS),
                        ticktext=[f"{t:g}" for t in _TICKS], autorange="reversed")
    if lowest:
        figure.update_xaxes(autorange=False, range=[math.log10(112), math.log10(100 * lowest / 1.12)])


_TICKS = (100, 70, 50, 30, 20, 10, 7, 5, 3, 2, 1, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)


def wrapped(label: str, width: int) -> str:
    """A label in lines of about `width` letters."""
    lines = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)
