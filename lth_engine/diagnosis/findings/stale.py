"""Stale values under a mask: weights, and momentum, that the mask takes out and the file still holds."""

from __future__ import annotations

import re

import torch

from lth_engine.diagnosis.anatomy import Anatomy, Layer
from lth_engine.diagnosis.findings.finding import Finding, counted, percent

ABOUT = "health_stale"

_MOMENTUM = re.compile(r"(?:^|/)optim[^/]*/(?:.*/)?state/(\d+)/(momentum_buffer|exp_avg)$")
"""Path of the first moment of SGD and Adam in a file, and the number of the parameter that it belongs to."""


def find(anatomy: Anatomy) -> list[Finding]:
    """A note on weights under masks that are not 0, and one on momentum there."""
    masked = [layer for layer in anatomy.layers if layer.mask is not None]
    pruned = sum(int((~layer.mask).sum()) for layer in masked if layer.mask is not None)
    stale = sum(under(layer, layer.weight) for layer in masked)
    found = []
    if stale:
        found.append(Finding("stale", "note", f"{stale:,} of {pruned:,} weights under the masks "
                             f"({percent(stale / pruned)}) are stored with values other than 0: a program that "
                             "ignores "
                             "the masks sees another network. Here masks are always applied.", None, ABOUT))
    moving = [layer for layer, buffer in _momenta(anatomy) if under(layer, buffer)]
    if moving:
        found.append(Finding("stale", "note", f"The optimizer's momentum is not 0 under the masks of "
                             f"{counted(len(moving), 'layer')}: going on with training moves pruned weights unless "
                             "the "
                             "masks are applied after every step.", moving[0].name, ABOUT))
    return found


def under(layer: Layer, values: torch.Tensor) -> int:
    """Values that are not 0 where the mask of a layer is; 0 without a mask."""
    return 0 if layer.mask is None else int(torch.count_nonzero(values[~layer.mask]))


def _momenta(anatomy: Anatomy) -> list[tuple[Layer, torch.Tensor]]:
    """Layers with a mask and their momentum, where the order of parameters in the optimizer is that of the file."""
    buffers = {int(match[1]): value for path, value in anatomy.checkpoint.contents.tensors.items()
               if (match := _MOMENTUM.search(path))}
    learned = [name for name, value in anatomy.weights.items()
               if value.is_floating_point() and name.rsplit(".", 1)[-1] not in ("running_mean", "running_var")]
    if any(index >= len(learned) or anatomy.weights[learned[index]].shape != value.shape
           for index, value in buffers.items()):
        return []
    layers = {layer.name: layer for layer in anatomy.layers if layer.mask is not None}
    return [(layers[learned[index]], value) for index, value in buffers.items() if learned[index] in layers]
