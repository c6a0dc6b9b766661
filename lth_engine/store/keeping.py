"""Keeping the clean copy of a file that was brought where every question finds it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from lth_engine.core.clean_files import clean_path
from lth_engine.core.errors import BadInput, StoreError
from lth_engine.store.commit import sync_folder, temporary

_PIECE = 1 << 20
"""Bytes that are copied at a time."""


def keep(clean: Path, data_root: Path, sha256: str = "") -> str:
    """Copy a clean file below the data folder, whole or not at all; one that is there already stays.

    Args:
        clean: as the gate wrote it.
        data_root: the folder of data sets.
        sha256: what it must have, if that is known.

    Returns:
        its SHA-256, which questions name it by.

    Raises:
        BadInput: it is gone, or is not the file of that hash.
        StoreError: the copy cannot be written.
    """
    if not clean.is_file():
        raise BadInput("The clean copy of this file is gone. Bring the file again.")
    folder = clean_path(data_root, "0" * 64).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The folder {folder} cannot be made ({error.strerror}). Set LTH_DATA to a folder that can "
                         "be written.") from error
    with temporary(folder / "brought", clean.stat().st_size) as part:
        found = _copied(clean, part)
        if sha256 and found != sha256:
            raise BadInput("The clean copy of this file has changed since it was read. Bring the file again.")
        part.replace(clean_path(data_root, found))
        sync_folder(folder)
    return found


def _copied(source: Path, target: Path) -> str:
    """Copy bytes and hash them on their way."""
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as written:
        while piece := read.read(_PIECE):
            digest.update(piece)
            written.write(piece)
        written.flush()
        os.fsync(written.fileno())
    return digest.hexdigest()
