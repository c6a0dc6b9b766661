"""A bundle: many artifacts in one self-contained HDF5 file, copied with their filters and attributes."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lth_engine.core.errors import BadInput
from lth_engine.store.commit import sync_folder, temporary
from lth_engine.store.encode import set_text, set_value
from lth_engine.store.layout import SCHEMA_VERSION
from lth_engine.store.writer import LIBRARY_VERSIONS

SPARE_BYTES = 16 << 20


def write_bundle(files: Mapping[str, Path], dest: Path) -> None:
    """Copy artifact files into the new file `dest`, each as a group named by its key.

    The space is reserved first, because HDF5 crashes the process when it meets a full disk.

    Raises:
        BadInput: `dest` exists or its folder does not.
        StoreError: the disk is full or cannot be written.
    """
    if dest.exists():
        raise BadInput(f"{dest} exists already. Choose another name.")
    if not dest.parent.is_dir():
        raise BadInput(f"The folder {dest.parent} does not exist. Make it, or choose another.")
    size = sum(path.stat().st_size for path in files.values())
    with temporary(dest, size) as temp:
        with _Reserved(temp, size + size // 50 + SPARE_BYTES) as out:
            _copy(files, out)
            os.ftruncate(out.fileno(), out.end)
            os.fsync(out.fileno())
        temp.replace(dest)
        sync_folder(dest.parent)


class _Reserved(io.FileIO):
    """A new file whose space is taken beforehand; it looks as long as what was written to it."""

    def __init__(self, path: Path, size: int) -> None:
        super().__init__(path, "x+")
        self.end = 0
        try:
            os.posix_fallocate(self.fileno(), 0, size)
        except BaseException:
            self.close()
            raise

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence == os.SEEK_END:
            return super().seek(self.end + offset)
        return super().seek(offset, whence)

    def write(self, content: Any, /) -> int:
        count = super().write(content)
        self.end = max(self.end, self.tell())
        return count

    def truncate(self, size: int | None = None, /) -> int:
        self.end = self.tell() if size is None else size
        return self.end


def _copy(files: Mapping[str, Path], out: _Reserved) -> None:
    with h5py.File(out, "w", libver=LIBRARY_VERSIONS, track_order=True) as bundle:
        set_value(bundle.id, "schema_version", np.array(SCHEMA_VERSION))
        set_text(bundle.id, "kind", "bundle")
        for key, path in files.items():
            with path.open("rb") as raw, h5py.File(raw, "r") as source:
                source.copy(source["/"], bundle, key)
