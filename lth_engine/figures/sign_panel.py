"""What a signed mask carries: the panel of all cases, and the accuracy of each beside dense network and ticket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go

from lth_engine.figures.look import GRAY, VARIANTS, empty_figure, nth, translucent

Cell = tuple[bool, bool, bool]
"""(mask, signs, norms): which of them is the ticket's."""

WORDS: dict[str, tuple[str, str]] = {
    "better": ("#0a8a60", "▲ better"), "worse": ("#d55e00", "▼ worse"), "equivalent": ("#1f83c9", "= equivalent"),
    "undecided": (GRAY, "? undecided"), "reference": ("#5b52b5", "reference")}
"""Word of a case -> its colour, and what stands in the cell, which tells the same without colour."""


@dataclass(frozen=True)
class Case:
    """One case of a panel; fractions, NaN where not known.

    Attributes:
        cell: which of mask, signs and norms is the ticket's.
        values: test accuracy of each replicate.
        accuracy, half_width: their mean, and half its 95% interval.
        difference, low, high: to the mask alone, with its 90% interval.
        word: what the test says of the difference; "" while it is not known.
    """

    cell: Cell
    values: Sequence[float]
    accuracy: float
    half_width: float = float("nan")
    difference: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    word: str = ""

    @property
    def name(self) -> str:
        """What of it is the ticket's: "mask + signs"."""
        return case_name(self.cell)


@dataclass(frozen=True)
class Panel:
    """The cases of one answer.

    Attributes:
        label: its name in the legend, where several are drawn.
        cases: in any order.
        lines: accuracies to compare with, by what they are called.
    """

    label: str
    cases: Sequence[Case]
    lines: Mapping[str, float] = field(default_factory=dict)


def case_name(cell: Cell) -> str:
    """What of a case is the ticket's: "mask + signs", "nothing"."""
    kept = [name for name, held in zip(("mask", "signs", "norms"), cell, strict=True) if held]
    return " + ".join(kept) or "nothing"


def panel(cases: Sequence[Case]) -> go.Figure:
    """A grid of the cases: accuracy with half its 95% interval, difference to the mask alone, and the word for it.

    Rows are mask and signs, columns normalisation; for a network without, rows are masks and columns signs.
    """
    normed = any(case.cell[2] for case in cases)
    if normed:
        rows: list[tuple[str, tuple[bool, ...]]] = [(f"{_mask(m)},<br>{_signs(s)}", (m, s)) for m in (True, False)
                                                    for s in (True, False)]
        columns: list[tuple[str, tuple[bool, ...]]] = [("other<br>normalisation", (False,)),
                                                       ("ticket's<br>normalisation", (True,))]
    else:
        rows = [(_mask(m), (m,)) for m in (True, False)]
        columns = [(_signs(s), (s, False)) for s in (True, False)]
    figure = empty_figure(70 + 96 * len(rows))
    for y, (row, kept) in enumerate(rows):
        for x, (column, more) in enumerate(columns):
            case = next((case for case in cases if case.cell == (*kept, *more)), None)
            if case is not None:
                _draw_cell(figure, case, (x, y), " ".join((row, column)).replace("<br>", " "))
    bare = {"showline": False, "ticks": "", "showgrid": False, "fixedrange": True}
    figure.update_xaxes(**bare, side="top", tickvals=list(range(len(columns))), ticktext=[name for name, _ in columns],
                        range=[-0.5, len(columns) - 0.5])
    figure.update_yaxes(**bare, tickvals=list(range(len(rows))), ticktext=[name for name, _ in rows],
                        range=[len(rows) - 0.5, -0.5])
    figure.update_layout(showlegend=False, hoverdistance=80, margin={"l": 10, "r": 10, "t": 50, "b": 10})
    return figure


def _mask(held: bool) -> str:
    return "ticket's mask" if held else "mask shuffled"


def _signs(held: bool) -> str:
    return "ticket's signs" if held else "other signs"


def _draw_cell(figure: go.Figure, case: Case, at: tuple[int, int], place: str) -> None:
    (x, y), (colour, word) = at, WORDS.get(case.word, (GRAY, ""))
    figure.add_shape(type="rect", x0=x - 0.48, x1=x + 0.48, y0=y - 0.47, y1=y + 0.47, fillcolor=colour, line_width=0,
                     layer="below")
    spread = f" ± {100 * case.half_width:.1f}" if np.isfinite(case.half_width) else ""
    away = "mask alone" if case.word == "reference" else f"{100 * case.difference:+.1f} points"
    interval = ("<br>difference %{customdata[3]:+.2f} points, 90% interval %{customdata[4]:+.2f} to "
                "%{customdata[5]:+.2f}" if np.isfinite(case.low) and case.word != "reference" else "")
    numbers = (case.accuracy, case.half_width, case.difference, case.low, case.high)
    figure.add_scatter(
        x=[x], y=[y], mode="text", name=case.name,
        text=[f"<b>{100 * case.accuracy:.1f}{spread} %</b><br>{away}<br>{word}"],
        textfont={"color": "white", "size": 15},
        customdata=[[place, *(100 * v if np.isfinite(v) else None for v in numbers), case.word]],
        meta={"x": "column", "y": "row", "more": [
            "case", "accuracy_percent", "half_width_95", "difference_points", "low_90", "high_90", "word"]},
        hovertemplate=f"{case.name}<br><b>%{{customdata[1]:.2f}} %</b>" + interval + "<extra></extra>")


def by_case(panels: Sequence[Panel]) -> go.Figure:
    """Test accuracy (%) of every case, a row each: replicates as small marks, the mean with its 95% interval as a
    large one; what it is compared with as lines, where one panel is drawn."""
    cells = sorted({case.cell for one in panels for case in one.cases}, reverse=True)
    figure = empty_figure(110 + max(44, 22 * len(panels)) * max(2, len(cells)))
    for index, one in enumerate(panels):
        _dots(figure, one, cells, index, len(panels))
    if len(panels) == 1:
        _lines(figure, panels[0].lines)
    figure.update_xaxes(title_text="Test accuracy (%)", maxallowed=100.4)
    figure.update_yaxes(tickvals=list(range(len(cells))), ticktext=[case_name(cell) for cell in cells],
                        range=[len(cells) - 0.5, -0.5], showgrid=False, title_text="")
    figure.update_layout(legend={"y": -0.2 if len(cells) > 4 else -0.36})
    return figure


def _dots(figure: go.Figure, one: Panel, cells: Sequence[Cell], index: int, count: int) -> None:
    style = nth(index, one.label)
    shift = 0.7 * (index - (count - 1) / 2) / count if count > 1 else 0.0
    place = {cell: cells.index(cell) + shift for cell in cells}
    figure.add_scatter(
        x=[100 * v for case in one.cases for v in case.values],
        y=[place[case.cell] for case in one.cases for _ in case.values], mode="markers", showlegend=False,
        marker={"color": translucent(style.colour, 0.45), "symbol": style.symbol, "size": 7}, name="each run",
        customdata=[[case.name, n] for case in one.cases for n in range(len(case.values))],
        meta={"x": "accuracy_percent", "y": "row", "more": ["tickets_own", "replicate"]},
        hovertemplate="%{customdata[0]}, run %{customdata[1]}<br><b>%{x:.2f} %</b><extra></extra>")
    known = [case for case in one.cases if np.isfinite(case.accuracy)]
    half = [100 * case.half_width if np.isfinite(case.half_width) else None for case in known]
    figure.add_scatter(
        x=[100 * case.accuracy for case in known], y=[place[case.cell] for case in known], mode="markers",
        name=one.label or "mean with 95% interval",
        marker={"color": style.colour, "symbol": style.symbol, "size": 13},
        error_x={"type": "data", "array": half, "color": style.colour, "thickness": 2.5, "width": 8},
        customdata=[[case.name, len(case.values), h] for case, h in zip(known, half, strict=True)],
        meta={"x": "accuracy_percent", "y": "row", "more": ["tickets_own", "n", "half_width_95"]},
        hovertemplate="%{customdata[0]}: mean of %{customdata[1]}<br><b>%{x:.2f} %</b> ± %{customdata[2]:.2f}"
                      "<extra></extra>")


def _lines(figure: go.Figure, lines: Mapping[str, float]) -> None:
    looks = ((GRAY, "dash"), (VARIANTS["ticket"].colour, "dot"))
    for (name, value), (colour, dash) in zip(lines.items(), looks, strict=False):
        if np.isfinite(value):
            figure.add_vline(x=100 * value, line_color=colour, line_dash=dash, line_width=2)
            figure.add_scatter(x=[None], y=[None], mode="lines", name=f"{name}: {100 * value:.1f} %",
                               line={"color": colour, "dash": dash, "width": 2})
