"""One line of a list: what is known of an artifact without opening its arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lth_engine.core.artifact import Scalar


@dataclass(frozen=True)
class Row:
    """An artifact as lists show it. Rows are shared between callers: do not change their dicts.

    Attributes:
        key, kind, spec, summary: as in :class:`lth_engine.core.artifact.Artifact`.
        created: seconds since 1970 (UTC).
        seconds: wall clock of this answer alone.
        bytes: size of its file.
        device: what it was computed on.
    """

    key: str
    kind: str
    spec: dict[str, Any]
    summary: dict[str, Scalar]
    created: float
    seconds: float
    bytes: int
    device: str


Rows = list[Row]
"""Rows in order (the word list is a method of those who return them)."""
