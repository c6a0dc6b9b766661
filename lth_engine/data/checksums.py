"""Whether files are the published ones: by their checksums, or by how many there are."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lth_engine.core.errors import MissingData

_CHUNK = 1 << 20


def published_sums(loader: Any) -> dict[str, str]:
    """MD5 of the published files of a torchvision data set, by their place below its root."""
    if hasattr(loader, "resources"):
        return {f"{loader.__name__}/raw/{name}": md5 for name, md5 in loader.resources}
    if hasattr(loader, "split_list"):
        return {name: md5 for part in ("train", "test") for _, name, md5 in [loader.split_list[part]]}
    batches = {f"{loader.base_folder}/{name}": md5 for name, md5 in loader.train_list + loader.test_list}
    meta = {f"{loader.base_folder}/{loader.meta['filename']}": loader.meta["md5"]}
    return batches | meta | {loader.filename: loader.tgz_md5}


def require_published(root: Path, sums: Mapping[str, str]) -> None:
    """Check those of the files that are there.

    Args:
        root: above the files.
        sums: MD5 in hex digits by name below `root`.

    Raises:
        MissingData: one is not what was published.
    """
    for name, expected in sums.items():
        path = root / name
        if path.is_file() and (found := _md5(path)) != expected:
            raise MissingData(f"{path} is damaged or not the published file (MD5 {found}, expected {expected}): "
                              "delete it and ask again, or put the published file in its place.")


def require_unpacked(packed: Path, unpacked: Path) -> None:
    """Check a file against the gzip file that it came from, which ends with the CRC-32 of its content.

    Raises:
        MissingData: it holds something else.
    """
    expected = int.from_bytes(packed.read_bytes()[-8:-4], "little")
    found = 0
    with unpacked.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found = zlib.crc32(chunk, found)
    if found != expected:
        raise MissingData(f"{unpacked} is damaged: it is not what {packed.name} beside it holds (CRC-32 {found:08x}, "
                          f"expected {expected:08x}); delete it and ask again.")


def require_whole(title: str, where: Path, found: tuple[int, int, int], published: tuple[int, int, int]) -> None:
    """Check the numbers of a set that is published as loose files.

    Args:
        title: name for the message.
        where: folder of the set.
        found: numbers of classes, training images and test images.
        published: the same of the published set.

    Raises:
        MissingData: other numbers were found.
    """
    for what, here, there in zip(("classes", "training images", "test images"), found, published, strict=True):
        if here != there:
            raise MissingData(f"{title} in {where} has {here:,} {what} where the published set has {there:,}: unpack "
                              "the published archives again.")


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
