"""The clean copy of a file: a plain safetensors file that we write tensor by tensor, and all else about it.

Everything after the gate reads this copy only. Header: the tensors by their paths in Contents, in the file's order;
the metadata's "lottery_lab" is JSON of what Contents holds besides tensors, and of what the caller adds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from lth_engine.core.errors import FileUnreadable
from lth_engine.importing import safetensors_file
from lth_engine.importing.contents import Contents

ENTRY = "lottery_lab"

_NAMES = {dtype: name for name, dtype in safetensors_file.DTYPES.items()}
_PIECE = 1 << 22
"""Bytes that are written at a time."""


def write(contents: Contents, out: BinaryIO, extra: Mapping[str, Any] | None = None) -> None:
    """Write a clean copy; tensors that others share are named in the metadata, not written twice.

    Args:
        contents: what a file holds.
        out: written from its position on, without seeking; a pipe will do.
        extra: JSON values to keep with it, as the hash and the name of the original.
    """
    own = {path: tensor for path, tensor in contents.tensors.items() if path not in contents.shared}
    # Wide types first, so that every tensor begins at a multiple of its type's size.
    order = sorted(own, key=lambda path: -own[path].element_size())
    places, at = {}, 0
    for path in order:
        size = own[path].numel() * own[path].element_size()
        places[path], at = [at, at + size], at + size
    header: dict[str, Any] = {"__metadata__": {ENTRY: json.dumps(_about(contents, extra or {}))}}
    header |= {path: {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": places[path]}
               for path, tensor in own.items()}
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    out.write(len(raw).to_bytes(8, "little") + raw)
    for path in order:
        values = memoryview(own[path].detach().contiguous().reshape(-1).view(torch.uint8).numpy())
        for start in range(0, len(values), _PIECE):
            _write_all(out, values[start:start + _PIECE])


def read_clean(path: Path | BinaryIO) -> tuple[Contents, dict[str, Any]]:
    """A clean copy back: the same Contents, and what was added to it.

    Raises:
        FileUnreadable: it is damaged, or no clean copy.
    """
    if isinstance(path, Path):
        with path.open("rb") as file:
            return read_clean(file)
    end = path.seek(0, 2)
    path.seek(0)
    held, metadata = safetensors_file.load(path, end)
    try:
        about = json.loads(metadata[ENTRY])
        shared: dict[str, str] = about["shared"]
        tensors = {name: held[shared.get(name, name)] for name in about["order"]}
        return Contents(about["format"], tensors, frozenset(about["parameters"]), about["facts"], about["ignored"],
                        shared, tuple(about["notes"])), about["extra"]
    except (KeyError, ValueError, TypeError) as error:
        raise FileUnreadable("This is no clean copy that the lab wrote. Open the original file again.") from error


def _about(contents: Contents, extra: Mapping[str, Any]) -> dict[str, Any]:
    return {"format": contents.format, "order": list(contents.tensors), "parameters": sorted(contents.parameters),
            "facts": dict(contents.facts), "ignored": dict(contents.ignored), "shared": dict(contents.shared),
            "notes": list(contents.notes), "extra": dict(extra)}


def _write_all(out: BinaryIO, piece: memoryview) -> None:
    """Write a piece; a raw pipe may take it in parts."""
    while piece:
        piece = piece[out.write(piece) or 0:]
