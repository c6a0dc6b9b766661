"""Kinds of files by their first bytes, and what each must keep to before a child may see it."""

from __future__ import annotations

import re
from typing import BinaryIO

from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.core.sizes import part, size, stored_values
from lth_engine.gate import npy_header
from lth_engine.gate.zip_kinds import zip_kind

HEAD = 4096
LEGACY = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""torch's magic number 0x1950a86a20f9469cfc6c, as files before torch 1.6 begin with it after the pickle's protocol."""

HDF5 = b"\x89HDF\r\n\x1a\n"
BOMB = 1_000_000_000
"""Bytes from which a file that describes more than it holds counts as an attack, and not as one that was cut short."""

SAFETENSORS_HEADER = 16_000_000
"""Bytes of a safetensors header at most (users-and-security 7.3)."""

OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"GGUF", "a GGUF file of a language model"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x89PNG\r\n\x1a\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"%PDF-", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3\0", "a database"),
)
"""First bytes of what people bring by mistake, and what it is."""

_ENDS = re.compile(rb'"data_offsets"\s*:\s*\[\s*\d{1,20}\s*,\s*(\d{1,20})\s*\]')
_PICKLE_0 = b"(c]}"
"""First opcodes of pickles of protocols 0 and 1 that hold an object, a list or a dictionary."""


def binary_kind(file: BinaryIO, total: int, cap: int) -> str:
    """The kind of an open file of `total` bytes; see :func:`lth_engine.gate.raw.kind`."""
    file.seek(0)
    head = file.read(HEAD)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return zip_kind(file, total, cap)
    if head[:1] == b"\x80" and head[2:].startswith(LEGACY):
        return "torch legacy"
    at = _hdf5(file, total)
    if at is not None:
        _hdf5_rules(file, at, total)
        return "hdf5"
    if head.startswith(npy_header.MAGIC):
        _npy_rules(file, total)
        return "npy"
    if _is_safetensors(head):
        _safetensors_rules(file, head, total)
        return "safetensors"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    _no_weights(head, total)
    file.seek(total - 1)
    if head[0] in _PICKLE_0 and file.read(1) == b".":
        return "pickle"
    raise FileUnreadable("This is no kind of file that is known here: save `model.state_dict()` with torch.save or as "
                         "safetensors, or bring an .npz, .npy or HDF5 file.")


def _hdf5(file: BinaryIO, total: int) -> int | None:
    """Where an HDF5 file begins: at 0, 512, 1024, 2048, ... (HDF5 specification II.A)."""
    at = 0
    while at + len(HDF5) <= total:
        file.seek(at)
        if file.read(len(HDF5)) == HDF5:
            return at
        at = at * 2 or 512
    return None


def _hdf5_rules(file: BinaryIO, at: int, total: int) -> None:
    """The end that the superblock states (HDF5 specification II.A) lies within the file."""
    file.seek(at)
    head = file.read(64)
    version = head[8] if len(head) > 8 else 255
    if version in (0, 1):
        wide, where = head[13:14], 24 + 4 * version
    elif version in (2, 3):
        wide, where = head[9:10], 12
    else:
        raise FileUnreadable("The file is damaged: it begins as HDF5 and goes on otherwise. Copy or save it "
                             "again.")
    step = wide[0] if wide else 0
    end = int.from_bytes(head[where + 2 * step:where + 3 * step], "little")
    if step not in (2, 4, 8) or not end:
        raise FileUnreadable("The file is damaged: it begins as HDF5 and goes on otherwise. Copy or save it "
                             "again.")
    if end > total:
        raise FileUnreadable(f"The file stops early ({part(total, end)}).")


def _npy_rules(file: BinaryIO, total: int) -> None:
    file.seek(0)
    says = npy_header.declared(file.read(npy_header.LONGEST))
    if says is None:
        return
    whole = says.header + says.array
    if whole > max(total, BOMB):
        held = max(0, total - says.header) // says.each
        raise FileRefused(f"Refused: the file is {size(total)} but describes {size(says.array)} (array `array`, "
                          f"{stored_values(says.values, held)}). Save the array itself with numpy.save.")
    if whole > total:
        raise FileUnreadable(f"The file stops early ({part(total, whole)}).")


def _is_safetensors(head: bytes) -> bool:
    """Eight bytes of length and a JSON object (safetensors README, "Format")."""
    return len(head) >= 10 and head[8:9] == b"{" and head[9:10] in b'"} \t\r\n'


def _safetensors_rules(file: BinaryIO, head: bytes, total: int) -> None:
    header = int.from_bytes(head[:8], "little")
    if header > SAFETENSORS_HEADER:
        raise FileRefused(f"Refused: the file is {size(total)} and says that its safetensors header alone is "
                          f"{size(header)}; at most {size(SAFETENSORS_HEADER)} are read.")
    if 8 + header > total:
        raise FileUnreadable(f"The file stops early ({part(total, 8 + header).replace(' of ', ' of at least ')}).")
    file.seek(8)
    ends = max((int(found[1]) for found in _ENDS.finditer(file.read(header))), default=0)
    whole = 8 + header + ends
    if whole > max(total, BOMB):
        raise FileRefused(f"Refused: the file is {size(total)} but describes {size(ends)}; save it again "
                          "with safetensors.")
    if whole > total:
        raise FileUnreadable(f"The file stops early ({part(total, whole)}).")


def _no_weights(head: bytes, total: int) -> None:
    """Say what else it is.

    Raises:
        FileUnreadable: it is something else that is known.
        FileRefused: it is the tar of an early torch.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    if head.startswith(b"version https://git-lfs"):
        raise FileUnreadable(f"This is a Git-LFS pointer ({size(total)}), not the weights: run `git lfs pull`.")
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        raise FileUnreadable("This is a web page.")
    if head[257:262] == b"ustar":
        raise FileRefused("This is a tar archive, as torch before 0.4 wrote; load it there and save "
                          "`model.state_dict()` again, or unpack it and bring the checkpoint that is in it.")
    for magic, what in OTHERS:
        if head.startswith(magic):
            raise FileUnreadable(f"This is {what}, not a set of weights: bring the checkpoint itself.")
    if start[:1] in (b"{", b"[", b"<", b"#"):
        raise FileUnreadable("This is a text file, not a set of weights: bring the checkpoint itself.")
