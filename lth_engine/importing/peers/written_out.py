"""Networks of pruning_is_enough with what their program leaves out: norms without parameters, a last 1x1 convolution.

The function stays: batch normalisation without parameters has factors 1 and shifts 0; a 1x1 convolution of one
averaged pixel is a linear layer; no bias is a bias of 0 (pruning_is_enough, models/resnet_kaiming.py).
"""

from __future__ import annotations

from dataclasses import replace

import torch

from lth_engine.importing.contents import Contents

NOTE = "Batch normalisation is saved without factors and shifts: they are 1 and 0 here."

_STATISTICS, _LAST = "running_mean", "fc"


def written_out(contents: Contents) -> Contents:
    """The same network, or the same masks, with every parameter that the lab's networks have."""
    tensors: dict[str, torch.Tensor] = {}
    bare = False
    for path, value in contents.tensors.items():
        front, _, leaf = path.rpartition(".")
        layer = front.rpartition("/")[2].rpartition(".")[2]
        if layer == _LAST and value.dim() == 4 and value.shape[2:] == (1, 1):
            value = value.flatten(1)
        tensors[path] = value
        if leaf == _STATISTICS and f"{front}.weight" not in contents.tensors:
            bare = True
            tensors[f"{front}.weight"], tensors[f"{front}.bias"] = torch.ones_like(value), torch.zeros_like(value)
    if not bare:
        return replace(contents, tensors=tensors)
    for path in [p for p in tensors if p.endswith(f"{_LAST}.weight")]:
        bias = path.removesuffix("weight") + "bias"
        tensors.setdefault(bias, torch.zeros(tensors[path].shape[0], dtype=tensors[path].dtype))
    return replace(contents, tensors=tensors, notes=(*contents.notes, NOTE))
