"""The official files of a data set, read by torchvision from the data folder, or fetched into it first."""

from __future__ import annotations

import gzip
import importlib
import shutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.errors import MissingData
from lth_engine.data.checksums import published_sums, require_published, require_unpacked
from lth_engine.data.download import DownloadFailed, watch
from lth_engine.data.raw import Raw, Report


@dataclass(frozen=True)
class Official:
    """Where the official files of a set are.

    Attributes:
        title: name for messages.
        loader: class in torchvision.datasets.
        folder: where the unpacked files stand, below the data folder (torchvision's own layout).
        files: the files as they are published, by their place below the data folder.
        system_folder: where an operating system's package puts the published files.
        package: that package, in words.
        classes: names, where torchvision has none or they are not what people call them.
        parts: what the loader is told to read the training and the test images.
        below: folder of the data folder that the loader takes for its root.
    """

    title: str
    loader: str
    folder: str
    files: tuple[str, ...]
    system_folder: Path | None = None
    package: str = ""
    classes: tuple[str, ...] = ()
    parts: tuple[Mapping[str, Any], ...] = ({"train": True}, {"train": False})
    below: str = ""


def idx_files(folder: str) -> tuple[str, ...]:
    """The published files of MNIST and of the sets made like it."""
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return tuple(f"{folder}/{name}-ubyte.gz" for name in names)


def read_official(official: Official, data_root: Path, report: Report) -> Raw:
    """Both parts of the set.

    Raises:
        MissingData: no files, and none could be fetched; or files that are damaged.
    """
    # torchvision takes 2 s to import, which a set that is decoded already need not wait for.
    loader = getattr(importlib.import_module("torchvision.datasets"), official.loader)
    report(f"Reading {official.title}.")
    try:
        _require_unpacked(official, loader, data_root)
        parts = _open(official, loader, data_root)
        if parts is None:
            _fetch(official, loader, data_root, report)
            parts = _open(official, loader, data_root)
    except (ValueError, AssertionError, EOFError, OSError, zlib.error) as error:
        raise MissingData(
            f"The files of {official.title} in {data_root / official.folder} cannot be read ({_last_line(error)}): "
            "delete that folder and ask again.") from error
    if parts is None:
        require_published(data_root / official.below, published_sums(loader))
        raise MissingData(_remedy(official, data_root, "a file is still missing"))
    train, test = parts
    return Raw(*_arrays(train), *_arrays(test), official.classes or tuple(train.classes))


def _require_unpacked(official: Official, loader: Any, data_root: Path) -> None:
    """Check each unpacked file whose published .gz is beside it."""
    for name, md5 in published_sums(loader).items():
        packed = data_root / official.below / name
        unpacked = packed.with_suffix("")
        if packed.suffix == ".gz" and not name.endswith(".tar.gz") and packed.is_file() and unpacked.is_file():
            require_published(data_root / official.below, {name: md5})
            require_unpacked(packed, unpacked)


def _open(official: Official, loader: Any, data_root: Path) -> tuple[Any, Any] | None:
    """The training and the test part, or None where files are missing or are not the published ones."""
    root = str(data_root / official.below)
    try:
        train, test = (loader(root, **part) for part in official.parts)
        return train, test
    except RuntimeError as error:
        if "not found" in str(error):  # torchvision has one class of error for a missing file and a damaged one
            return None
        raise ValueError(str(error)) from error


def _arrays(part: Any) -> tuple[Array, Array]:
    pixels = np.asarray(part.data)
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.shape[1] != 3:  # SVHN has the channels first already
        pixels = pixels.transpose(0, 3, 1, 2)
    labels = part.labels if hasattr(part, "labels") else part.targets
    return np.ascontiguousarray(pixels), np.asarray(labels, dtype=np.int64)


def _fetch(official: Official, loader: Any, data_root: Path, report: Report) -> None:
    """Put the files into the data folder: from an operating system's package, or downloaded.

    torchvision checks the sums of what it downloads, and of published files that it finds in
    place, and unpacks them.
    """
    try:
        if not _unpack_from_system(official, data_root, report):
            watch(lambda: [loader(str(data_root / official.below), download=True, **part) for part in official.parts],
                  [data_root / name for name in official.files], official.title, report)
    except (DownloadFailed, OSError, EOFError, zlib.error) as error:
        require_published(data_root / official.below, published_sums(loader))
        raise MissingData(_remedy(official, data_root, _last_line(error))) from error


def _unpack_from_system(official: Official, data_root: Path, report: Report) -> bool:
    if official.system_folder is None:
        return False
    found = {name: official.system_folder / Path(name).name for name in official.files}
    if not all(path.is_file() for path in found.values()):
        return False
    (data_root / official.folder).mkdir(parents=True, exist_ok=True)
    report(f"Unpacking {official.title} from {official.system_folder}.")
    for name, path in found.items():
        unpacked = (data_root / name).with_suffix("")
        part = unpacked.with_suffix(".part")
        try:
            with gzip.open(path) as source, part.open("wb") as target:
                shutil.copyfileobj(source, target)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise MissingData(f"{path} is damaged ({_last_line(error)}): install {official.package} again.") from error
        part.replace(unpacked)
    return True


def _remedy(official: Official, data_root: Path, reason: str) -> str:
    files = " and ".join([", ".join(official.files[:-1]), official.files[-1]]).removeprefix(" and ")
    package = f", install {official.package}" if official.package else ""
    return (f"{official.title} is not in {data_root} and could not be downloaded ({reason}): put {files} into that "
            f"folder{package}, or choose digits or own_images, which need no download.")


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip("<>. ").removeprefix("urlopen error ") if lines else type(error).__name__
