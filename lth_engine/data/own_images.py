"""Images that the user brings: a folder of class folders, a zip of one, or an .npz."""

from __future__ import annotations

import contextlib
import re
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput
from lth_engine.core.fingerprint import fingerprint
from lth_engine.data.cache import cached
from lth_engine.data.class_folders import Layout, arrange
from lth_engine.data.decoding import decode, shape
from lth_engine.data.image_source import Source, folder_source, zip_source
from lth_engine.data.npz_file import read_npz
from lth_engine.data.raw import Raw, Report
from lth_engine.data.stacking import stack
from lth_engine.specs.data import OwnImages


def read(spec: OwnImages, data_root: Path, report: Report) -> Raw:
    """The images of the spec's fingerprint: those kept in decoded form, else those at its path.

    A val/ or validation/ folder counts as training images, since the lab cuts its own validation part.

    Raises:
        BadInput: no fingerprint, other images than it says, or images that cannot be used; the
            text names the file and what to do.
    """
    if not spec.path:
        raise BadInput("own_images.path is empty: name the folder, .zip or .npz that holds your images.")
    if not re.fullmatch("[0-9a-f]{64}", spec.fingerprint):
        raise BadInput("own_images.fingerprint must be the SHA-256 of the images. "
                       f"Got {spec.fingerprint!r}; ask from the form or the command line, which fill it in.")
    name = f"{spec.name}-{spec.fingerprint}-{spec.size}-{spec.colour.replace(' ', '_')}"
    return cached(data_root, name, lambda: _checked(spec, report), report)


def _checked(spec: OwnImages, report: Report) -> Raw:
    path = Path(spec.path).expanduser()
    report(f"Reading {path}.")
    found = fingerprint(path)
    if found != spec.fingerprint:
        raise BadInput(f"The images in {path} have changed since the question was asked (fingerprint {found[:12]}, "
                       f"asked {spec.fingerprint[:12]}): ask again with the images as they are, or put the old back.")
    with contextlib.ExitStack() as opened:
        if path.is_dir():
            return _from_files(folder_source(path), spec, report)
        if path.suffix.lower() == ".npz":
            return _from_arrays(read_npz(path), spec, report)
        if not zipfile.is_zipfile(path):
            raise BadInput(f"{path} is neither a folder nor a .zip nor an .npz file: put the images into one folder "
                           "for each class and name the folder above them.")
        return _from_files(opened.enter_context(zip_source(path)), spec, report)


def _from_files(source: Source, spec: OwnImages, report: Report) -> Raw:
    layout = arrange(source.names, source.where)
    _require_two_classes(layout, source.where)
    names = [name for name, _ in layout.train + layout.test]
    x = stack(names, lambda name: decode(source.read(name), f"{source.where / name}", spec.size, spec.colour), report)
    index = {label: i for i, label in enumerate(layout.classes)}
    y = np.array([index[label] for _, label in layout.train + layout.test], np.int64)
    n = len(layout.train)
    if layout.test:
        return Raw(x[:n], y[:n], x[n:], y[n:], layout.classes)
    return Raw(x, y, None, None, layout.classes)


def _require_two_classes(layout: Layout, where: Path) -> None:
    if len(layout.classes) < 2:
        raise BadInput(f"{where} has one class only ({layout.classes[0]!r}): put the images into one folder for each "
                       "of at least two classes.")


def _from_arrays(raw: Raw, spec: OwnImages, report: Report) -> Raw:
    """The arrays of an .npz in the asked size and colour."""
    def shaped(x: Array) -> Array:
        plain = x[:, 0] if x.shape[1] == 1 else x.transpose(0, 2, 3, 1)

        def pixels(name: str) -> Array:
            return shape(Image.fromarray(np.ascontiguousarray(plain[int(name)])), spec.size, spec.colour)

        return stack([str(i) for i in range(len(x))], pixels, report)

    if not spec.size and spec.colour == "as is":
        return raw
    test_x = None if raw.test_x is None else shaped(raw.test_x)
    return Raw(shaped(raw.train_x), raw.train_y, test_x, raw.test_y, raw.classes)
