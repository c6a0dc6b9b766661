"""Hostile HDF5 files (section 7.2 of `users-and-security`)."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

from tests.hostile.case import Case, written

SELF = "Only self-contained HDF5 is accepted."


def file(fill: Callable[[h5py.File, Path], Any], **options: Any) -> Callable[[Path, Path], Path]:
    """A maker of a file that `fill` fills; it is given the folder too."""
    def make(folder: Path, marker: Path) -> Path:
        with h5py.File(folder / "f.h5", "w", **options) as out:
            fill(out, folder)
        return folder / "f.h5"
    return make


def secret(folder: Path) -> Path:
    """A file outside the upload that must not be read."""
    return written(folder, "secret.bin", b"secret " * 100)


def other(folder: Path) -> Path:
    """Another HDF5 file that must not be read."""
    with h5py.File(folder / "other.h5", "w") as out:
        out["w"] = np.full(4, 42.0)
    return folder / "other.h5"


def external(out: h5py.File, folder: Path) -> None:
    out.create_dataset("w", (100,), "u1", external=[(str(secret(folder)), 0, 100)])


def linked(name: Callable[[Path], str]) -> Callable[[h5py.File, Path], None]:
    def fill(out: h5py.File, folder: Path) -> None:
        other(folder)
        out["x"] = h5py.ExternalLink(name(folder), "/w")
    return fill


def virtual(out: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(str(other(folder)), "w", (4,))
    out.create_virtual_dataset("w", layout)


def soft_loop(out: h5py.File, folder: Path) -> None:
    out["w"] = np.ones(2)
    out["a"], out["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")


def hard_loop(out: h5py.File, folder: Path) -> None:
    out["group/w"] = np.ones(2)
    out["group/again"] = out["/"]


def low_level(out: h5py.File, shape: int, chunk: int, most: int | None = None) -> Any:
    """Settings and a space of a dataset of floats with chunks."""
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk((chunk,))
    return plist, h5s.create_simple((shape,), (most or shape,))


def large_chunk(out: h5py.File, folder: Path) -> None:
    plist, space = low_level(out, 1, 500_000_000, h5s.UNLIMITED)
    plist.set_deflate(1)
    h5d.create(out.id, b"w", h5t.NATIVE_FLOAT, space, plist)
    out["w"].id.write_direct_chunk((0,), zlib.compress(bytes(1000)))


def packed_zeros(out: h5py.File, folder: Path) -> None:
    plist, space = low_level(out, 225_000_000, 2_500_000)
    plist.set_deflate(9)
    dataset = h5d.create(out.id, b"w", h5t.NATIVE_FLOAT, space, plist)
    chunk = zlib.compress(bytes(10_000_000), 9)
    for start in range(0, 225_000_000, 2_500_000):
        dataset.write_direct_chunk((start,), chunk)


def inflating_chunk(out: h5py.File, folder: Path) -> None:
    """A dataset of 4 KB whose only chunk unpacks to 100 MB; HDF5 would unpack it all."""
    plist, space = low_level(out, 1000, 1000)
    plist.set_deflate(9)
    packed = zlib.compress(bytes(100_000_000), 9)
    h5d.create(out.id, b"w", h5t.NATIVE_FLOAT, space, plist).write_direct_chunk((0,), packed)


def packed_twice(out: h5py.File, folder: Path) -> None:
    """The same packed twice: 0.5 KB."""
    plist, space = low_level(out, 1000, 1000)
    for _ in range(2):
        plist.set_filter(h5py.h5z.FILTER_DEFLATE, 0, (1,))
    packed = zlib.compress(zlib.compress(bytes(100_000_000), 9), 9)
    h5d.create(out.id, b"w", h5t.NATIVE_FLOAT, space, plist).write_direct_chunk((0,), packed)


def unknown_filter(out: h5py.File, folder: Path) -> None:
    plist, space = low_level(out, 100, 100)
    plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    h5d.create(out.id, b"w", h5t.NATIVE_FLOAT, space, plist)


def odd_names(out: h5py.File, folder: Path) -> None:
    out["<img src=x onerror=alert(1)>"] = np.ones(2)
    out["../../x"] = np.ones(3)


def many(out: h5py.File, folder: Path) -> None:
    for index in range(20):
        out.create_dataset(f"w{index}", (50_000_000,), "f4", chunks=(1_000_000,))


def deep(out: h5py.File, folder: Path) -> None:
    out["/".join("g" * 60) + "/w"] = np.ones(2)


def large_attribute(out: h5py.File, folder: Path) -> None:
    out["w"] = np.ones(2)
    out.attrs["large"] = np.zeros(500_000)


def lying_bits(out: h5py.File, folder: Path) -> None:
    """The lab's own format, with an array of packed bits that says it is larger than it is."""
    out.attrs["schema_version"], out.attrs["content_sha256"] = 1, np.bytes_("0" * 64)
    out["mask/w"] = np.zeros(4, np.uint8)
    out["mask/w"].attrs["encoding"] = np.bytes_("bits")
    out["mask/w"].attrs["shape"] = np.array([900_000_000])


def half(folder: Path, marker: Path) -> Path:
    """The first half of an honest file."""
    with h5py.File(folder / "whole.h5", "w") as out:
        out["w"] = np.ones(300_000, np.float32)
    whole = (folder / "whole.h5").read_bytes()
    return written(folder, "half.h5", whole[:600_000])


def endless(folder: Path, marker: Path) -> Path:
    """An honest file whose heap of names has a list of free places that leads back to itself: HDF5 2.0 follows
    it, taking memory, until a limit ends it. The place: HDF5's format, "Local Heap" (first free place, address of the
    data)."""
    path = file(lambda out, f: out.create_dataset("w", data=np.ones(4)))(folder, marker)
    raw = bytearray(path.read_bytes())
    heap = raw.index(b"HEAP")
    first, data = (int.from_bytes(raw[heap + at:heap + at + 8], "little") for at in (16, 24))
    raw[data + first:data + first + 8] = first.to_bytes(8, "little")
    path.write_bytes(raw)
    return path


HDF5: dict[str, Case] = {
    "external raw storage": Case(file(external), "hdf5", "refused", (
        f"Refused: dataset `/w` keeps its data in another file. {SELF}",)),
    "external link, absolute": Case(
        file(linked(lambda f: str(f / "other.h5"))), "hdf5", "refused", ("another file", SELF)),
    "external link, relative": Case(
        file(linked(lambda f: f"../{f.name}/other.h5")), "hdf5", "refused", ("another file", SELF)),
    "virtual dataset": Case(file(virtual), "hdf5", "refused", ("`/w`", SELF)),
    "loop of soft links": Case(file(soft_loop), "hdf5", "refused", ("soft link",)),
    "loop of hard links": Case(file(hard_loop), "hdf5", "read"),
    "declares 100 GB": Case(
        file(lambda out, f: out.create_dataset("w", (25_000_000_000,), "f4", chunks=(1_000_000,))), "hdf5", "refused",
        ("describes 100 GB", "25 000 000 000 values over 0 stored values")),
    "a chunk of 2 GB": Case(file(large_chunk), "hdf5", "refused", ("chunks of 2 GB",)),
    "0.9 GB of zeros": Case(file(packed_zeros), "hdf5", "refused", ("describes 900 MB",)),
    "a chunk that unpacks to 100 MB": Case(file(inflating_chunk), "hdf5", "refused", ("more than the 4 KB",)),
    "a chunk packed twice": Case(file(packed_twice), "hdf5", "refused", ("packed twice",)),
    "unknown filter 32015": Case(file(unknown_filter), "hdf5", "refused", ("filter 32015",)),
    "odd names": Case(file(odd_names), "hdf5", "read"),
    "twenty arrays of 200 MB": Case(file(many), "hdf5", "refused", ("describes",)),
    "sixty groups deep": Case(file(deep), "hdf5", "refused", ("deep",)),
    "an attribute of 4 MB": Case(file(large_attribute, libver="latest"), "hdf5", "read"),
    "lab file with lying bits": Case(file(lying_bits), "hdf5", "unreadable", ("encoded wrongly",)),
    "half an HDF5 file": Case(half, "hdf5", "unreadable", ("The file stops early (0.6 of 1.2 MB).",)),
}

ENDLESS: dict[str, Case] = {
    "a free list that is a loop": Case(endless, "hdf5", "unreadable", seconds=25, slow=True),
}
"""Files on which a library never ends: only the limits of a process answer them."""
