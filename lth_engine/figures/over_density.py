"""A number of each run over density or over cost: mean and interval over replicates, one line a variant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from lth_engine.core.measures import Measure
from lth_engine.core.search_table import Table, rows_where, variants
from lth_engine.figures.band import band
from lth_engine.figures.interval import Interval, student_t
from lth_engine.figures.look import DASHES, GRAY, SYMBOLS, Look, density_axis, empty_figure, look, nth, translucent


@dataclass(frozen=True)
class Searched:
    """One search to draw.

    Attributes:
        label: its name in the legend, where several are drawn.
        table: its runs (:func:`lth_engine.core.search_table.search_table`).
        margin: loss of accuracy up to which a ticket is matching, in [0, 1]; 0 for none.
        mark: (level, words) of the ticket that the verdict is about, or None.
        lowest: density in (0, 1] that the axis reaches at least; 0 for as far as the runs go.
    """

    label: str
    table: Table
    margin: float = 0.0
    mark: tuple[int, str] | None = None
    lowest: float = 0.0


@dataclass(frozen=True)
class Across:
    """What lies along x: a column, the factor from stored to drawn values, its name in a saved table, and in words."""

    column: str
    scale: float
    name: str
    title: str


DENSITY = Across("density", 100.0, "density_percent", "density (%)")


def accuracy_over_density(searches: Sequence[Searched], column: str = "test_accuracy", *,
                          zoom: bool = False) -> go.Figure:
    """Accuracy (%) over density (%): a line a variant with its 95% interval, a point a run.

    A band marks dense accuracy plus or minus the margin, a star the ticket of the verdict.

    Args:
        searches: what to draw.
        column: accuracy column of the tables.
        zoom: show only what is within a few margins of the dense networks; controls may fall off.
    """
    title = column.replace("_", " ").capitalize() + " (%)"
    figure = over_density(searches, column, title, scale=100.0)
    figure.update_yaxes(maxallowed=100.4)
    middles: list[float] = []
    around = 1.0
    for index, searched in enumerate(searches):
        dense = rows_where(searched.table, "ticket", 0).get(column)
        if dense is None or not len(dense):
            continue
        if len(searches) == 1:
            _dense_band(figure, student_t(dense).mean * 100, searched.margin * 100)
        if zoom:
            middles.append(student_t(dense).mean * 100)
            around = max(around, 6 * searched.margin * 100)
        if searched.mark is not None:
            alone = len(searches) == 1
            _star(figure, searched, column, look("ticket") if alone else nth(index, ""), label=alone)
    if middles:
        figure.update_yaxes(range=[min(middles) - around, min(100.4, max(middles) + around)])
    return figure


def learning_distance(searches: Sequence[Searched]) -> go.Figure:
    """How far training moves the kept weights, ||theta_T - theta_start||_2, over density."""
    return over_density(searches, "learning_distance", "Learning distance: L2 norm of the change of the kept weights")


def over_density(searches: Sequence[Searched], column: str, title: str, scale: float = 1.0) -> go.Figure:
    """Any column of the search tables times `scale` over density in per cent."""
    figure = empty_figure()
    for index, searched in enumerate(searches):
        for place, variant in enumerate(variants(searched.table)):
            rows = rows_where(searched.table, variant)
            if _drawable(rows, column):
                style = look(variant) if len(searches) == 1 else _of_many(index, place, searched.label, variant)
                _line(figure, rows, DENSITY, column, scale, style, banded=len(searches) == 1 or variant == "ticket")
    density_axis(figure, min((s.lowest for s in searches), default=0.0))
    figure.update_yaxes(title_text=title)
    return figure


def compared(searches: Sequence[Searched], by: Measure, over: Measure | None = None, variant: str = "ticket",
             ) -> go.Figure:
    """One line a search: any measure over density, or over what the tickets cost (log scale).

    Args:
        searches: what to draw.
        by: what is drawn upwards.
        over: the cost along x; density if None.
        variant: "ticket" or a control.
    """
    figure = empty_figure()
    across = DENSITY if over is None else Across(over.name, over.scale, over.name, over.title.lower())
    for index, searched in enumerate(searches):
        rows = rows_where(searched.table, variant)
        if _drawable(rows, by.name) and _drawable(rows, across.column):
            _line(figure, rows, across, by.name, by.scale, nth(index, searched.label), banded=True)
    if over is None:
        density_axis(figure, min((s.lowest for s in searches), default=0.0))
    else:
        cost_axis(figure, over)
    figure.update_yaxes(title_text=by.title)
    return figure


def cost_axis(figure: go.Figure, over: Measure) -> None:
    """Make x a cost on a log axis with ticks at 1, 2 and 5 of each power of ten."""
    drawn = [float(x) for trace in figure.data for x in trace.x or () if x is not None and x > 0]
    powers = range(math.floor(math.log10(min(drawn))), math.ceil(math.log10(max(drawn))) + 1) if drawn else ()
    ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    figure.update_xaxes(title_text=f"{over.title}, log scale", type="log", tickvals=ticks,
                        ticktext=[f"{tick:,.0f}" if tick >= 1 else f"{tick:.1g}" for tick in ticks])


def _drawable(rows: Table, column: str) -> bool:
    return column in rows and bool(np.isfinite(rows[column].astype(float)).any())


def _of_many(index: int, place: int, label: str, variant: str) -> Look:
    """Of several searches: the colour tells the search, dash and marker the variant."""
    return Look(f"{label}: {look(variant).label.lower()}", nth(index, "").colour, DASHES[place % 6],
                SYMBOLS[place % 10])


def _line(figure: go.Figure, rows: Table, across: Across, column: str, scale: float, style: Look, *,
          banded: bool) -> None:
    levels = np.unique(rows["level"])
    at = [rows["level"] == level for level in levels]
    stats: list[Interval] = [student_t(rows[column][chosen] * scale) for chosen in at]
    x = [across.scale * float(np.mean(rows[across.column][chosen])) for chosen in at]
    percent = [100 * float(np.mean(rows["density"][chosen])) for chosen in at]
    if banded:
        band(figure, x, stats, style)
    words = "" if across is DENSITY else f"<br>{across.title} %{{x:.4g}}"
    figure.add_scatter(
        x=[across.scale * float(d) for d in rows[across.column]], y=[float(v) * scale for v in rows[column]],
        mode="markers", name=style.label + " (each run)", legendgroup=style.label, showlegend=False,
        marker={"color": translucent(style.colour, 0.45), "symbol": style.symbol, "size": 6},
        customdata=[[int(a), int(b), 100 * float(d)]
                    for a, b, d in zip(rows["level"], rows["replicate"], rows["density"], strict=True)],
        meta={"x": across.name, "y": column, "more": ["level", "replicate", "density_percent"]},
        hovertemplate=style.label + "<br>level %{customdata[0]}, replicate %{customdata[1]}<br>density "
                      "%{customdata[2]:.3g} %" + words + "<br><b>%{y:.4g}</b><extra></extra>")
    figure.add_scatter(
        x=x, y=[s.mean for s in stats], mode="lines+markers", name=style.label, legendgroup=style.label,
        line={"color": style.colour, "dash": style.dash, "width": 2.5},
        marker={"color": style.colour, "symbol": style.symbol, "size": 8},
        customdata=[[int(level), s.n, _or_none(s.lower), _or_none(s.upper), d]
                    for level, s, d in zip(levels, stats, percent, strict=True)],
        meta={"x": across.name, "y": column, "more": ["level", "n", "lower_95", "upper_95", "density_percent"]},
        hovertemplate=style.label + ": mean of %{customdata[1]}<br>level %{customdata[0]}, density "
                      "%{customdata[4]:.3g} %" + words + "<br><b>%{y:.4g}</b>, 95% interval %{customdata[2]:.4g} to "
                      "%{customdata[3]:.4g}<extra></extra>")


def _dense_band(figure: go.Figure, mean: float, margin: float) -> None:
    """A line across the figure at the dense accuracy, and the margin around it."""
    if margin:
        figure.add_hrect(y0=mean - margin, y1=mean + margin, fillcolor=GRAY, opacity=0.14, line_width=0, layer="below")
    figure.add_hline(y=mean, line_color=GRAY, line_dash="dash", line_width=1.5)
    figure.add_scatter(x=[None], y=[None], mode="lines", line={"color": GRAY, "dash": "dash", "width": 1.5},
                       name=f"Dense network: {mean:.1f} %" + (f" ± margin {margin:g} %" if margin else ""))


def _star(figure: go.Figure, searched: Searched, column: str, style: Look, *, label: bool) -> None:
    assert searched.mark is not None
    level, words = searched.mark
    rows = rows_where(searched.table, "ticket", level)
    if not len(rows["level"]):
        return
    x, y = 100 * float(np.mean(rows["density"])), student_t(rows[column]).mean * 100
    figure.add_scatter(
        x=[x], y=[y], mode="markers", name=words, showlegend=False,
        marker={"symbol": "star", "size": 20, "color": style.colour, "line": {"color": "white", "width": 1.5}},
        hovertemplate=f"{words}: level {level}, density %{{x:.3g}} %<extra></extra>")
    if label:
        figure.add_annotation(
            x=math.log10(x), y=y, text=f"<b>{words}</b>", showarrow=True, arrowhead=0, arrowcolor=style.colour, ax=0,
            ay=-34, bgcolor=style.colour, font={"color": "white", "size": 13}, borderpad=4,
            xanchor="right" if 2 * level > int(np.max(searched.table["level"])) else "left")


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
