"""Which file belongs to which part and class: read off the names of folders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lth_engine.core.errors import BadInput

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
"""What an image file is called."""

_TRAIN = {"train", "training"}
_VALIDATION = {"val", "valid", "validation", "dev"}
_TEST = {"test", "testing"}


@dataclass(frozen=True)
class Layout:
    """Files with their classes.

    Attributes:
        train, test: (name, class) in the order of class and name; `test` is empty where there is no test part.
        classes: sorted.
    """

    train: tuple[tuple[str, str], ...]
    test: tuple[tuple[str, str], ...]
    classes: tuple[str, ...]


def arrange(names: Iterable[str], where: Path) -> Layout:
    """Sort files into parts and classes.

    The class is the first folder, or the first one below train/ and test/. A val/ or validation/
    folder counts as training images: the lab cuts its own validation part. Folders that hold
    everything ("photos/" around the class folders) are passed over, deeper ones belong to their
    class. Files beside the class folders are passed over unless they are images.

    Raises:
        BadInput: no images, images without a class, or other classes in test/ than in train/.
    """
    places = _unwrapped(sorted(names))
    if not any(_is_image(name) for name, _ in places):
        raise BadInput(f"{where} holds no images ({', '.join(sorted(SUFFIXES))}): put one folder of images for each "
                       "class into it.")
    tops = {place[0].lower() for _, place in places if len(place) > 1}
    split = bool(tops & (_TRAIN | _VALIDATION)) and tops <= _TRAIN | _VALIDATION | _TEST
    train, test = [], []
    for name, place in places:
        part, place = (place[0].lower(), place[1:]) if split and len(place) > 1 else ("train", place)
        if len(place) > 1:
            (test if part in _TEST else train).append((place[0], name))
        elif _is_image(name):
            raise BadInput(f"Image {name!r} of {where} stands beside the class folders: move it into the folder of "
                           "its class, or remove it.")
    return _layout(train, test, where)


def _layout(train: list[tuple[str, str]], test: list[tuple[str, str]], where: Path) -> Layout:
    classes, tested = ({label for label, _ in part} for part in (train, test))
    if test and classes != tested:
        differing = sorted(classes ^ tested)
        side = "train/ alone" if differing[0] in classes else "test/ alone"
        raise BadInput(f"The classes in train/ and test/ of {where} differ ({differing[0]!r} is in {side}): give both "
                       "the same class folders.")
    return Layout(
        tuple((name, label) for label, name in sorted(train)),
        tuple((name, label) for label, name in sorted(test)), tuple(sorted(classes)))


def _unwrapped(names: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Each name with its folders, less those at the top that all images share.

    train/ or test/ alone at the top is passed over too: what is below it is the whole set.
    """
    places = {name: tuple(name.split("/")) for name in names}
    images = [name for name in names if _is_image(name)]
    while images and len({places[name][0] for name in images}) == 1 and min(len(places[n]) for n in images) > 2:
        top = places[images[0]][0]
        places = {name: place[1:] for name, place in places.items() if place[0] == top}
    return list(places.items())


def _is_image(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES
