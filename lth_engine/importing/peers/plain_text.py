"""Text that other programs leave beside their weights, read under strict bounds: nothing of it is trusted."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping

TEXT_BYTES = 4_000_000
"""The longest text file that is read."""

LINES = 100_000
"""Lines that are looked at."""

ENTRIES = 300
"""Settings that are kept."""

WORDS = 200
"""Characters of a name or a value that are kept."""

DEPTH = 8
"""How deep settings are followed into one another."""

COLUMNS = 50
"""Columns of a table that are looked at."""


def decoded(data: bytes) -> str:
    """Bytes as text; what is not UTF-8 becomes a replacement character."""
    return data[:TEXT_BYTES].decode("utf-8", errors="replace").removeprefix("\ufeff")


def lines(text: str) -> Iterator[str]:
    """The lines that are not empty."""
    for index, line in enumerate(text.splitlines()):
        if index >= LINES:
            return
        if line.strip():
            yield line


def clean(value: object) -> str:
    """A value as short printable text."""
    words = "".join(c if c.isprintable() else " " for c in str(value)[:4 * WORDS]).strip()
    return words if len(words) <= WORDS else words[:WORDS - 3] + "..."


def entry(found: dict[str, str], name: str, value: object) -> None:
    """Keep one setting, if there is room."""
    if len(found) < ENTRIES and (key := clean(name)):
        found.setdefault(key, clean(value))


def number(text: str) -> float | None:
    """The number that a text is, or None; NaN and infinities are none."""
    if len(text) > 64:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def json_value(text: str) -> object:
    """The value of a JSON text, or None where it is none."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def flat(value: object) -> dict[str, str]:
    """Settings nested in mappings as "outer.inner" -> text; lists of plain values as text with commas."""
    found: dict[str, str] = {}
    waiting: list[tuple[str, object, int]] = [("", value, 0)]
    while waiting and len(found) < ENTRIES:
        name, here, depth = waiting.pop(0)
        if isinstance(here, Mapping):
            if depth < DEPTH:
                inside = list(here.items())[:ENTRIES]
                waiting += [(f"{name}.{key}" if name else str(key), v, depth + 1) for key, v in inside]
        elif isinstance(here, list):
            entry(found, name, ", ".join(clean(v) for v in here[:ENTRIES] if not isinstance(v, (Mapping, list))))
        elif name:
            entry(found, name, here)
    return found


def yaml_settings(text: str) -> dict[str, str]:
    """Settings of a plain YAML file (mappings by indentation, lists of plain values) as "outer.inner" -> text.

    Anchors, tags, blocks of text and all else of YAML are left as the text that they are.
    """
    found: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    listed: dict[str, list[str]] = {}
    for line in lines(text):
        bare = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        if bare.startswith(("#", "---", "...")):
            continue
        if bare.startswith("- "):
            while above and above[-1][0] > indent:
                above.pop()
            if above and len(listed) < ENTRIES:
                listed.setdefault(_path(above), []).append(_plain(bare[2:]))
            continue
        while above and above[-1][0] >= indent:
            above.pop()
        name, colon, value = bare.partition(":")
        if not colon or len(above) >= DEPTH:
            continue
        above.append((indent, clean(_plain(name))))
        if _plain(value):
            entry(found, _path(above), _plain(value))
    for name, values in listed.items():
        entry(found, name, ", ".join(values[:ENTRIES]))
    return found


def _path(above: list[tuple[int, str]]) -> str:
    return ".".join(name for _, name in above)


def _plain(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def table(text: str, separator: str = ",") -> dict[str, tuple[float, ...]]:
    """Columns of a table with a header, NaN where a cell holds no number; columns without any number are left out.

    A last line that was cut short is passed over.
    """
    rows = lines(text)
    header = [clean(name) for name in next(rows, "").rstrip(separator).split(separator)[:COLUMNS]]
    columns: list[list[float]] = [[] for _ in header]
    for row in rows:
        cells = row.rstrip("\r\n").split(separator, COLUMNS)
        if len(cells) < len(header):
            continue
        for column, cell in zip(columns, cells, strict=False):
            value = number(cell.strip())
            column.append(math.nan if value is None else value)
    return {name: tuple(column) for name, column in zip(header, columns, strict=True)
            if name and any(value == value for value in column)}
