"""The text tables that come with image sets: one row a line, fields separated by white space or tabs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lth_engine.core.errors import MissingData

Row = TypeVar("Row")


def table(text: bytes, where: Path, fields: int, row: Callable[..., Row]) -> list[Row]:
    """Each line that is not empty, as `row` of its first fields makes it.

    Args:
        text: of the file, UTF-8.
        where: the file, for messages.
        fields: number of fields that `row` takes; a line with fewer is refused, more are passed over.
        row: may raise ValueError or KeyError.

    Raises:
        MissingData: a line that cannot be read; the text says which.
    """
    rows = []
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), 1):
        parts = line.split("\t") if "\t" in line else line.split()
        if not line.strip():
            continue
        try:
            if len(parts) < fields:
                raise ValueError(f"{len(parts)} fields in the place of {fields}")
            rows.append(row(*parts[:fields]))
        except (ValueError, KeyError) as error:
            raise MissingData(f"Line {number} of {where} cannot be read ({error}): unpack the published archive "
                              "again.") from error
    return rows
