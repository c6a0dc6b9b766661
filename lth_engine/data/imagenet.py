"""ImageNet (ILSVRC 2012): photographs of 1,000 classes."""

from __future__ import annotations

from pathlib import Path

from lth_engine.core.errors import MissingData
from lth_engine.data.checksums import require_whole
from lth_engine.data.imagenet_folders import class_folders, list_images
from lth_engine.data.listed import Listed
from lth_engine.data.raw import Report
from lth_engine.specs.data import Imagenet

PUBLISHED = (1_000, 1_281_167, 50_000)
"""Classes, training images, validation images."""


def read(spec: Imagenet, data_root: Path, report: Report) -> Listed:
    """1,281,167 training images, and as test images the 50,000 validation images: the labels of the published test
    images are not public. Labels number the sorted WordNet ids. Raises MissingData.
    """
    folder = data_root / "imagenet"
    wnids = class_folders(folder / "train")
    if not wnids or not (folder / "val").is_dir():
        raise MissingData(
            f"ImageNet is not in {folder}: ask for ILSVRC 2012 at https://image-net.org, unpack the training images "
            "to train/WNID/, the validation images to val/, and put ILSVRC2012_devkit_t12.tar.gz beside them (150 GB "
            "in all, never downloaded for you), or choose digits or own_images, which need no download.")
    found = list_images(folder, wnids, "ImageNet", report)
    require_whole("ImageNet", folder, (len(wnids), len(found.train), len(found.test)), PUBLISHED)
    return found
