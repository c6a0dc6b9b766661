"""Images and labels of an .npz file: x and y, and x_test and y_test where it has them."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput
from lth_engine.data.image_source import member_errors, open_zip
from lth_engine.data.raw import Raw

MAX_CLASSES = 10_000
"""A larger label is taken for a mistake."""

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npz(path: Path) -> Raw:
    """The arrays as N x C x H x W and labels 0..K-1. Nothing in the file is run.

    x is uint8: N x H x W, N x H x W x C or N x C x H x W with 1 or 3 channels (where both of the
    last two fit, the channels are last). y holds whole numbers, 0 to the number of classes less 1.

    Raises:
        BadInput: an array is missing, of another type or shape, or does not fit the others.
    """
    with open_zip(path) as archive:
        members = _members(archive)
        for name in ("x", "y"):
            if name not in members:
                raise BadInput(f"{path} has no array {name!r} (it has {', '.join(sorted(members)) or 'none'}): save "
                               "it with numpy.savez(path, x=images, y=labels).")
        if ("x_test" in members) != ("y_test" in members):
            raise BadInput(f"{path} has one of x_test and y_test: save both or neither.")
        x, y = (_array(archive, members[name], path) for name in ("x", "y"))
        tested = [_array(archive, members[name], path) for name in ("x_test", "y_test") if name in members]
    raw = Raw(_images(x, "x", path), _labels(y, len(x), "y", path), None, None, ())
    classes = _classes(raw.train_y, path)
    if not tested:
        return Raw(raw.train_x, raw.train_y, None, None, classes)
    test_x, test_y = _images(tested[0], "x_test", path), _labels(tested[1], len(tested[0]), "y_test", path)
    if test_x.shape[1:] != raw.train_x.shape[1:]:
        raise BadInput(f"The images of x and x_test in {path} differ ({_size(raw.train_x)} and {_size(test_x)}): save "
                       "both with one size and number of channels.")
    if not np.array_equal(np.unique(test_y), np.arange(len(classes))):
        raise BadInput(f"The labels in y_test of {path} are not those in y (0 to {len(classes) - 1}): give both parts "
                       "images of every class.")
    return Raw(raw.train_x, raw.train_y, test_x, test_y, classes)


def npz_arrays(path: Path, names: tuple[str, ...]) -> dict[str, Array]:
    """Those of the arrays with these names that an .npz has, as they are stored. Nothing in the file is run.

    Raises:
        BadInput: it is no zip, or an array holds objects, is damaged, or is not as large as it says.
    """
    with open_zip(path) as archive:
        members = _members(archive)
        return {name: _array(archive, members[name], path) for name in names if name in members}


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    return {info.filename.removesuffix(".npy"): info for info in archive.infolist()}


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Array:
    """One array, after its header was held against what is stored."""
    what = f"Array {member.filename.removesuffix('.npy')!r} of {path}"
    with member_errors(path, member.filename):
        with archive.open(member) as file:
            shape, dtype = _header(file, what)
            stored = member.file_size - file.tell()
        if dtype.hasobject:
            raise BadInput(f"{what} holds Python objects, which are never loaded: save it as numbers (uint8 images of "
                           "one size, integer labels).")
        if math.prod(shape) * dtype.itemsize != stored:
            raise BadInput(f"{what} describes {math.prod(shape) * dtype.itemsize:,} bytes and stores {stored:,}: save "
                           "the file again.")
        with archive.open(member) as file:
            return np.lib.format.read_array(file, allow_pickle=False)


def _header(file: IO[bytes], what: str) -> tuple[tuple[int, ...], np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise BadInput(f"{what} is written in a format that only records need: save it as plain numbers.")
        shape, _, dtype = _HEADERS[version](file)
    except BadInput:
        raise
    except Exception as error:  # numpy reads a header with Python's tokenizer and lets its errors through
        raise BadInput(f"{what} has a damaged header ({error}): save the file again.") from error
    return shape, dtype


def _images(x: Array, name: str, path: Path) -> Array:
    if x.dtype != np.uint8:
        raise BadInput(f"{name} of {path} must be uint8 with pixels from 0 to 255. Got {x.dtype}; scale and "
                       "convert it.")
    if x.ndim == 3 and x.size:
        return x[:, None]
    if x.ndim == 4 and x.size and x.shape[3] in (1, 3):
        return x.transpose(0, 3, 1, 2)
    if x.ndim == 4 and x.size and x.shape[1] in (1, 3):
        return x
    raise BadInput(f"{name} of {path} must have the shape N x H x W, N x H x W x C or N x C x H x W with 1 or 3 "
                   f"channels. Got {' x '.join(map(str, x.shape)) or 'one number'}.")


def _labels(y: Array, images: int, name: str, path: Path) -> Array:
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise BadInput(f"{name} of {path} must be one row of whole numbers. Got {y.dtype} of {y.ndim} dimensions.")
    if len(y) != images:
        raise BadInput(f"{name} of {path} must have a label for each of the {images:,} images. Got {len(y):,} labels.")
    if y.min() < 0 or y.max() >= MAX_CLASSES:
        raise BadInput(f"{name} of {path} must be from 0 to the number of classes less 1. Got labels from {y.min()} "
                       f"to {y.max()}.")
    return y.astype(np.int64)


def _classes(y: Array, path: Path) -> tuple[str, ...]:
    counts = np.bincount(y)
    if not counts.all():
        raise BadInput(f"The labels in y of {path} must be 0 to the number of classes less 1. No image has label "
                       f"{int(np.argmin(counts))}, but some have {len(counts) - 1}; number the classes without gaps.")
    return tuple(str(label) for label in range(len(counts)))


def _size(x: Array) -> str:
    return " x ".join(map(str, x.shape[1:]))
