"""npz and npy: arrays of numbers; arrays of objects are read by the inert pickle reader, and never by numpy's.

numpy's own reader is not used: it reserves what a header declares before it looks whether that is there.
"""

from __future__ import annotations

import ast
import zipfile
from math import prod
from typing import Any, BinaryIO

import numpy as np
import torch

from lth_engine.core import sizes
from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.importing import sound, words
from lth_engine.importing.contents import Contents
from lth_engine.importing.inert import Machine
from lth_engine.importing.pickle_file import inert
from lth_engine.importing.torch_file import notes
from lth_engine.importing.tree import Flat

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000
_NO_NPY = "This is no array of numpy. Save it with numpy.save or numpy.savez."
_MOST_PICKLE = 200_000_000


def read_npy(file: BinaryIO, file_bytes: int) -> Contents:
    """The array of an npy file, as "array", or the arrays of a pickled dict. Raises FileRefused, FileUnreadable."""
    flat = Flat()
    _read_array(file, file_bytes, "", file_bytes, flat)
    return sound.contents("npy", flat.tensors, file_bytes, facts=flat.facts, ignored=flat.ignored, notes=notes(flat))


def read_npz(file: BinaryIO, file_bytes: int) -> Contents:
    """The arrays of an npz archive by their names. Raises FileRefused, FileUnreadable."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
        raise FileUnreadable(f"The file stops early or is damaged ({sizes.size(file_bytes)}): the list of its "
                             "contents, which stands at its end, is missing. Copy it again.") from None
    infos = archive.infolist()
    _check_members(infos, file_bytes)
    flat = Flat()
    for info in infos:
        try:
            with archive.open(info) as member:
                _read_array(member, info.file_size, info.filename.removesuffix(".npy"), file_bytes, flat)
        except (zipfile.BadZipFile, zipfile.zlib.error, NotImplementedError, RuntimeError, EOFError,
                ValueError, OSError) as error:
            raise FileUnreadable("The file is damaged: an array differs from its checksum. Copy it again.") from error
    return sound.contents("npz", flat.tensors, file_bytes, facts=flat.facts, ignored=flat.ignored, notes=notes(flat))


def _check_members(infos: list[zipfile.ZipInfo], file_bytes: int) -> None:
    total = sum(info.file_size for info in infos)
    if len(infos) > sound.MOST_TENSORS:
        raise FileRefused(f"Refused: the archive has {sizes.number(len(infos))} members; at most "
                          f"{sizes.number(sound.MOST_TENSORS)} are read.")
    if len({info.filename for info in infos}) < len(infos):
        raise FileRefused("Refused: the archive holds two members of one name. Save it again with numpy.savez.")
    if any(i.filename.startswith(("/", "\\")) or ".." in i.filename.replace("\\", "/").split("/") for i in infos):
        raise FileRefused("Refused: a member of the archive names a place outside of it. Nothing was written.")
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
        raise FileRefused("Refused: the archive is compressed as numpy never does. Save it with numpy.savez.")
    if total > sound.CAP_BYTES or (total > sound.FLOOR_BYTES and total > sound.MOST_RATIO * file_bytes):
        raise sound.bomb(file_bytes, total, words.counted(len(infos), "array"))


def _read_array(member: Any, size: int, name: str, file_bytes: int, flat: Flat) -> None:
    """Read one npy stream of `size` bytes into `flat`."""
    dtype, shape, fortran, start = _header(member)
    if dtype == "O":
        _read_objects(member, size - start, name, flat)
        return
    kind = _number_type(dtype)
    if kind is None:
        flat.ignore(f"numpy array of type {dtype[:20]}")
        return
    values, stored = prod(shape), (size - start) // kind.itemsize
    if values * kind.itemsize != size - start:
        if values * kind.itemsize > sound.CAP_BYTES:
            raise sound.bomb(file_bytes, values * kind.itemsize,
                             sound.values_over("array", name or "array", values, stored))
        if values * kind.itemsize > size - start:
            raise FileUnreadable(words.early(size, start + values * kind.itemsize))
        raise FileUnreadable("The file is damaged: more values than its shape says. Save it again.")
    raw = member.read(size - start)
    if len(raw) != size - start:
        raise FileUnreadable(words.early(start + len(raw), size))
    array = np.frombuffer(raw, kind).reshape(shape, order="F" if fortran else "C")
    flat.tensor(name or "array", torch.from_numpy(array.astype(kind.newbyteorder("="), order="C")), parameter=False)


def _header(member: Any) -> tuple[str, tuple[int, ...], bool, int]:
    """Type, shape, whether in Fortran order, and where the values begin."""
    head = member.read(10)
    if len(head) < 10 or head[:6] != _MAGIC or head[6] not in (1, 2, 3):
        raise FileUnreadable(_NO_NPY)
    more = b"" if head[6] == 1 else member.read(2)
    length = int.from_bytes(head[8:] + more, "little")
    raw = member.read(length) if length <= _LONGEST_HEADER else b""
    try:
        fields = ast.literal_eval(raw.decode("latin1").strip())
        dtype, shape, fortran = fields["descr"], fields["shape"], bool(fields["fortran_order"])
        if not all(type(n) is int and 0 <= n < 1 << 62 for n in shape) or len(shape) > 32:
            raise ValueError
    except (ValueError, SyntaxError, KeyError, TypeError, RecursionError, MemoryError):
        raise FileUnreadable("The file is damaged: its header gives no shape and type. Save it again.") from None
    if not isinstance(dtype, str):
        return "of records", tuple(shape), fortran, 10 + len(more) + length
    return dtype.lstrip("|"), tuple(shape), fortran, 10 + len(more) + length


def _number_type(dtype: str) -> np.dtype[Any] | None:
    try:
        kind = np.dtype(dtype)
    except (TypeError, ValueError):
        return None
    return kind if kind.kind in "biuf" and kind.itemsize <= 8 and kind.subdtype is None else None


def _read_objects(member: Any, size: int, name: str, flat: Flat) -> None:
    """The arrays in an array of objects: the pickle behind the header, read inertly."""
    if size > _MOST_PICKLE:
        raise FileRefused(f"Refused: an array of objects of {sizes.size(size)}. Save numbers, without objects.")
    machine = Machine(member.read(size))
    root = machine.load()
    found = inert(machine, root)
    for path, tensor in found.tensors.items():
        flat.tensor(f"{name}/{path}" if name else path, tensor, parameter=False)
    for path, fact in found.facts.items():
        flat.fact(f"{name}/{path}" if name else path, fact)
    for kind, count in found.ignored.items():
        for _ in range(min(count, 1000)):
            flat.ignore(kind)
    flat.notes.extend(found.notes)
