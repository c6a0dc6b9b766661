"""Tensors by layer, in the order of the file or of the network's definition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

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


def natural(names: Iterable[str]) -> list[str]:
    """Names sorted with their numbers as numbers: block 2 before block 10."""
    return sorted(names, key=lambda name: [int(part) if part.isdecimal() else part
                                           for part in re.split(r"([0-9]+)", name)])


def merely_sorted(names: Iterable[str]) -> bool:
    """Whether names stand in the order of their letters, which tells nothing of the order of the layers.

    safetensors and HDF5 sort names; a program that defines a network has `weight` before `bias`.
    """
    found = list(names)
    return len(found) > 1 and (found == sorted(found) or found == sorted(found, key=lambda name: name.split(".")))


def exchangeable(shapes: Shapes) -> bool:
    """Whether two layers have tensors of the same names and shapes, so that only their order tells them apart."""
    layers: dict[str, list[object]] = {}
    for name, shape in shapes.items():
        layer, _, leaf = name.rpartition(".")
        if not name.endswith(HARMLESS):
            layers.setdefault(layer, []).append((leaf, shape))
    kinds_of_layers = [tuple(sorted(map(str, leaves))) for leaves in layers.values()]
    return len(set(kinds_of_layers)) < len(kinds_of_layers)
