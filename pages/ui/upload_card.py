"""Reading a card: what the child says about a file, taken as no more than what it should be.

The child reads files of strangers, so a value of another kind than the one expected counts as missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Card = Mapping[str, Any]

SEVERITIES = ("problem", "warning", "note", "good")
"""How bad a finding is, the worst first."""


def text(card: Card, name: str) -> str:
    """A text; "" if there is none."""
    value = card.get(name)
    return value if isinstance(value, str) else ""


def number(card: Card, name: str) -> float | None:
    """A finite number, or None."""
    value = card.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def whole(card: Card, name: str) -> int | None:
    """A whole number, or None."""
    value = number(card, name)
    return int(value) if value is not None and value == int(value) else None


def part(card: Card, name: str) -> Card:
    """A card inside the card; an empty one if there is none."""
    value = card.get(name)
    return value if isinstance(value, Mapping) else {}


def parts(card: Card, name: str) -> list[Card]:
    """The cards of a list."""
    value = card.get(name)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def texts(card: Card, name: str) -> list[str]:
    """The texts of a list."""
    value = card.get(name)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def numbers_of(card: Card, name: str) -> list[float]:
    """The finite numbers of a list, or an empty one if any is missing."""
    value = card.get(name)
    if not isinstance(value, list | tuple):
        return []
    found = [number({"": item}, "") for item in value]
    return [n for n in found if n is not None] if None not in found else []


def status(card: Card) -> str:
    """"read", "refused" or "unreadable"."""
    value = text(card, "status")
    return value if value in ("read", "refused") else "unreadable"


def findings(card: Card) -> list[Card]:
    """What was found, the worst first; one of no known severity counts as a note."""
    found = parts(card, "findings")
    return sorted(found, key=lambda f: SEVERITIES.index(severity(f)))


def severity(finding: Card) -> str:
    """How bad a finding is."""
    value = text(finding, "severity")
    return value if value in SEVERITIES else "note"


def shape_words(shape: object) -> str:
    """A shape as (64, 3, 3, 3) -> "64 × 3 × 3 × 3"; a single number for a scalar."""
    if not isinstance(shape, list | tuple):
        return ""
    return " × ".join(str(n) for n in shape if isinstance(n, int)) or "1"
