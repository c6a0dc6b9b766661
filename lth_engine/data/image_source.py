"""The files of an image folder, or of a zip of one, by relative name. Nothing is ever extracted."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lth_engine.core.errors import BadInput
from lth_engine.core.fingerprint import hidden, visible_files

MAX_MEMBERS = 1_000_000
"""Files in a zip."""
MAX_BYTES = 8 << 30
"""Unpacked bytes of a zip, and decoded bytes of a set: what is held in memory."""
MAX_FILE_BYTES = 256 << 20
"""Bytes of one image file."""


@dataclass(frozen=True)
class Source:
    """Files by relative name.

    Attributes:
        where: the folder or file, for messages.
        names: with "/", sorted, without hidden ones.
        read: bytes of one file; may be called from several threads. Raises BadInput.
    """

    where: Path
    names: tuple[str, ...]
    read: Callable[[str], bytes]


def folder_source(folder: Path) -> Source:
    """The visible files of a folder."""
    def read(name: str) -> bytes:
        try:
            if (folder / name).stat().st_size > MAX_FILE_BYTES:
                raise BadInput(_too_large(folder, name))
            return (folder / name).read_bytes()
        except OSError as error:
            raise BadInput(f"{folder / name} cannot be read ({error.strerror}): mend or remove it.") from error

    return Source(folder, tuple(visible_files(folder)), read)


@contextlib.contextmanager
def zip_source(path: Path) -> Iterator[Source]:
    """The visible files of a zip, read from its stream in memory.

    Raises:
        BadInput: not a zip, or one that :func:`open_zip` refuses.
    """
    with open_zip(path) as archive:
        members = {info.filename: info for info in archive.infolist() if not info.is_dir()}

        def read(name: str) -> bytes:
            if members[name].file_size > MAX_FILE_BYTES:
                raise BadInput(_too_large(path, name))
            with member_errors(path, name):
                return archive.read(members[name])

        yield Source(path, tuple(sorted(name for name in members if not hidden(name))), read)


@contextlib.contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip whose directory promises nothing dangerous; zipfile holds each member to its promised size.

    Raises:
        BadInput: not a zip, too many or too large members, encrypted ones, names that lead outside.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadInput(f"{path} is not a readable zip file ({error}): make or copy it again.") from error
    with archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise BadInput(f"{path} holds {len(members):,} files, more than {MAX_MEMBERS:,}: unpack it and name the "
                           "folder.")
        total = sum(info.file_size for info in members)
        if total > MAX_BYTES:
            raise BadInput(f"{path} ({path.stat().st_size:,} bytes) unpacks to {total:,} bytes, more than the "
                           f"{MAX_BYTES:,} that are allowed: make a zip of fewer or smaller images.")
        seen: set[str] = set()
        for info in members:
            _check_member(path, info, seen)
            seen.add(info.filename)
        yield archive


def _check_member(path: Path, info: zipfile.ZipInfo, seen: set[str]) -> None:
    name = info.filename
    if info.flag_bits & 0x1:
        raise BadInput(f"{path} is encrypted (file {name!r}): make a zip without a password.")
    if name.startswith("/") or "\\" in name or name[1:2] == ":" or ".." in name.split("/"):
        raise BadInput(f"{path} holds a file with the name {name!r}, which leads outside the zip: make the zip again "
                       "with plain relative names.")
    if name in seen:
        raise BadInput(f"{path} holds two files with the name {name!r}: make the zip again.")


@contextlib.contextmanager
def member_errors(path: Path, name: str) -> Iterator[None]:
    """Turn what zipfile raises while a member is read into one sentence."""
    try:
        yield
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error) as error:
        raise BadInput(f"File {name!r} of {path} cannot be unpacked ({error}): make or copy the zip again.") from error


def _too_large(where: Path, name: str) -> str:
    return (f"File {name!r} of {where} is larger than the {MAX_FILE_BYTES:,} bytes allowed for one image: "
            "make it smaller or remove it.")
