"""The files of a folder that somebody brought: names and sizes, so many and no more, none from outside of it."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

from lth_engine.core.errors import FileRefused, FileUnreadable

FILES = 20_000
"""Files and folders that are listed at most."""

DEPTH = 16
"""Folders within folders."""


def listed(folder: Path) -> dict[str, int]:
    """Relative path -> bytes of every regular file below a folder; links that lead out of it are passed over.

    Raises:
        FileRefused: there are too many.
        FileUnreadable: the folder cannot be read.
    """
    root = os.path.realpath(folder)
    found: dict[str, int] = {}
    seen, waiting = 0, [("", 0)]
    while waiting:
        inside, depth = waiting.pop()
        try:
            with os.scandir(os.path.join(root, inside)) as scanned:
                entries = list(itertools.islice(scanned, FILES + 1 - seen))
        except OSError as error:
            if not inside:
                raise FileUnreadable(f"The folder cannot be read ({error.strerror}): make it readable and bring it "
                                     "again.") from error
            continue
        seen += len(entries)
        if seen > FILES:
            raise FileRefused(f"Refused: the folder holds more than {FILES:,} files; bring that of one experiment.")
        for entry in sorted(entries, key=lambda entry: entry.name):
            with contextlib.suppress(OSError):  # a file may go while the folder is read
                name = os.path.join(inside, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    if depth < DEPTH:
                        waiting.append((name, depth + 1))
                elif within(root, name) is not None:
                    found[name] = entry.stat().st_size
    return found


def within(root: str | Path, name: str) -> Path | None:
    """The regular file of that name below a folder, or None when there is none or it really lies elsewhere."""
    top = os.path.realpath(root)
    path = os.path.realpath(os.path.join(top, name))
    return Path(path) if os.path.commonpath([top, path]) == top and os.path.isfile(path) else None
