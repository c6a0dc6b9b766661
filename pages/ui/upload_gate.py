"""The gate as the page uses it: a folder of one's own, reading a file, asking about what was read."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LARGEST = 200_000_000


class Folder:
    """A private folder for one visitor."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="brought-"))
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def new(self, suffix: str) -> Path:
        """A new random name."""
        return self.path / f"{uuid.uuid4().hex}.{suffix}"

    def delete(self, path: Path) -> None:
        """Delete a file of the folder; another one stays."""
        if path.parent == self.path:
            path.unlink(missing_ok=True)


def folder() -> Folder:
    """A private folder that goes with the visitor."""
    return Folder()


def largest() -> int:
    """Bytes that a file may have."""
    return LARGEST


def warm() -> None:
    """Start the server of child processes in the background."""


def read(path: Path, name: str, clean: Path, arguments: Mapping[str, Any]) -> tuple[Mapping[str, Any], Path | None]:
    """The card of a file, and where its clean copy lies."""
    raise NotImplementedError


def ask(entry: str, files: Sequence[Path], arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer to a later question about clean files."""
    raise NotImplementedError


