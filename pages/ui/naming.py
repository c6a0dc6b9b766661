"""Short names that keep several searches apart: a letter each, and the preset's title where it is one."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from lth_engine.specs.presets import presets
from lth_engine.specs.questions import TicketSearch
from pages.ui.words import short_name


def lettered(searches: Sequence[TicketSearch]) -> list[str]:
    """"A: First ticket (digits)", "B: LeNet-300-100, Digits, lrr, seed 0", ... in the order given."""
    return [f"{chr(ord('A') + index % 26)}: {preset_title(search) or short_name(search)}"
            for index, search in enumerate(searches)]


def preset_title(search: TicketSearch) -> str:
    """The title of the preset that the search is; "" if it is none."""
    return _presets().get(search.key, "")


@functools.cache
def _presets() -> dict[str, str]:
    """Title of each preset by the key of its question."""
    return {preset.question.key: preset.title for preset in presets().values()}
