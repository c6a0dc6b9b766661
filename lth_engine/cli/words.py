"""Numbers as people read them, and aligned columns."""

from __future__ import annotations

import time
from collections.abc import Sequence


def duration(seconds: float | None) -> str:
    """3.2 s, 4 min 10 s, 2 h 5 min."""
    if seconds is None:
        return "-"
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60:,} h {minutes % 60} min"


def when(created: float) -> str:
    """A time of day on this machine, 2026-01-31 13:05."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(created))


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Aligned columns, the first `left` of them to the left, the rest to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(w) if i < left else cell.rjust(w)
                  for i, (cell, w) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in lines)


def pairs(values: Sequence[tuple[str, str]]) -> str:
    """One `name  value` a line."""
    width = max((len(name) for name, _ in values), default=0)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in values)
