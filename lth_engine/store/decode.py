"""HDF5 datasets back to arrays; the inverse of `encode`."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from h5py import h5, h5a, h5d, h5o, h5s

from lth_engine.core.artifact import Array
from lth_engine.store.encode import BITS, KEPT


class Decoder:
    """Reads arrays of one open file; a mask that several arrays share is unpacked once."""

    def __init__(self, file: h5py.File) -> None:
        self._file, self._root = file, file.id
        self._bits: dict[str, Array] = {}

    def paths(self, prefix: str = "") -> list[str]:
        """Paths of all arrays below `prefix`, in the order in which they were written."""
        found: list[str] = []
        start = prefix.strip("/")
        if start and not isinstance(self._file.get(start), h5py.Group):
            return found
        top = h5o.open(self._root, start.encode()) if start else self._root

        def note(name: bytes) -> None:
            if isinstance(h5o.open(top, name), h5d.DatasetID):
                found.append(f"{start}/{name.decode()}" if start else name.decode())

        h5o.visit(top, note, idx_type=h5.INDEX_CRT_ORDER)
        return found

    def array(self, path: str) -> Array:
        """The array at a path, decoded. Raises whatever HDF5 raises on a damaged file."""
        if path in self._bits:
            return self._bits[path]
        dataset = h5d.open(self._root, path.encode())
        raw = _values(dataset)
        if not h5a.exists(dataset, b"encoding"):
            return raw
        encoding = get_text(dataset, "encoding")
        shape = tuple(int(n) for n in get_value(dataset, "shape"))
        if encoding == BITS:
            count = int(np.prod(shape, dtype=np.int64))
            self._bits[path] = np.unpackbits(raw, count=count).view(np.bool_).reshape(shape)
            return self._bits[path]
        if encoding == KEPT:
            whole = np.zeros(shape, raw.dtype)
            whole[self.array(get_text(dataset, "mask"))] = raw
            return whole
        raise ValueError(f"{path} has the unknown encoding {encoding}")


def get_value(owner: Any, name: str) -> Array:
    """An attribute as an array."""
    attribute = h5a.open(owner, name.encode())
    value: Array = np.empty(attribute.shape, attribute.dtype)
    if value.size:
        attribute.read(value)
    return value


def get_text(owner: Any, name: str) -> str:
    """A text attribute."""
    return bytes(get_value(owner, name)[()]).decode()


def _values(dataset: Any) -> Array:
    values: Array = np.empty(dataset.shape, np.dtype(dataset.dtype.str))  # without h5py's string metadata
    if values.size:
        dataset.read(h5s.ALL, h5s.ALL, values)
    return values
