"""Images in ImageNet's layout: train/WNID/*.JPEG, and val/WNID/*.JPEG or all validation images in val/."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from lth_engine.core.errors import MissingData
from lth_engine.data.imagenet_devkit import Devkit, read_devkit
from lth_engine.data.listed import Files, Listed
from lth_engine.data.raw import Report

WNID = re.compile(r"n\d{8}")
"""A WordNet id: the name of a class and of its folder."""
_VALIDATION = re.compile(r"ILSVRC2012_val_(\d{8})\.JPEG")
_ENDS = (".jpeg", ".jpg", ".png")


def class_folders(folder: Path) -> list[str]:
    """WordNet ids that have a folder in `folder`, sorted; none if it is not there."""
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in os.scandir(folder) if WNID.fullmatch(entry.name) and entry.is_dir())


def list_images(folder: Path, wnids: Sequence[str], title: str, report: Report) -> Listed:
    """The training images, and the validation images as test images, of these classes.

    Labels number `wnids`; images follow one another by class and name.

    Raises:
        MissingData: a class without images, or validation images whose labels are not known.
    """
    report(f"Listing {title}.")
    devkit = read_devkit(folder)
    train = _by_class(folder / "train", wnids)
    test = _validation(folder, wnids, devkit)
    for part, found in (("train", train), ("val", test)):
        lacking = sorted(set(wnids) - {wnid for wnid, _ in found})
        if lacking:
            raise MissingData(f"{title} in {folder} lacks the images of class {lacking[0]} in {part}/ (one of "
                              f"{len(lacking)} such classes): unpack the published archives again.")
    index = {wnid: i for i, wnid in enumerate(wnids)}
    names = devkit.names if devkit else {}
    (train_files, train_y), (test_files, test_y) = (
        (Files.of(folder / part, (name for _, name in found)), np.array([index[wnid] for wnid, _ in found], np.int64))
        for part, found in (("train", train), ("val", test)))
    return Listed(train_files, train_y, test_files, test_y, tuple(names.get(wnid, wnid) for wnid in wnids))


def _by_class(folder: Path, wnids: Iterable[str]) -> list[tuple[str, str]]:
    found = []
    for wnid in wnids:
        if (folder / wnid).is_dir():
            found += [(wnid, f"{wnid}/{name}") for name in sorted(os.listdir(folder / wnid))
                      if name.lower().endswith(_ENDS)]
    return found


def _validation(folder: Path, wnids: Sequence[str], devkit: Devkit | None) -> list[tuple[str, str]]:
    """Class and name below val/ of the validation images, by class and name in either layout."""
    found = _by_class(folder / "val", wnids)
    if found or not (folder / "val").is_dir():
        return found
    loose = [match for name in os.listdir(folder / "val") if (match := _VALIDATION.fullmatch(name))]
    if loose and devkit is None:
        raise MissingData(f"The validation images in {folder / 'val'} have no labels: put "
                          f"ILSVRC2012_devkit_t12.tar.gz of https://image-net.org into {folder}, or sort them "
                          "into one folder for each WordNet id.")
    wanted = set(wnids)
    for match in loose:
        number = int(match[1])
        if devkit is None or not 1 <= number <= len(devkit.validation):
            raise MissingData(f"{folder / 'val' / match[0]} is in no list of the development kit: remove it, or "
                              "unpack the published archive again.")
        if devkit.validation[number - 1] in wanted:
            found.append((devkit.validation[number - 1], match[0]))
    return sorted(found)
