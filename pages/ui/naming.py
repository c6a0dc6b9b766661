"""Short names that keep several searches apart: what they are, and of those that are alike, what differs."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

from lth_engine.specs.differences import ABSENT, PHASES, differences
from lth_engine.specs.imported import plain_label
from lth_engine.specs.presets import presets
from lth_engine.specs.questions import TicketSearch
from pages.ui.words import in_words, short_name

MOST = 3
"""Settings that a name tells; more fill the legend."""

LONGEST = 24
"""Characters of a setting's value in a name; of a longer one the end, as of a path."""


def lettered(searches: Sequence[TicketSearch]) -> list[str]:
    """"A: First ticket (digits)", "B: LeNet-300-100, Digits, lrr, seed 0", ... in the order given. Where all have the
    same name, only what differs: "A: batch size 100, momentum 0.9"."""
    names, apart = [_name(search) for search in searches], what_differs(tuple(searches))
    alike = len(set(names)) == 1
    told = [words if alike and words else ", ".join(filter(None, (name, words)))
            for name, words in zip(names, apart, strict=True)]
    return [f"{chr(ord('A') + index % 26)}: {name}" for index, name in enumerate(told)]


def listed(searches: Iterable[TicketSearch]) -> dict[str, str]:
    """Searches as a list shows them, by key: what they are, what tells those apart that are alike, start of key."""
    them = tuple(searches)
    return {search.key: f"{', '.join(filter(None, (_long_name(search), apart)))} · {search.key[:6]}"
            for search, apart in zip(them, what_differs(them), strict=True)}


@functools.lru_cache(maxsize=32)
def what_differs(searches: tuple[TicketSearch, ...]) -> tuple[str, ...]:
    """Of each search the settings that tell it from the others of its name: "batch size 100, momentum 0.9"; "" of one
    that is alone with its name."""
    alike: dict[str, list[int]] = {}
    for index, search in enumerate(searches):
        alike.setdefault(_name(search), []).append(index)
    told = [""] * len(searches)
    for places in alike.values():
        found = differences([searches[place] for place in places])
        for column, place in enumerate(places):
            said = [words for path, values in found.items() if (words := _said(path, values[column]))]
            told[place] = ", ".join(said[:MOST]) + ", ..." * (len(said) > MOST)
    return tuple(told)


def preset_title(search: TicketSearch) -> str:
    """The title of the preset that the search is; "" if it is none."""
    return _presets().get(search.key, "")


def _name(search: TicketSearch) -> str:
    return preset_title(search) or short_name(search)


def _long_name(search: TicketSearch) -> str:
    seed = "" if search.search.brought else f", seed {search.seed}"
    return preset_title(search) or f"{in_words(search)}{seed}"


def _said(path: str, value: str) -> str:
    """A setting in words; "" of one that the search does not have."""
    first, *others = path.split(".")
    name = path.rpartition(".")[2].replace("_", " ")
    where = f"{first.replace('_', ' ')} " if others and first in PHASES else ""
    if value in ("yes", "no"):
        return f"{where}{'no ' * (value == 'no')}{name}"
    return "" if value == ABSENT else f"{where}{name} {plain_label(value)[-LONGEST:]}"


@functools.cache
def _presets() -> dict[str, str]:
    """Title of each preset by the key of its question."""
    return {preset.question.key: preset.title for preset in presets().values()}
