"""TinyImageNet: photographs of 200 of ImageNet's classes, 64 x 64 colour."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lth_engine.core.errors import MissingData
from lth_engine.data.cache import cached
from lth_engine.data.checksums import require_published, require_whole
from lth_engine.data.image_source import Source, folder_source, zip_source
from lth_engine.data.raw import Raw, Report
from lth_engine.data.square_files import read_square
from lth_engine.data.tables import table
from lth_engine.specs.data import TinyImagenet

SIDE = 64
PUBLISHED = (200, 100_000, 10_000)
"""Classes, training images, validation images."""
NAME = "tiny-imagenet-200"
SUMS = {f"{NAME}.zip": "90528d7ca1a48142e341f4ef8d21d0de"}


def read(spec: TinyImagenet, data_root: Path, report: Report) -> Raw:
    """100,000 training images, and as test images the 10,000 validation images: the labels of the published test
    images are not public. Labels number the sorted WordNet ids. Raises MissingData.
    """
    return cached(data_root, spec.name, lambda: _decode(data_root, report), report)


def _decode(data_root: Path, report: Report) -> Raw:
    report("Reading TinyImageNet.")
    with _source(data_root) as source:
        present = set(source.names)
        for name in ("wnids.txt", "words.txt", "val/val_annotations.txt"):
            if name not in present:
                raise MissingData(f"TinyImageNet in {source.where} lacks {name}: unpack {NAME}.zip again.")
        wnids = sorted(table(source.read("wnids.txt"), source.where / "wnids.txt", 1, str))
        index = {wnid: i for i, wnid in enumerate(wnids)}
        words = dict(table(source.read("words.txt"), source.where / "words.txt", 2, lambda wnid, text: (wnid, text)))
        train = [(name, index[name.split("/")[1]]) for name in source.names
                 if name.startswith("train/") and name.endswith(".JPEG") and name.split("/")[1] in index]
        test = table(source.read("val/val_annotations.txt"), source.where / "val/val_annotations.txt", 2,
                     lambda name, wnid: (f"val/images/{name}", index[wnid]))
        test = [(name, label) for name, label in test if name in present]
        y = [np.array([label for _, label in part], np.int64) for part in (train, test)]
        require_whole("TinyImageNet", source.where, (len(wnids), len(train), len(test)), PUBLISHED)
        x = read_square(source, [name for name, _ in train + test], SIDE, report)
    return Raw(x[:len(train)], y[0], x[len(train):], y[1],
               tuple(words.get(wnid, wnid).split(",")[0].strip() for wnid in wnids))


@contextlib.contextmanager
def _source(data_root: Path) -> Iterator[Source]:
    """The published zip if it is there, which has a checksum; else the folder that it unpacks to."""
    if (data_root / f"{NAME}.zip").is_file():
        require_published(data_root, SUMS)
        with zip_source(data_root / f"{NAME}.zip") as source:
            yield _below(source, f"{NAME}/")
    elif (data_root / NAME).is_dir():
        yield folder_source(data_root / NAME)
    else:
        raise MissingData(f"TinyImageNet is not in {data_root}: put {NAME}.zip (237 MB) of "
                          f"http://cs231n.stanford.edu/{NAME}.zip into that folder, or choose digits or own_images, "
                          "which need no download.")


def _below(source: Source, top: str) -> Source:
    """The files of one folder of a source, by their names in it."""
    names = tuple(name.removeprefix(top) for name in source.names if name.startswith(top))
    return dataclasses.replace(source, names=names, read=lambda name: source.read(top + name))
