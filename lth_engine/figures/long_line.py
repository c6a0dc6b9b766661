"""One long curve from level to level of a search: each level is a network, between two lies the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from lth_engine.figures.line import MEASURES, PARTS, Line, column
from lth_engine.figures.look import GRAY, empty_figure, nth


@dataclass(frozen=True)
class Path:
    """The lines of one search.

    Attributes:
        label: its name in the legend.
        steps: (level that the line starts from, the line), ascending.
        densities: of each level, in (0, 1], the one after the last line included.
    """

    label: str
    steps: Sequence[tuple[int, Line]]
    densities: Sequence[float]


def long_line(paths: Sequence[Path], measure: str = "error", parts: Sequence[str] = ("test", "train")) -> go.Figure:
    """Error or loss over level + alpha, a curve a search and part: Pruning Close to Home, figure 2.

    Args:
        paths: what to draw.
        measure: a key of MEASURES.
        parts: keys of PARTS.
    """
    figure = empty_figure()
    for index, path in enumerate(paths):
        style = nth(index, path.label)
        for part in parts:
            colour = style.colour if part == "test" or len(paths) > 1 else nth(1, "").colour
            _path(figure, path, measure, part, colour, alone=len(paths) == 1)
    longest = max(paths, key=lambda path: len(path.densities), default=None)
    if longest is not None:
        _levels(figure, longest.densities)
    figure.update_xaxes(title_text="Level of the search and density (weights kept)")
    figure.update_yaxes(title_text=MEASURES[measure][0], rangemode="tozero")
    return figure


def _path(figure: go.Figure, path: Path, measure: str, part: str, colour: str, *, alone: bool) -> None:
    _, _, scale = MEASURES[measure]
    words, dash = PARTS[part]
    name = words.capitalize() if alone else path.label
    x: list[float] = []
    y: list[float] = []
    more: list[list[float]] = []
    for level, line in path.steps:
        values = line.values.get(f"{part}_{measure}", ())
        for alpha, value in zip(line.alpha, values, strict=False):
            x.append(level + float(alpha))
            y.append(scale * float(value))
            more.append([level, float(alpha)])
    if not x:
        return
    at_level = [8 if float(place).is_integer() else 0 for place in x]
    figure.add_scatter(
        x=x, y=y, mode="lines+markers", name=name, legendgroup=path.label, showlegend=alone or part == "test",
        line={"color": colour, "dash": dash, "width": 2.5}, marker={"color": colour, "size": at_level},
        customdata=more, meta={"x": "level_and_alpha", "y": column(part, measure), "more": ["from_level", "alpha"]},
        hovertemplate=f"{path.label}<br>{words}, from level %{{customdata[0]}}, alpha %{{customdata[1]:.3g}}: "
                      "<b>%{y:.4g}</b><extra></extra>")


def _levels(figure: go.Figure, densities: Sequence[float]) -> None:
    """A tick and a faint line at each level; of many levels not every one is named."""
    every = max(1, -(-len(densities) // 12))
    named = range(0, len(densities), every)
    figure.update_xaxes(tickvals=list(named), ticktext=[f"{n}<br>{100 * densities[n]:.3g} %" for n in named],
                        range=[-0.1, len(densities) - 0.9])
    for level in range(len(densities)):
        figure.add_vline(x=level, line_color=GRAY, line_dash="dot", line_width=0.8, layer="below")
