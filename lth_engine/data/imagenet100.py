"""ImageNet-100: the photographs of 100 of ImageNet's classes, from a folder of their own or picked by a list."""

from __future__ import annotations

from pathlib import Path

from lth_engine.core.errors import BadInput, MissingData
from lth_engine.data.imagenet_folders import WNID, class_folders, list_images
from lth_engine.data.listed import Listed
from lth_engine.data.raw import Report
from lth_engine.specs.data import Imagenet100

CLASSES = 100


def read(spec: Imagenet100, data_root: Path, report: Report) -> Listed:
    """About 126,000 training images, and as test images the 5,000 validation images of these classes. Labels number
    the sorted WordNet ids.

    Raises:
        MissingData: the folder or the list is not there, or a class has no images.
        BadInput: a list that is none, or not of 100 classes.
    """
    if spec.classes:
        where = data_root / spec.classes
        folder, wnids = data_root / "imagenet", _picked(where)
    else:
        folder = data_root / "imagenet100"
        where, wnids = folder / "train", class_folders(folder / "train")
    if not wnids or not (folder / "train").is_dir() or not (folder / "val").is_dir():
        raise MissingData(
            f"ImageNet-100 is not in {folder}: ask for ILSVRC 2012 at https://image-net.org and unpack its images to "
            f"train/WNID/ and val/ of {data_root / 'imagenet'} (then name a list in imagenet100.classes), or those of "
            f"100 classes to {data_root / 'imagenet100'}, or choose digits or own_images, which need no download.")
    if len(wnids) != CLASSES:
        raise BadInput(f"imagenet100 needs {CLASSES} classes. Got {len(wnids)} in {where}; leave {CLASSES} there.")
    return list_images(folder, wnids, "ImageNet-100", report)


def _picked(path: Path) -> list[str]:
    """The WordNet ids of a list: the first word of each line, sorted, each once."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MissingData(f"The list of classes {path} cannot be read ({reason}): put a text file with one WordNet id "
                          "a line there, or clear imagenet100.classes.") from error
    words = [line.split()[0] for line in lines if line.strip()]
    for word in words:
        if not WNID.fullmatch(word):
            raise BadInput(f"{path} must hold one WordNet id (n01440764) a line. Got {word[:50]!r}; remove that line.")
    return sorted(set(words))
