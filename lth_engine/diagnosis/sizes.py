"""What a network takes in bytes: dense, zipped, as packed mask and kept values, and as sparse rows."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import torch

from lth_engine.diagnosis.anatomy import Anatomy, Layer

WHOLE = 1_000_000
"""Bytes of a tensor up to which it is zipped whole: zlib takes a second for 30 MB of weights."""

BLOCK = 50_000
"""Bytes of a piece of a larger tensor."""

BLOCKS = 16
"""Pieces of a larger tensor that are zipped, evenly spaced."""

INDEX = 4
"""Bytes of an index of sparse rows (32 bits)."""


@dataclass(frozen=True)
class Sizes:
    """Bytes of a network's tensors, without names and headers.

    Attributes:
        raw: as stored, masks applied but zeros kept.
        zipped: the same through zlib.
        estimated: whether the zipped size was estimated from pieces.
        packed: one bit a prunable weight of layers with zeros, the kept values, and all else as it is.
        sparse_rows: layers with zeros as compressed sparse rows, all else as it is.
    """

    raw: int
    zipped: int
    estimated: bool
    packed: int
    sparse_rows: int


def sizes(anatomy: Anatomy) -> Sizes:
    """The sizes of the network in a checkpoint, in its own precision."""
    layers = {layer.name: layer for layer in anatomy.prunable if layer.alive < layer.size and anatomy.sparse}
    raw = zipped = packed = sparse = 0
    estimated = False
    for name, value in anatomy.weights.items():
        held = _applied(anatomy, name, value)
        count, all_of_it = _zipped(held)
        size = value.numel() * value.element_size()
        raw, zipped, estimated = raw + size, zipped + count, estimated or not all_of_it
        packed += _packed(layers[name]) if name in layers else size
        sparse += _sparse_rows(layers[name]) if name in layers else size
    return Sizes(raw, zipped, estimated, packed, sparse)


def _applied(anatomy: Anatomy, name: str, value: torch.Tensor) -> torch.Tensor:
    mask = anatomy.checkpoint.sparse.masks.get(name)
    return value if mask is None else value.masked_fill(~mask, 0)


def _packed(layer: Layer) -> int:
    return (layer.size + 7) // 8 + layer.alive * layer.weight.element_size()


def _sparse_rows(layer: Layer) -> int:
    return layer.alive * (layer.weight.element_size() + INDEX) + INDEX * (layer.rows + 1)


def _zipped(value: torch.Tensor) -> tuple[int, bool]:
    """Zipped size, and whether all of the tensor was zipped."""
    data = memoryview(value.detach().contiguous().reshape(-1).view(torch.uint8).numpy())
    if len(data) <= WHOLE:
        return len(zlib.compress(data)), True
    starts = [index * (len(data) - BLOCK) // (BLOCKS - 1) for index in range(BLOCKS)]
    some = sum(len(zlib.compress(data[start:start + BLOCK])) for start in starts)
    return round(some / (BLOCKS * BLOCK) * len(data)), False
