"""The zip archive of torch.save (1.6 and later), read by Python's own zipfile: names, sizes and records, checked."""

from __future__ import annotations

import zipfile
from typing import BinaryIO

import torch

from lth_engine.core import sizes
from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.importing import words
from lth_engine.importing.sound import bomb

MOST_MEMBERS = 25_000
MOST_EXCESS = 1.05
"""Sizes of all members together, over the size of the file: torch compresses nothing."""

MOST_PICKLE = 100_000_000
"""Bytes of the pickle; that of a state dict of 20 000 tensors has 6 MB."""

SCRIPT = ("Refused: this is a TorchScript program, not a set of weights. Save `model.state_dict()` and upload that.")


class Archive:
    """A zip archive with one data.pkl.

    Raises (all methods):
        FileRefused: compressed, overlapping or doubled members, too many of them, TorchScript.
        FileUnreadable: damaged, or no archive of torch.
    """

    def __init__(self, file: BinaryIO, file_bytes: int) -> None:
        self.file_bytes = file_bytes
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
            raise FileUnreadable(f"The file stops early or is damaged ({sizes.size(file_bytes)}): the list of its "
                                 "contents, which stands at its end, is missing. Copy or download it again.") from None
        self._members = self._checked(self._zip.infolist())
        self._folder = self._root()
        if self._bytes("byteorder") not in (None, b"little"):
            raise FileRefused("Refused: the file was written on a big-endian machine. Save it on a usual one.")

    def pickle(self) -> bytes:
        """The bytes of data.pkl."""
        info = self._members[f"{self._folder}data.pkl"]
        if info.file_size > MOST_PICKLE:
            raise FileRefused(f"Refused: the file's pickle has {sizes.size(info.file_size)}; at most "
                              f"{sizes.size(MOST_PICKLE)} are read. Save the state dict alone.")
        return self._read(info)

    def record_bytes(self, key: str) -> int:
        """Size of the record of a storage."""
        return self._record(key).file_size

    def storage(self, key: str) -> torch.UntypedStorage:
        """The bytes of a storage."""
        info = self._record(key)
        whole = torch.empty(info.file_size, dtype=torch.uint8)
        view, at = memoryview(whole.numpy()), 0
        try:
            with self._zip.open(info) as source:
                while at < len(view) and (count := source.readinto(view[at:])):
                    at += count
        except (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, OSError) as error:
            raise FileUnreadable("The file is damaged: a tensor differs from its checksum. Copy it again.") from error
        if at < len(view):
            raise FileUnreadable(words.early(at, len(view)))
        return whole.untyped_storage()

    def _checked(self, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        total, found = sum(info.file_size for info in infos), {info.filename: info for info in infos}
        if len(infos) > MOST_MEMBERS:
            raise FileRefused(f"Refused: the archive has {sizes.number(len(infos))} members. Save the state "
                              "dict alone.")
        if len(found) < len(infos):
            raise FileRefused("Refused: the archive holds two members of one name. Save it again with torch.save.")
        if any(name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") for name in found):
            raise FileRefused("Refused: a member of the archive names a place outside of it. Nothing was written.")
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise FileRefused(f"Refused: the archive is compressed ({sizes.size(self.file_bytes)}, unpacked "
                              f"{sizes.size(total)}), which torch.save never does. Unpack it, or save it again.")
        if total > MOST_EXCESS * self.file_bytes + 1000:
            raise bomb(self.file_bytes, total, "members that overlap")
        return found

    def _root(self) -> str:
        pickles = [name for name in self._members if name == "data.pkl" or name.endswith("/data.pkl")]
        if any(name.split("/")[-1] == "constants.pkl" or "/code/" in f"/{name}" for name in self._members):
            raise FileRefused(SCRIPT)
        if len(pickles) != 1:
            raise FileUnreadable(f"This zip archive holds {len(pickles)} files data.pkl where torch.save writes one. "
                                 "Upload the file with the weights itself.")
        return pickles[0].removesuffix("data.pkl")

    def _record(self, key: str) -> zipfile.ZipInfo:
        name = f"{self._folder}data/{key}"
        if name not in self._members:
            raise FileUnreadable("The file is damaged: the values of a tensor are missing. Copy it again.")
        return self._members[name]

    def _bytes(self, name: str) -> bytes | None:
        info = self._members.get(f"{self._folder}{name}")
        return None if info is None or info.file_size > 100 else self._read(info)

    def _read(self, info: zipfile.ZipInfo) -> bytes:
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, RuntimeError, EOFError, ValueError, OSError) as error:
            raise FileUnreadable("The file is damaged: a member differs from its checksum. Copy it again.") from error
