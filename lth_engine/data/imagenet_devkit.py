"""ImageNet's development kit: the names of the classes, and the labels of the validation images."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lth_engine.core.errors import MissingData
from lth_engine.data.checksums import require_published

NAME = "ILSVRC2012_devkit_t12"
SUMS = {f"{NAME}.tar.gz": "fa75699e90414af021442c21a62c3abf"}
_META = "data/meta.mat"
_TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"


@dataclass(frozen=True)
class Devkit:
    """What the kit says.

    Attributes:
        names: WordNet id -> name of the class.
        validation: WordNet id of each validation image, in the order of their numbers from 1.
    """

    names: dict[str, str]
    validation: tuple[str, ...]


def read_devkit(folder: Path) -> Devkit | None:
    """The kit in `folder`, packed (its checksum is held) or unpacked; None if it is not there.

    Raises:
        MissingData: it is damaged.
    """
    try:
        if (folder / f"{NAME}.tar.gz").is_file():
            require_published(folder, SUMS)
            with tarfile.open(folder / f"{NAME}.tar.gz", "r:gz") as archive:
                return _parsed(lambda name: _member(archive, f"{NAME}/{name}"))
        if (folder / NAME).is_dir():
            return _parsed(lambda name: (folder / NAME / name).read_bytes())
    except (OSError, EOFError, KeyError, IndexError, TypeError, ValueError, tarfile.TarError, zlib.error) as error:
        raise MissingData(f"ImageNet's development kit {NAME} in {folder} cannot be read ({error}): put the published "
                          f"{NAME}.tar.gz into that folder.") from error
    return None


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    found = archive.extractfile(name)
    if found is None:
        raise KeyError(f"{name} is no file")
    return found.read()


def _parsed(content: Callable[[str], bytes]) -> Devkit:
    """Rows of meta.mat: number, WordNet id, words, and more; after the classes come the nodes above them."""
    from scipy.io import loadmat  # 0.2 s that a set without the kit need not wait for

    rows = loadmat(io.BytesIO(content(_META)), squeeze_me=True)["synsets"]
    wnid = {int(row[0]): str(row[1]) for row in rows.tolist()}
    truth = tuple(wnid[int(number)] for number in content(_TRUTH).split())
    return Devkit({str(row[1]): str(row[2]).split(",")[0] for row in rows.tolist()}, truth)
