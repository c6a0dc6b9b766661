"""Tensors by layer, in the order of the file or of the network's definition."""

from __future__ import annotations

from collections.abc import Mapping

from lth_engine.importing.fit import HARMLESS
from lth_engine.importing.skeleton import STATISTICS, Shapes

Layers = Mapping[str, Mapping[str, int]]
"""Layer -> last part of a tensor's name -> its dimensions."""


def layers_of(shapes: Shapes) -> Layers:
    """Layers with their tensors, without counters, constants and running statistics."""
    layers: dict[str, dict[str, int]] = {}
    for name, shape in shapes.items():
        layer, _, leaf = name.rpartition(".")
        if not name.endswith(HARMLESS) and leaf not in STATISTICS:
            layers.setdefault(layer, {})[leaf] = len(shape)
    return layers


def kinds(layers: Layers) -> str:
    """The sequence of the layers' kinds: which tensors of how many dimensions each has."""
    return ";".join(",".join(f"{leaf}{dims}" for leaf, dims in sorted(leaves.items())) for leaves in layers.values())


def by_position(found: Shapes, wanted: Shapes) -> dict[str, str]:
    """Name in the file -> name in a network of the same kinds of layers, first to first and so on."""
    pairs = dict(zip(layers_of(found), layers_of(wanted), strict=True))
    renaming = {}
    for name in found:
        layer, _, leaf = name.rpartition(".")
        if layer in pairs:
            renaming[name] = f"{pairs[layer]}.{leaf}" if pairs[layer] else leaf
    return renaming
