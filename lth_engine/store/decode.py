"""HDF5 datasets back to arrays; the inverse of `encode`."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from h5py import h5, h5a, h5d, h5g, h5o, h5s

from lth_engine.core.artifact import Array
from lth_engine.store.encode import BITS, KEPT


class Decoder:
    """Reads arrays of one open file; a mask that several arrays share is unpacked once."""

    def __init__(self, file: h5py.File) -> None:
        self._root = h5g.open(file.id, b"/")
        self._fileno = h5o.get_info(self._root).fileno
        self._bits: dict[str, Array] = {}
        self._datasets: dict[str, Any] = {}

    def paths(self, prefix: str = "") -> list[str]:
        """Paths of all arrays below `prefix`, in the order in which they were written."""
        found: list[str] = []
        start = prefix.strip("/")
        top = self._group(start)
        if top is None:
            return found

        def note(name: bytes) -> None:
            item = h5o.open(top, name)
            if isinstance(item, h5d.DatasetID):
                path = f"{start}/{name.decode()}" if start else name.decode()
                self._datasets[path] = item
                found.append(path)

        h5o.visit(top, note, idx_type=h5.INDEX_CRT_ORDER)
        return found

    def array(self, path: str) -> Array:
        """The array at a path, decoded. Raises whatever HDF5 raises on a damaged file."""
        if path in self._bits:
            return self._bits[path]
        dataset = self._datasets.get(path) or h5d.open(self._root, path.encode())
        if not self._own(dataset):
            raise ValueError(f"{path} keeps its data in another file")
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

    def _own(self, dataset: Any) -> bool:
        """Whether the values lie in this very file: no external link, external storage or virtual data set, by which a
        stored file of somebody else could show what lies elsewhere on this machine."""
        layout = dataset.get_create_plist()
        return (h5o.get_info(dataset).fileno == self._fileno and not layout.get_external_count()
                and layout.get_layout() != h5d.VIRTUAL)

    def _group(self, path: str) -> Any:
        """The group at a path, None if there is none. (File.get says None on damage, too.)"""
        at = self._root
        for name in filter(None, path.encode().split(b"/")):
            if not at.links.exists(name):
                return None
            at = h5o.open(at, name)
            if not isinstance(at, h5g.GroupID):
                return None
        return at


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
    kind = dataset.get_type()
    values: Array = np.empty(dataset.shape, np.dtype(kind.dtype.str))  # without h5py's string metadata
    if values.size:
        dataset.read(h5s.ALL, h5s.ALL, values, kind)
    return values
