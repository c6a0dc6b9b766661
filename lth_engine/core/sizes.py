"""Sizes and counts in words, decimal as people read them: "1.5 KB", "100 GB", "25 000 000 000"."""

from __future__ import annotations

UNITS = ("bytes", "KB", "MB", "GB", "TB")


def size(amount: float) -> str:
    """A number of bytes: "1 byte", "134 bytes", "1.5 KB", "2 GB"."""
    count = round(amount)
    if count == 1:
        return "1 byte"
    scale = _scale(count)
    return f"{_number(count, scale)} {UNITS[scale]}"


def number(count: int) -> str:
    """A count with a space between thousands: "25 000 000 000"."""
    return f"{count:,}".replace(",", " ")


def stored_values(count: int, stored: int) -> str:
    """How many values lie behind how many: "9 values over 1 stored value"."""
    return f"{number(count)} values over {number(stored)} stored value{'s' * (stored != 1)}"


def part(count: int, of: int) -> str:
    """A part of a size, in the unit of the whole: "1.2 of 4.8 MB"; with digits enough to tell it from all and none."""
    scale = _scale(of)
    plain = (f"{0:.{d}f}" != f"{count / 1000**scale:.{d}f}" != f"{of / 1000**scale:.{d}f}" for d in (1, 2, 3))
    digits = next((d for d, told in enumerate(plain, 1) if told), 6)
    return f"{_number(count, scale, digits)} of {_number(of, scale, digits)} {UNITS[scale]}"


def _scale(count: int) -> int:
    scale = 0
    while count >= 999.95 * 1000**scale * (1 if scale else 1.00005) and scale < len(UNITS) - 1:
        scale += 1
    return scale


def _number(count: int, scale: int, digits: int = 1) -> str:
    if not scale:
        return str(count)
    text = f"{count / 1000**scale:,.{digits}f}"
    return text.rstrip("0").rstrip(".")
