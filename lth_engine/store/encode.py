"""Arrays to HDF5 datasets that any HDF5 reader shows, with checksums over every byte.

Three encodings, named by the dataset's attribute `encoding`:
  none    the array as it is, in its own shape;
  "bits"  a boolean array as packed bits (numpy.packbits), its shape in the attribute `shape`;
  "kept"  of a pruned array the values that its mask keeps, in C order; attributes `shape`, `mask`.
Small datasets lie in their object header, whose checksum covers them; larger ones are chunked
(1 MiB at most) with fletcher32, masks also with gzip.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5p, h5s, h5t

from lth_engine.core.artifact import Array
from lth_engine.core.errors import StoreError

SMALL_BYTES = 4096
CHUNK_BYTES = 1 << 20
BITS, KEPT = "bits", "kept"

_STORABLE = "biufcS"


def check_arrays(arrays: Mapping[str, Array]) -> None:
    """Refuse what HDF5 cannot hold.

    Raises:
        StoreError: the type of an array, or a path.
    """
    for path, array in arrays.items():
        parts = path.split("/")
        if not all(parts) or "." in parts or ".." in parts or "\0" in path:
            raise StoreError(f'An array needs a path like "mask/fc1.weight". Got {path!r}.')
        for end in range(1, len(parts)):
            if "/".join(parts[:end]) in arrays:
                raise StoreError(f"{'/'.join(parts[:end])} cannot be both an array and the folder of {path}. "
                                 "Rename one.")
        if array.dtype.kind not in _STORABLE:
            raise StoreError(f"{path} has the type {array.dtype}, which HDF5 cannot hold. "
                             "Give numbers, booleans or bytes (text_array for names).")


def write_arrays(file: h5py.File, arrays: Mapping[str, Array], sparse: Mapping[str, str]) -> None:
    """Write arrays by path; those in `sparse` as the values kept by the mask at the path given there.

    Call :func:`check_arrays` first.

    Raises:
        StoreError: a sparse array that its mask does not cover.
    """
    for path in sparse:
        if path not in arrays:
            raise StoreError(f"{path} is declared sparse but is no array of the answer. Add it or drop the entry.")
    encoder = _Encoder(file)
    for path, array in arrays.items():
        array = np.asarray(array, order="C")
        if path in sparse:
            mask = _mask_of(path, array, sparse[path], arrays)
            dataset = encoder.write(path, array[mask])
            _describe(dataset, KEPT, array.shape)
            set_text(dataset, "mask", sparse[path])
        elif array.dtype == np.bool_:
            dataset = encoder.write(path, np.packbits(array), squeeze=True)
            _describe(dataset, BITS, array.shape)
        else:
            encoder.write(path, array)


def set_text(owner: Any, name: str, text: str) -> None:
    """An attribute of fixed length (UTF-8 bytes), which is covered by the header's checksum."""
    raw = text.encode()
    set_value(owner, name, np.array(raw, dtype=h5py.string_dtype("utf-8", max(1, len(raw)))))


def set_value(owner: Any, name: str, value: Array) -> None:
    """An attribute that holds an array."""
    space = h5s.create(h5s.SCALAR) if value.shape == () else h5s.create_simple(value.shape)
    attribute = h5a.create(owner, name.encode(), h5t.py_create(value.dtype, logical=True), space)
    if value.size:
        attribute.write(value)


def chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Chunks of at most 1 MiB that are whole rows where possible and waste little at the edge."""
    chunk = list(shape)
    for axis in range(len(shape)):
        rest = itemsize * int(np.prod(chunk[axis + 1:], dtype=np.int64))
        most = max(1, CHUNK_BYTES // rest)
        pieces = -(-shape[axis] // most)
        chunk[axis] = -(-shape[axis] // pieces)
        if most > 1 or rest <= CHUNK_BYTES:
            break
    return tuple(chunk)


def _mask_of(path: str, array: Array, mask_path: str, arrays: Mapping[str, Array]) -> Array:
    mask = np.asarray(arrays[mask_path]) if mask_path in arrays else None
    if mask is None or mask.dtype != np.bool_ or mask.shape != array.shape or array.dtype.kind != "f":
        raise StoreError(f"{path} is declared sparse under {mask_path}, which must be a boolean array of its shape "
                         f"{array.shape} beside it, and itself be a float array. Store it whole instead.")
    if array[~mask].view(np.uint8).any():  # the bytes, so that -0.0 and NaN count too
        raise StoreError(f"{path} is not exactly 0 (-0.0 counts as a value) everywhere outside its mask {mask_path}. "
                         "Set it with where(mask, weight, 0) first, or store it whole.")
    return mask


class _Encoder:
    """Makes datasets in one file; HDF5's own objects are made once and used for all of them."""

    def __init__(self, file: h5py.File) -> None:
        self._groups: dict[str, Any] = {"": file.id}
        self._types: dict[np.dtype[Any], Any] = {}
        self._spaces: dict[tuple[int, ...], Any] = {(): h5s.create(h5s.SCALAR)}
        self._small = h5p.create(h5p.DATASET_CREATE)
        self._small.set_obj_track_times(False)
        self._small.set_layout(h5d.COMPACT)

    def write(self, path: str, array: Array, *, squeeze: bool = False) -> Any:
        """A dataset at a path; `squeeze` compresses it if it is large."""
        parent, _, name = path.rpartition("/")
        if array.dtype not in self._types:
            self._types[array.dtype] = h5t.py_create(array.dtype, logical=True)
        if array.shape not in self._spaces:
            self._spaces[array.shape] = h5s.create_simple(array.shape)
        settings = self._small if array.nbytes < SMALL_BYTES else _chunked(array, squeeze)
        kind, space = self._types[array.dtype], self._spaces[array.shape]
        dataset = h5d.create(self._group(parent), name.encode(), kind, space, settings)
        if array.size:
            dataset.write(h5s.ALL, h5s.ALL, array, kind)
        return dataset

    def _group(self, path: str) -> Any:
        if path not in self._groups:
            parent, _, name = path.rpartition("/")
            tracked = h5p.create(h5p.GROUP_CREATE)
            tracked.set_link_creation_order(h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED)
            self._groups[path] = h5g.create(self._group(parent), name.encode(), gcpl=tracked)
        return self._groups[path]


def _chunked(array: Array, squeeze: bool) -> Any:
    settings = h5p.create(h5p.DATASET_CREATE)
    settings.set_obj_track_times(False)
    settings.set_chunk(chunk_shape(array.shape, array.itemsize))
    settings.set_fill_time(h5d.FILL_TIME_NEVER)
    if squeeze:
        settings.set_deflate(1)
    settings.set_fletcher32()
    return settings


def _describe(dataset: Any, encoding: str, shape: tuple[int, ...]) -> None:
    set_text(dataset, "encoding", encoding)
    set_value(dataset, "shape", np.array(shape, dtype=np.int64))
