"""Which zip it is: a file of torch.save, an .npz, or something that is no set of weights; and the rules of each."""

from __future__ import annotations

import os
import zlib
from typing import BinaryIO

from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.core.sizes import size, stored_values
from lth_engine.gate import npy_header
from lth_engine.gate.zip_directory import DAMAGED, DEFLATED, STORED, Member, data_start, members

SLACK = 1.05
"""Sizes of a torch file's members together over the size of the file, at most (users-and-security 7.3)."""

RATIO, RATIO_FROM = 1000, 256_000_000
"""An .npz member that unpacks to more than the second number may not be over the first times its packed size. An
honest all-ones mask compresses 1009:1, but is small."""

HEADERS = 256
"""Headers of arrays that are looked at here, in the process of the web pages; the child looks at all of them."""

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


def zip_kind(file: BinaryIO, total: int, cap: int) -> str:
    """Tell "torch zip" from "npz", by the names of the members, their declared sizes and the headers of arrays.

    Args:
        file: the zip; it is read by position.
        total: its size in bytes.
        cap: bytes that an .npz may declare.

    Raises:
        FileRefused: it breaks a rule, or is no set of weights.
        FileUnreadable: it is damaged or cut short.
    """
    found = [m for m in members(file, total) if not (m.name.endswith("/") and not m.size)]
    if not found:
        raise FileUnreadable("The zip is empty: bring the checkpoint itself.")
    for member in found:
        _sound(member)
    names = [member.name for member in found]
    if _is_program(names):
        raise FileRefused("This is a TorchScript program, not a set of weights. Save `model.state_dict()` and upload "
                          "that.")
    pickles = [name for name in names if name.rsplit("/", 1)[-1] == "data.pkl"]
    if pickles:
        if len(pickles) > 1:
            raise FileRefused(f"Refused: the zip has {len(pickles)} members data.pkl where torch.save writes "
                              "one; save it again with torch.save.")
        _torch_rules(found, total)
        return "torch zip"
    if all(name.endswith(".npy") for name in names):
        _npz_rules(file, found, total, cap)
        return "npz"
    raise FileRefused(_other(names))


def shown(name: str) -> str:
    """A name out of a file as a sentence quotes it: printable characters, not too many."""
    clean = "".join(c if c.isprintable() and c != "`" else "?" for c in name[:80])
    return f"`{clean}`" if len(name) <= 80 else f"`{clean}...`"


def _sound(member: Member) -> None:
    parts = member.name.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or parts[0][1:2] == ":" or "\0" in member.name:
        raise FileRefused(f"Refused: the zip names a member {shown(member.name)}, which lies outside of it; save "
                          "it again with torch.save or numpy.savez.")
    if member.encrypted:
        raise FileRefused("Refused: the zip is encrypted; bring it without a password.")
    if member.method not in (STORED, DEFLATED):
        raise FileRefused(f"Refused: member {shown(member.name)} of the zip is packed in a way that neither "
                          "torch.save nor NumPy uses; save it again with one of them.")
    if member.method == STORED and member.packed != member.size:
        raise FileUnreadable(DAMAGED)


def _is_program(names: list[str]) -> bool:
    """Whether torch.jit.save (or its mobile form) wrote it: a constants.pkl, bytecode.pkl or a folder code/."""
    inside = [name.split("/")[1:] for name in names]
    return any((parts[:1] == ["code"] and len(parts) > 1) or parts in (["constants.pkl"], ["bytecode.pkl"])
               for parts in inside)


def _torch_rules(found: list[Member], total: int) -> None:
    together = sum(member.size for member in found)
    packed = next((m for m in found if m.method != STORED), None)
    if together > SLACK * total:
        why = f"member {shown(packed.name)} is compressed, which torch.save never does" if packed else "by its zip"
        raise FileRefused(f"Refused: the file is {size(total)} but describes {size(together)} ({why}). Save it again "
                          "with torch.save.")
    if packed:
        raise FileRefused(f"Refused: member {shown(packed.name)} of the zip is compressed, which torch.save never "
                          "does; save it again with torch.save.")


def _npz_rules(file: BinaryIO, found: list[Member], total: int, cap: int) -> None:
    together = sum(member.size for member in found)
    dense = any(m.size > RATIO_FROM and m.size > RATIO * m.packed for m in found)
    if together > cap or dense:
        largest = max(found, key=lambda m: m.size)
        raise FileRefused(f"Refused: the file is {size(total)} but describes {size(together)} (array "
                          f"{shown(largest.name.removesuffix('.npy'))} alone {size(largest.size)}). Save fewer "
                          "or smaller arrays.")
    for member in found[:HEADERS]:
        says = npy_header.declared(_beginning(file, member))
        if says is None:
            continue
        name = shown(member.name.removesuffix(".npy"))
        if says.array > cap:
            held = max(0, member.size - says.header) // says.each
            raise FileRefused(f"Refused: the file is {size(total)} but describes {size(says.array)} (array {name}, "
                              f"{stored_values(says.values, held)}). Save the array itself with numpy.savez.")
        if says.header + says.array != member.size:
            raise FileUnreadable(f"The file is damaged: array {name} should have {size(says.array)} and has "
                                 f"{size(max(0, member.size - says.header))}. Copy or save it again.")


def _beginning(file: BinaryIO, member: Member) -> bytes:
    """The first bytes of a member; none where they cannot be unpacked."""
    file.seek(data_start(file, member))
    head = file.read(min(member.packed, npy_header.LONGEST))
    if member.method == STORED:
        return head
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(head, npy_header.LONGEST)
    except zlib.error as error:
        raise FileUnreadable(f"The file is damaged: {shown(member.name)} cannot be unpacked. Copy or save it "
                             "again.") from error


def _other(names: list[str]) -> str:
    """The sentence about a zip that is no set of weights."""
    endings = [os.path.splitext(name)[1].lower() for name in names]
    if sum(ending in PICTURES for ending in endings) * 2 > len(names):
        return f"This is a zip of {len(names):,} pictures, not a set of weights: bring it as own images."
    if any(".data/" in name for name in names):
        return "This is a torch.package of code, not a set of weights: save `model.state_dict()` and upload that."
    first = ", ".join(shown(name) for name in names[:3]) + (", ..." if len(names) > 3 else "")
    return (f"This is a zip of {len(names):,} file{'s' if len(names) > 1 else ''} ({first}), not a set of weights: "
            "unpack it and bring the checkpoint that is in it.")
