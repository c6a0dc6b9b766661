"""Short names that keep several searches apart: what they are, and of those that are alike, what differs.

Widgets know their options by these words: whatever can be chosen is named by :func:`title`, which depends on the
search alone, so that a choice and a link survive another search beside it. Figures are named by :func:`apart`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from lth_engine.specs.differences import ABSENT, PHASES, differences
from lth_engine.specs.imported import plain_label
from lth_engine.specs.presets import presets
from lth_engine.specs.questions import TicketSearch
from pages.ui.words import in_words, short_name

MOST = 3
"""Settings that a name tells; more fill the legend, and are told only where fewer do not keep searches apart."""

LONGEST = 24
"""Characters of a setting's value in a name; of a longer one the end, as of a path."""

_TOLD_FIRST = ("batch_size", "lr", "momentum", "scorer", "scope", "flatness", "term", "length")
"""Settings in the order in which a title tells them, by the end of their path; then all others."""


def name(search: TicketSearch) -> str:
    """"First ticket (digits)" of a preset; else "LeNet-300-100, Digits, lrr, seed 0"."""
    return preset_title(search) or short_name(search)


def lettered(searches: Sequence[TicketSearch]) -> list[str]:
    """"A: batch size 100, momentum 0.9", ...: the names of :func:`apart` in the order given, with a letter each."""
    return [f"{chr(ord('A') + index % 26)}: {words}" for index, words in enumerate(apart(searches))]


def apart(searches: Sequence[TicketSearch]) -> list[str]:
    """The names of searches that are shown together, and what tells those apart that have the same one; where all have
    it, only what differs."""
    names, told = [name(search) for search in searches], what_differs(tuple(searches))
    alike = len(set(names)) == 1
    return [words if alike and words else ", ".join(filter(None, (own, words)))
            for own, words in zip(names, told, strict=True)]


@functools.lru_cache(maxsize=32)
def what_differs(searches: tuple[TicketSearch, ...]) -> tuple[str, ...]:
    """Of each search the settings that tell it from the others of its name: "batch size 100, momentum 0.9"; "" of one
    that is alone with its name."""
    alike: dict[str, list[int]] = {}
    for index, search in enumerate(searches):
        alike.setdefault(name(search), []).append(index)
    told = [""] * len(searches)
    for places in alike.values():
        found = differences([searches[place] for place in places])
        for count in range(min(MOST, len(found)), len(found) + 1):
            words = [_said({path: values[column] for path, values in found.items()}, count)
                     for column in range(len(places))]
            if len(set(words)) == len(places):
                break
        for column, place in enumerate(places):
            told[place] = words[column]
    return tuple(told)


@functools.lru_cache(maxsize=4096)
def title(search: TicketSearch) -> str:
    """A search as lists show it, whatever else they hold: what it is, how it was trained, start of its key."""
    if search.search.brought or preset_title(search):
        return f"{preset_title(search) or in_words(search)} · {search.key[:6]}"
    usual = TicketSearch(model=search.model, data=search.data, search=type(search.search)(), levels=search.levels,
                         replicates=search.replicates, controls=search.controls, seed=search.seed)
    found = {path: values[1] for path, values in differences([usual, search]).items()}
    first = {last: place for place, last in enumerate(_TOLD_FIRST)}
    ordered = sorted(found, key=lambda path: first.get(path.rpartition(".")[2], len(first)))
    settings = _said({path: found[path] for path in ordered}, MOST)
    return f"{', '.join(filter(None, (f'{in_words(search)}, seed {search.seed}', settings)))} · {search.key[:6]}"


def preset_title(search: TicketSearch) -> str:
    """The title of the preset that the search is; "" if it is none."""
    return _presets().get(search.key, "")


def _said(settings: Mapping[str, str], most: int) -> str:
    """Settings in words, so many at most."""
    said = [words for path, value in settings.items() if (words := _setting(path, value))]
    return ", ".join(said[:most]) + ", ..." * (len(said) > most)


def _setting(path: str, value: str) -> str:
    """A setting in words; "" of one that the search does not have."""
    first, *others = path.split(".")
    last = path.rpartition(".")[2].replace("_", " ")
    where = f"{first.replace('_', ' ')} " if others and first in PHASES else ""
    if value in ("yes", "no"):
        return f"{where}{'no ' * (value == 'no')}{last}"
    shown = plain_label(value)
    shown = shown if len(shown) <= LONGEST else f"...{shown[-LONGEST:]}"
    return "" if value == ABSENT else f"{where}{last} {shown}"


@functools.cache
def _presets() -> dict[str, str]:
    """Title of each preset by the key of its question."""
    return {preset.question.key: preset.title for preset in presets().values()}
