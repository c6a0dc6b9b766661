"""Counts, lists and cut files as sentences say them."""

from __future__ import annotations

from collections.abc import Iterable

from lth_engine.core.sizes import number, part


def counted(count: int, what: str) -> str:
    """A count and its noun: "1 tensor", "62 tensors"."""
    return f"{number(count)} {what}{'s' * (count != 1)}"


def some(names: Iterable[str], most: int = 6) -> str:
    """Names by commas, the first few and how many more."""
    all_names = list(names)
    more = f" and {len(all_names) - most} more" if len(all_names) > most else ""
    return ", ".join(all_names[:most]) + more


def early(found: int, wanted: int) -> str:
    """That a file is cut short: bytes found, bytes that it should have."""
    return f"The file stops early ({part(found, wanted)})."
