"""Whether tensors are what they say, before anything is computed with them; the last gate of every format.

A file of 1.6 KB can describe 100 GB (one value, expanded), so what counts is what lies in storages. Limits: 7.3 of
`users-and-security`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from lth_engine.core import sizes
from lth_engine.core.errors import FileRefused
from lth_engine.importing import words
from lth_engine.importing.contents import Contents, Fact

CAP_BYTES = 1_000_000_000
"""Bytes of all tensors of a file together."""

FLOOR_BYTES, MOST_RATIO = 256_000_000, 1000
"""A file that unpacks to more than the floor and to more than 1000 times its stored bytes is refused (an honest mask
of ones packs 1009 : 1, and is small)."""

MOST_TENSORS, MOST_DEPTH, LONGEST_NAME = 20_000, 32, 256

DTYPES = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.uint8, torch.int8, torch.int16,
          torch.int32, torch.int64, torch.uint16, torch.uint32, torch.uint64, torch.bool}

META = ("Refused: a tensor has a shape but no values (device `meta`). Load the weights into the model, then save its "
        "`state_dict()`.")
SPARSE = "Refused: {} is stored in a sparse layout. Save `tensor.to_dense()` in its place."
QUANTISED = "Refused: {} is quantised. Save `tensor.dequantize()` in its place."


def contents(format: str, tensors: Mapping[str, torch.Tensor], file_bytes: int, *,
             parameters: Iterable[str] = (), facts: Mapping[str, Fact] | None = None,
             ignored: Mapping[str, int] | None = None, notes: Iterable[str] = ()) -> Contents:
    """The contents of a file whose tensors are sound: checked, dense, contiguous, without gradients.

    Raises:
        FileRefused: they are not, or there are none.
    """
    if not tensors:
        found = f" (found: {words.some(ignored)})" if ignored else ""
        raise FileRefused(f"This file holds no tensors{found}. Choose the file with the weights.")
    if len(tensors) > MOST_TENSORS:
        raise FileRefused(f"Refused: the file holds {sizes.number(len(tensors))} tensors; at most "
                          f"{sizes.number(MOST_TENSORS)} are read. Save the state dict of the network alone.")
    shared = _checked(tensors, file_bytes)
    dense: dict[str, torch.Tensor] = {}
    for path, tensor in tensors.items():
        dense[path] = dense[shared[path]] if path in shared else _dense(tensor)
    return Contents(format, dense, frozenset(parameters), facts or {}, ignored or {}, shared, tuple(notes))


def check_name(path: str) -> None:
    """Refuse a name that cannot be shown or kept. Raises FileRefused."""
    if len(path) > LONGEST_NAME or not path.isprintable() or path == "__metadata__":
        shown = "".join(c if c.isprintable() else "?" for c in path[:40])
        raise FileRefused(f"Refused: the name `{shown}` of a tensor is longer than {LONGEST_NAME} characters, not "
                          "printable, or reserved. Rename it and save again.")


def check_total(total: int, file_bytes: int, what: str) -> None:
    """Refuse a file that describes more than the cap. Raises FileRefused."""
    if total > CAP_BYTES:
        raise bomb(file_bytes, total, what)


def bomb(file_bytes: int, described: int, what: str) -> FileRefused:
    """The error for a file that describes far more than it holds."""
    return FileRefused(f"Refused: the file is {sizes.size(file_bytes)} but describes {sizes.size(described)} "
                       f"({what}).")


def values_over(kind: str, name: str, values: int, stored: int) -> str:
    """What a bomb says of itself: "tensor `w`, 25 000 000 000 values over 1 stored value"."""
    shown = "".join(c for c in name[:60] if c.isprintable() and c != "`")
    return f"{kind} `{shown}`, {words.counted(values, 'value')} over {words.counted(stored, 'stored value')}"


def _checked(tensors: Mapping[str, torch.Tensor], file_bytes: int) -> dict[str, str]:
    """Path -> the earlier path with the same storage, place and shape. Raises FileRefused."""
    storages: dict[int, int] = {}
    first: dict[tuple[object, ...], str] = {}
    shared: dict[str, str] = {}
    logical = 0
    for path, tensor in tensors.items():
        check_name(path)
        _check_one(path, tensor, file_bytes)
        storage = tensor.untyped_storage()
        place = (storage.data_ptr(), tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype)
        if tensor.numel() and place in first:
            shared[path] = first[place]
            continue
        first[place] = path
        storages[storage.data_ptr()] = storage.nbytes()
        logical += tensor.numel() * tensor.element_size()
    stored = sum(storages.values())
    check_total(max(stored, logical), file_bytes,
                f"{words.counted(len(tensors), 'tensor')} over {sizes.size(stored)} stored")
    return shared


def _check_one(path: str, tensor: torch.Tensor, file_bytes: int) -> None:
    if tensor.is_quantized:
        raise FileRefused(QUANTISED.format(f"tensor `{path}`"))
    if tensor.layout != torch.strided:
        raise FileRefused(SPARSE.format(f"tensor `{path}`"))
    if tensor.device.type == "meta":
        raise FileRefused(META)
    if tensor.device.type != "cpu" or type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        raise FileRefused(f"Refused: tensor `{path}` is a {type(tensor).__name__} on {tensor.device}. Save plain "
                          "tensors on the CPU.")
    if tensor.dtype not in DTYPES:
        raise FileRefused(f"Refused: tensor `{path}` has the type {str(tensor.dtype).removeprefix('torch.')}. Save it "
                          "as float32, or leave it out.")
    if tensor.numel() > tensor.untyped_storage().nbytes() // tensor.element_size():
        raise _expanded(path, tensor, file_bytes)


def _expanded(path: str, tensor: torch.Tensor, file_bytes: int) -> FileRefused:
    stored = tensor.untyped_storage().nbytes() // tensor.element_size()
    described = tensor.numel() * tensor.element_size()
    what = values_over("tensor", path, tensor.numel(), stored)
    if described > file_bytes:
        return bomb(file_bytes, described, what)
    return FileRefused(f"Refused: the file describes more than it holds ({what}). Save `tensor.contiguous()` in its "
                       "place.")


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    dense = tensor.detach().resolve_neg().contiguous()
    if dense.dtype == torch.bool:
        dense = dense.view(torch.uint8).ne(0)  # a file can hold bytes that are neither 0 nor 1
    return dense
