"""EuroSAT: land seen from satellites, 64 x 64 colour."""

from __future__ import annotations

import contextlib
import importlib
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lth_engine.core.errors import MissingData
from lth_engine.data.cache import cached
from lth_engine.data.checksums import require_published, require_whole
from lth_engine.data.class_folders import arrange
from lth_engine.data.download import DownloadFailed, watch
from lth_engine.data.image_source import Source, folder_source, zip_source
from lth_engine.data.raw import Raw, Report
from lth_engine.data.square_files import read_square
from lth_engine.specs.data import Eurosat

SIDE = 64
PUBLISHED = (10, 27_000, 0)
"""Classes, images, test images."""
SUMS = {"EuroSAT.zip": "c8fa014336c82ac7804f0398fcb19387"}
"""As torchvision checks it."""


def read(spec: Eurosat, data_root: Path, report: Report) -> Raw:
    """All images as one part, by class and name: the set has no test part. Raises MissingData."""
    return cached(data_root, spec.name, lambda: _decode(data_root / "eurosat", data_root, report), report)


def _decode(folder: Path, data_root: Path, report: Report) -> Raw:
    report("Reading EuroSAT.")
    if not (folder / "EuroSAT.zip").is_file() and not (folder / "2750").is_dir():
        _fetch(folder, data_root, report)
    with _source(folder) as source:
        layout = arrange(source.names, source.where)
        index = {label: i for i, label in enumerate(layout.classes)}
        y = np.array([index[label] for _, label in layout.train], np.int64)
        require_whole("EuroSAT", source.where, (len(layout.classes), len(y), 0), PUBLISHED)
        x = read_square(source, [name for name, _ in layout.train], SIDE, report)
    return Raw(x, y, None, None, layout.classes)


@contextlib.contextmanager
def _source(folder: Path) -> Iterator[Source]:
    """The published zip if it is there, which has a checksum; else the folder that it unpacks to."""
    if (folder / "EuroSAT.zip").is_file():
        require_published(folder, SUMS)
        with zip_source(folder / "EuroSAT.zip") as source:
            yield source
    else:
        yield folder_source(folder / "2750")


def _fetch(folder: Path, data_root: Path, report: Report) -> None:
    loader = importlib.import_module("torchvision.datasets").EuroSAT
    try:
        watch(lambda: loader(str(data_root), download=True), [folder / "EuroSAT.zip"], "EuroSAT", report)
    except (DownloadFailed, OSError, EOFError, zlib.error) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip("<>. ")
        raise MissingData(
            f"EuroSAT is not in {folder} and could not be downloaded ({reason}): put EuroSAT.zip (RGB) of "
            "https://github.com/phelber/EuroSAT into that folder, or choose digits or own_images, which need no "
            "download.") from error
