"""Numbers with their error, and beside each what it means: assets/explained/NAME.md in a pop-over."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.ui.frame import ROOT

FOLDER = ROOT / "assets" / "explained"


@dataclass(frozen=True)
class Number:
    """A number as a page shows it.

    Attributes:
        label: what it is.
        value: the number with its error and unit, as :func:`with_error` writes it.
        explained: name of its text in assets/explained; none if empty.
        note: a line below it, such as its interval.
    """

    label: str
    value: str
    explained: str = ""
    note: str = ""


def numbers(shown: Sequence[Number], key: str, columns: int = 4) -> None:
    """A grid of numbers.

    Args:
        shown: what to draw.
        key: prefix of the widgets' keys, unique on the page.
        columns: numbers side by side where there is room.
    """
    with st.grid(columns, min_column_width=165):
        for index, number in enumerate(shown):
            with st.container(border=True, gap="xxsmall"):
                if number.explained:
                    explained(number.explained, f"{key}.{index}", number.label)
                else:
                    st.markdown(number.label)
                st.subheader(number.value, anchor=False)
                if number.note:
                    st.caption(number.note)


def explained(name: str, key: str, label: str = "") -> None:
    """A pop-over that explains a number: formula, unit, range, when not to believe it, source.

    Args:
        name: of its text in assets/explained.
        key: prefix of the widget's key.
        label: what is clicked, beside the question mark.
    """
    with st.popover(label, icon=":material/help:", type="tertiary", key=f"{key}.{name}.explained",
                    help="What this number means, and when not to believe it"):
        st.markdown(text_of(name))


def glossary(words: Mapping[str, str], key: str) -> None:
    """A row of pop-overs below a table or a figure, one a word.

    Args:
        words: word -> name of its text in assets/explained.
        key: prefix of the widgets' keys, unique on the page.
    """
    with st.container(horizontal=True, gap="small"):
        for word, name in words.items():
            explained(name, key, word)


@functools.cache
def text_of(name: str) -> str:
    """The text assets/explained/NAME.md."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def with_error(value: float, error: float | None = None, unit: str = "", digits: int = 3) -> str:
    """A value rounded to its error: (704.3, 12.4) -> "704 ± 12", with an error of two digits.

    Without an error (None, not finite or 0) the value has `digits` digits.
    """
    end = f" {unit}" if unit else ""
    if not math.isfinite(value):
        return "unknown"
    if error is None or not math.isfinite(error) or error <= 0:
        return _plain(value, digits) + end
    places = 1 - math.floor(math.log10(error))
    if abs(value) >= 1e6 or places > 6:
        return f"{value:.{digits}g} ± {error:.2g}{end}"
    places = max(0, places)
    return f"{_rounded(value, places)} ± {error:,.{places}f}{end}"


def between(low: float, high: float, unit: str = "", what: str = "95 % interval") -> str:
    """"95 % interval 1.2 to 3.4 points"; the digits suit the width."""
    width = abs(high - low)
    places = max(0, min(6, 1 - math.floor(math.log10(width)))) if width > 0 else 2
    return f"{what} {_rounded(low, places)} to {_rounded(high, places)}" + (f" {unit}" if unit else "")


def _rounded(value: float, places: int) -> str:
    return f"{round(value, places) + 0.0:,.{places}f}"  # + 0.0: no minus before a zero


def _plain(value: float, digits: int) -> str:
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
        return f"{value:,.{places}f}"
    return f"{value:.{digits}g}"
