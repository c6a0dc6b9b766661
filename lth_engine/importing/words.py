"""Sizes and counts as sentences say them: "1.6 KB", "100 GB", "25 000 000 000"."""

from __future__ import annotations

from collections.abc import Iterable


def size(count: int) -> str:
    """Bytes in decimal units, one digit after the point at most."""
    if count < 1000:
        return f"{count} byte{'s' * (count != 1)}"
    value, units = count / 1000, ["KB", "MB", "GB", "TB", "PB", "EB"]
    while value >= 999.95 and len(units) > 1:
        value /= 1000
        del units[0]
    return f"{value:.1f}".removesuffix(".0") + f" {units[0]}"


def number(count: int) -> str:
    """A count with a space between thousands."""
    return f"{count:,}".replace(",", " ")


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
    for power, unit in ((12, "TB"), (9, "GB"), (6, "MB"), (3, "KB")):
        if wanted >= 10 ** power:
            return f"The file stops early ({found / 10 ** power:.1f} of {wanted / 10 ** power:.1f} {unit})."
    return f"The file stops early ({found} of {wanted} bytes)."
