"""Hostile npz, npy and safetensors files (section 7.2 of `users-and-security`)."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.hostile.case import Case, written
from tests.hostile.torch_archive import Asks


def npy(shape: str, values: bytes, descr: str = "'<f4'") -> bytes:
    """An npy file with any header."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + values


def objects(marker: Path) -> np.ndarray[Any, Any]:
    """An array whose pickle would create the marker."""
    array = np.empty(1, object)
    array[0] = Asks(os.system, f"touch {marker}")
    return array


def object_npy(folder: Path, marker: Path) -> Path:
    """As an npy file."""
    np.save(folder / "o.npy", objects(marker), allow_pickle=True)
    return folder / "o.npy"


def object_npz(folder: Path, marker: Path) -> Path:
    """As an npz file."""
    np.savez(folder / "o.npz", w=np.ones(2), x=objects(marker))
    return folder / "o.npz"


def mask_dict(folder: Path, marker: Path) -> Path:
    """An honest pickled dict of arrays, as pruning_is_enough writes its masks."""
    np.save(folder / "mask.npy", {"conv1.weight": np.eye(3, dtype=bool)}, allow_pickle=True)  # type: ignore[arg-type]
    return folder / "mask.npy"


def zipped(members: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> Any:
    """A maker of an npz file with any members."""
    def make(folder: Path, marker: Path) -> Path:
        with zipfile.ZipFile(folder / "z.npz", "w", packing) as out:
            for name, content in members.items():
                out.writestr(name, content)
        return folder / "z.npz"
    return make


def packed_zeros(folder: Path, marker: Path) -> Path:
    """300 MB of zeros in 0.3 MB."""
    np.savez_compressed(folder / "c.npz", w=np.zeros(75_000_000, np.float32))
    return folder / "c.npz"


def safetensors(header: Any, values: bytes = b"", length: int | None = None) -> Any:
    """A maker of a safetensors file with any header."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    content = (len(raw) if length is None else length).to_bytes(8, "little") + raw + values
    return lambda f, m: written(f, "s.safetensors", content)


def entry(shape: list[int], begin: int, end: int, kind: str = "F32") -> dict[str, Any]:
    """One tensor of a header."""
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


def half_npz(folder: Path, marker: Path) -> Path:
    """The first half of an honest npz file."""
    out = io.BytesIO()
    np.savez(out, w=np.ones(1000))
    return written(folder, "half.npz", out.getvalue()[:4000])


ST = "safetensors"

ARRAYS: dict[str, Case] = {
    "npy of objects": Case(object_npy, "npy", "refused", ("`posix.system`",)),
    "npz with an array of objects": Case(object_npz, "npz", "refused", ("`posix.system`",)),
    "npy of a pickled dict of arrays": Case(mask_dict, "npy", "read"),
    "npy declaring 100 GB": Case(lambda f, m: written(f, "d.npy", npy("(25000000000,)", b"\0" * 16)), "npy", "refused",
                                 ("describes 100 GB", "25 000 000 000 values over 4 stored values")),
    "npy declaring 8 GB": Case(lambda f, m: written(f, "d.npy", npy("(2000000000,)", b"\0" * 16)), "npy", "refused",
                               ("describes 8 GB",)),
    "npy declaring 0.4 GB": Case(lambda f, m: written(f, "d.npy", npy("(100000000,)", b"\0" * 16)), "npy",
                                 "unreadable", ("The file stops early",)),
    "npy with a header that is code": Case(
        lambda f, m: written(f, "d.npy", npy(f"__import__('os').system('touch {m}')", b"")), "npy", "unreadable"),
    "npz member declaring 100 GB": Case(zipped({"w.npy": npy("(25000000000,)", b"\0" * 16)}), "npz", "refused",
                                        ("describes 100 GB",)),
    "npz of 300 MB of zeros": Case(packed_zeros, "npz", "refused", ("describes 300 MB",), slow=True),
    "npz member ../../x": Case(zipped({"../../x.npy": npy("(1,)", b"\0" * 4)}), "npz", "refused"),
    "half an npz": Case(half_npz, "npz", "unreadable", ("stops early",)),
    "safetensors declaring 100 GB": Case(safetensors({"w": entry([25_000_000_000], 0, 100_000_000_000)}), ST,
                                         "refused", ("describes 100 GB",)),
    "safetensors that overlap": Case(
        safetensors({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, b"\0" * 12), ST,
                                     "unreadable", ("damaged",)),
    "safetensors with trailing bytes": Case(
        safetensors({"a": entry([2], 0, 8)}, b"\0" * 12), ST, "unreadable",
                                            ("damaged",)),
    "safetensors with a header of 2^62": Case(safetensors({}, b"", 1 << 62), ST, "refused"),
    "safetensors with a negative shape": Case(safetensors({"a": entry([-2], 0, 8)}, b"\0" * 8), ST, "unreadable"),
    "safetensors with the shape [0, 2^62]": Case(safetensors({"a": entry([0, 1 << 62], 0, 0)}), ST, "unreadable"),
    "safetensors with a name twice": Case(
        safetensors(b'{"a":%s,"a":%s}' % ((json.dumps(entry([1], 0, 1, "U8")).encode(),) * 2), b"\0"), ST,
        "unreadable"),
    "safetensors nested 100 000 deep": Case(safetensors(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), ST,
                                            "unreadable"),
    "half a safetensors file": Case(safetensors({"w": entry([1_200_000], 0, 4_800_000)}, b"\0" * 1_200_000), ST,
                                    "unreadable", ("The file stops early (1.2 of 4.8 MB).",)),
}
