"""Files of torch.save written by hand, so that they can lie."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


class Stored:
    """A reference to a storage, as torch writes it."""

    def __init__(self, count: int, kind: Any = torch.FloatStorage, key: str = "0", location: str = "cpu") -> None:
        self.pid = ("storage", kind, key, location, count)


class Asks:
    """An object whose pickle asks to call a function."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.asked = (function, args)

    def __reduce__(self) -> Any:
        return self.asked


def tensor(count: int, size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0, **stored: Any) -> Asks:
    """A tensor over a storage of `count` values, whatever that storage really holds."""
    return Asks(torch._utils._rebuild_tensor_v2, Stored(count, **stored), offset, size, stride, False, OrderedDict())


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        return value.pid if isinstance(value, Stored) else None


def pickled(value: Any, protocol: int = 2) -> bytes:
    """A pickle with references to storages."""
    out = io.BytesIO()
    _Pickler(out, protocol).dump(value)
    return out.getvalue()


def archive(path: Path, content: bytes, records: dict[str, bytes] | None = None, more: dict[str, bytes] | None = None,
            packing: int = zipfile.ZIP_STORED) -> Path:
    """A zip file as torch.save writes it, around any pickle."""
    with zipfile.ZipFile(path, "w", packing) as out:
        out.writestr("archive/data.pkl", content)
        out.writestr("archive/byteorder", b"little")
        for key, values in (records or {}).items():
            out.writestr(f"archive/data/{key}", values)
        out.writestr("archive/version", b"3\n")
        for name, values in (more or {}).items():
            out.writestr(name, values)
    return path


def legacy(path: Path, content: bytes, keys: list[str] | None = None, values: bytes = b"") -> Path:
    """A file of torch.save before 1.6 around any pickle."""
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = b"".join(pickle.dumps(part, 2) for part in (LEGACY_MAGIC, 1001, machine))
    path.write_bytes(head + content + pickle.dumps(keys or [], 2) + values)
    return path


def saved(path: Path, value: Any, **options: Any) -> Path:
    """A file that torch.save itself writes."""
    torch.save(value, path, **options)
    return path
