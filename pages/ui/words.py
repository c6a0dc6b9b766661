"""Numbers and questions in words, the same on every page."""

from __future__ import annotations

import re
import time

from lth_engine.core.spec import Spec
from lth_engine.specs.imported import Imported
from lth_engine.specs.questions import Price, TicketSearch

_MARKUP = re.compile(r"[\\`*_{}\[\]<>#$~|!&]|:(?=\w)")
_NAME = re.compile(r"`[A-Za-z_][\w.]*`[.,;:]?", re.ASCII)
_MADE_ANYWAY = re.compile(r"://|www\.|@|:[\w+/-]+:", re.IGNORECASE)
"""Addresses and names of symbols: drawn as links and symbols even where their marks are escaped."""


def literal(text: object) -> str:
    """Text that somebody typed, for a place that draws markdown: it appears as it is.

    Marks are escaped; a word that escaping does not help becomes a code span. White space is one space.
    """
    words = str(text).encode("utf-8", "replace").decode().split()
    return " ".join(_code(word) if _MADE_ANYWAY.search(word) else _MARKUP.sub(r"\\\g<0>", word) for word in words)


def with_code(text: object) -> str:
    """A sentence that may quote a name of Python in backticks: that is drawn as code, all else as it is."""
    return " ".join(word if _NAME.fullmatch(word) else literal(word) for word in str(text).split())


def _code(word: str) -> str:
    runs = [len(run) for run in re.findall("`+", word)]
    return f"`{word}`" if not runs else f"{'`' * (max(runs) + 1)} {word} {'`' * (max(runs) + 1)}"


def duration(seconds: float) -> str:
    """"8 s", "2 min 5 s", "3 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if whole or seconds == 0 else f"{seconds:.2g} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def many(count: float, unit: str = "") -> str:
    """A large number with its prefix: "1.2 T" + unit."""
    for prefix in ("", "k", "M", "G", "T", "P"):
        if count < 1000:
            return f"{count:.3g} {prefix}{unit}"
        count /= 1000
    return f"{count:.3g} E{unit}"


def percent(fraction: float, digits: int = 3) -> str:
    """A fraction as per cent: 0.107 -> "10.7 %"."""
    return f"{100 * fraction:.{digits}g} %"


def when(unix: float) -> str:
    """Local date and time, or only the time if it is today."""
    then, now = time.localtime(unix), time.localtime()
    return time.strftime("%H:%M:%S" if then[:3] == now[:3] else "%Y-%m-%d %H:%M", then)


def in_words(question: Spec) -> str:
    """A question in one line."""
    if isinstance(question, TicketSearch):
        if isinstance(question.search, Imported):
            return f"{short_name(question)}, {_extent(question)}"
        how = question.search.title or question.search.name
        return (f"{question.model.label} on {question.data.title}, {how}, {counted(question.levels, 'level')}, "
                f"{counted(question.replicates, 'replicate')}")
    if isinstance(question, Price):
        return "Price of: " + in_words(question.of)
    return question.title or question.name


def _extent(search: TicketSearch) -> str:
    """How much was brought."""
    levels = counted(search.levels, "level") if search.levels else "dense"
    return levels if search.replicates == 1 else f"{levels}, {counted(search.replicates, 'replicate')}"


def counted(count: int, word: str) -> str:
    """"1 level", "10 levels"."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def short_name(question: TicketSearch) -> str:
    """A search in a few words, for legends and lists."""
    if isinstance(question.search, Imported):
        name = question.search.label
        return f"{name + ', ' if name else ''}brought, {question.model.label}, {question.data.title}"
    return f"{question.model.label}, {question.data.title}, {question.search.name}, seed {question.seed}"
