"""safetensors: eight bytes of header length, a JSON header, the values; every claim of the header is checked.

Own reader: the format is forty lines, and so it reads from an open file, keeps the order of the header, and says
in words what is wrong. Source: the format's description in the safetensors repository.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from typing import Any, BinaryIO

import torch

from lth_engine.core import sizes
from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.importing import sound, words
from lth_engine.importing.contents import Contents, Fact

DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U64": torch.uint64, "U32": torch.uint32,
    "U16": torch.uint16, "U8": torch.uint8, "BOOL": torch.bool,
}
"""The format's name of a type -> the type."""

MOST_HEADER = 16_000_000
"""Bytes of the header; 20 000 tensors need 3 MB."""

DAMAGED = "The file is damaged: {}. Copy or save it again."


def read_file(file: BinaryIO, file_bytes: int) -> Contents:
    """The contents of a safetensors file. Raises FileRefused, FileUnreadable."""
    tensors, metadata = load(file, file_bytes)
    facts: dict[str, Fact] = {name: text for name, text in list(metadata.items())[:1000]
                              if len(name) <= 256 and len(text) <= 200 and (name + text).isprintable()}
    return sound.contents("safetensors", tensors, file_bytes, facts=facts)


def load(file: BinaryIO, file_bytes: int) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors in the header's order and the texts of its metadata. Raises FileRefused, FileUnreadable."""
    header, start = _header(file, file_bytes)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise FileUnreadable(DAMAGED.format("its metadata are no texts"))
    if len(header) > sound.MOST_TENSORS:
        raise FileRefused(f"Refused: the file holds {sizes.number(len(header))} tensors; at most "
                          f"{sizes.number(sound.MOST_TENSORS)} are read.")
    spans = _spans(header, file_bytes, start)
    total = max((end for _, _, _, end in spans.values()), default=0)
    if total > sound.CAP_BYTES:
        raise sound.bomb(file_bytes, total, words.counted(len(spans), "tensor"))
    if start + total > file_bytes:
        raise FileUnreadable(words.early(file_bytes, start + total))
    if start + total < file_bytes:
        raise FileUnreadable(DAMAGED.format(f"{sizes.size(file_bytes - start - total)} follow the last tensor"))
    values = bytearray(total)
    if file.readinto(values) != total:  # type: ignore[attr-defined]
        raise FileUnreadable(words.early(file_bytes, start + total))
    return {name: _tensor(values, *span) for name, span in spans.items()}, metadata


def _header(file: BinaryIO, file_bytes: int) -> tuple[dict[str, Any], int]:
    length = int.from_bytes(file.read(8), "little")
    if length > MOST_HEADER:
        raise FileRefused(f"Refused: the header would have {sizes.size(length)}; at most {sizes.size(MOST_HEADER)} "
                          "are read.")
    if file_bytes < 8 + length:
        raise FileUnreadable(words.early(file_bytes, 8 + length))
    try:
        header = json.loads(file.read(length), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise FileUnreadable(DAMAGED.format("its header is no JSON, or names something twice")) from None
    if not isinstance(header, dict):
        raise FileUnreadable(DAMAGED.format("its header lists no tensors"))
    return header, 8 + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found


def _spans(header: Mapping[str, Any], file_bytes: int, start: int
           ) -> dict[str, tuple[torch.dtype, tuple[int, ...], int, int]]:
    """Name -> type, shape, first and last byte, checked: sizes fit, nothing overlaps, no holes."""
    found = {}
    for name, entry in header.items():
        try:
            kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        except (TypeError, KeyError, ValueError):
            raise FileUnreadable(DAMAGED.format("a tensor has no type, shape or place")) from None
        whole = isinstance(shape, list) and all(type(n) is int and 0 <= n < 1 << 62 for n in (*shape, begin, end))
        if not whole or not isinstance(kind, str) or len(shape) > 64:
            raise FileUnreadable(DAMAGED.format("a shape or a place is no list of numbers"))
        if kind not in DTYPES:
            shown = "".join(c for c in kind[:20] if c.isprintable())
            raise FileRefused(f"Refused: a tensor has the type {shown}. Save it as F32, or leave it out.")
        described = prod(shape) * DTYPES[kind].itemsize
        if described != end - begin:
            if described > max(file_bytes, sound.CAP_BYTES):
                held = max(0, min(end, file_bytes - start) - begin) // DTYPES[kind].itemsize
                raise sound.bomb(file_bytes, described, sound.values_over("tensor", name, prod(shape), held))
            raise FileUnreadable(DAMAGED.format("a tensor's shape and its values differ in size"))
        found[name] = (DTYPES[kind], tuple(shape), begin, end)
    at = 0
    for _, _, begin, end in sorted(found.values(), key=lambda span: span[2:]):
        if begin != at:
            raise FileUnreadable(DAMAGED.format("the values of its tensors overlap or leave holes"))
        at = end
    return found


def _tensor(values: bytearray, dtype: torch.dtype, shape: tuple[int, ...], begin: int, end: int) -> torch.Tensor:
    if begin == end:
        return torch.empty(shape, dtype=dtype)
    raw = values if begin % dtype.itemsize == 0 else values[begin:end]
    first = begin if raw is values else 0
    return torch.frombuffer(raw, dtype=dtype, count=(end - begin) // dtype.itemsize, offset=first).reshape(shape)
