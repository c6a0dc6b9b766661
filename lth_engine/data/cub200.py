"""CUB-200: photographs of 200 kinds of birds (the set of 2011)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lth_engine.core.errors import MissingData
from lth_engine.data.checksums import require_whole
from lth_engine.data.listed import Files, Listed
from lth_engine.data.raw import Report
from lth_engine.data.tables import table
from lth_engine.specs.data import Cub200

PUBLISHED = (200, 5_994, 5_794)
"""Classes, training images, test images."""
NAME = "CUB_200_2011"


def read(spec: Cub200, data_root: Path, report: Report) -> Listed:
    """5,994 training and 5,794 test images, in the order of their published numbers. Raises MissingData."""
    report("Listing CUB-200.")
    folder = data_root / NAME
    if not folder.is_dir():
        raise MissingData(f"CUB-200 is not in {folder}: unpack {NAME}.tgz (1.2 GB) of "
                          f"https://data.caltech.edu/records/65de6-vp158 into {data_root}, or choose digits or "
                          "own_images, which need no download.")
    classes = _numbered(folder / "classes.txt")
    names = _numbered(folder / "images.txt")
    kinds = {number: i for i, number in enumerate(classes)}
    label = {image: kinds[kind] for image, kind in _known(folder / "image_class_labels.txt", names, kinds)}
    trained = dict(_known(folder / "train_test_split.txt", names, {0: 0, 1: 1}))
    parts = []
    for wanted in (1, 0):
        chosen = [image for image in names if trained.get(image) == wanted and image in label]
        parts.append((Files.of(folder / "images", [names[image] for image in chosen]),
                      np.array([label[image] for image in chosen], np.int64)))
    (train, train_y), (test, test_y) = parts
    require_whole("CUB-200", folder, (len(classes), len(train), len(test)), PUBLISHED)
    _require_files(train)
    _require_files(test)
    return Listed(train, train_y, test, test_y, tuple(_spoken(name) for name in classes.values()))


def _numbered(path: Path) -> dict[int, str]:
    return dict(sorted(table(_content(path), path, 2, lambda number, name: (int(number), name))))


def _known(path: Path, first: dict[int, str], second: dict[int, int]) -> list[tuple[int, int]]:
    """Pairs of numbers, each of which must be a known one."""
    def row(one: str, other: str) -> tuple[int, int]:
        if int(one) not in first or int(other) not in second:
            raise ValueError(f"{one} {other} names nothing")
        return int(one), int(other)

    return table(_content(path), path, 2, row)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MissingData(f"{path} cannot be read ({error.strerror}): unpack {NAME}.tgz again.") from error


def _require_files(files: Files) -> None:
    for index in range(len(files)):
        if not files.path(index).is_file():
            raise MissingData(f"{files.path(index)} is missing: unpack {NAME}.tgz again.")


def _spoken(name: str) -> str:
    """The name of a class as one says it: Black footed Albatross for 001.Black_footed_Albatross."""
    return name.partition(".")[2].replace("_", " ") or name


