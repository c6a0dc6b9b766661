"""What a hostile file is: how it is made, and how it must be answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """A file that somebody could upload.

    Attributes:
        make: (folder, marker) -> the file, made in the folder; a payload would create the marker.
        kind: of the file as the gate calls it; "" for what is of no kind that is read.
        status: "read", "refused" or "unreadable".
        words: parts of the reason, whoever refuses: the gate or the reader.
        seconds: it must be answered within.
        slow: making it takes more than two seconds.
    """

    make: Callable[[Path, Path], Path]
    kind: str
    status: str
    words: tuple[str, ...] = ()
    seconds: float = 5.0
    slow: bool = False


def written(folder: Path, name: str, content: bytes) -> Path:
    """A file of these bytes."""
    path = folder / name
    path.write_bytes(content)
    return path
