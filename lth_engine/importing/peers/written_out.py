"""Networks of pruning_is_enough with what their program leaves out: norms without parameters, a last 1x1 convolution.

The function stays: batch normalisation without parameters has factors 1 and shifts 0; a 1x1 convolution of one
averaged pixel is a linear layer; no bias is a bias of 0 (pruning_is_enough, models/resnet_kaiming.py).
"""

from __future__ import annotations

from dataclasses import replace

import torch

from lth_engine.importing.contents import Contents

NOTE = "Batch normalisation is saved without factors and shifts: they are 1 and 0 here."

OF_SCORES = ("flag", "scores", "bias_flag", "bias_scores")
"""Last parts of names that the program adds to every layer, whether it learns a mask or not (utils/conv_type.py)."""

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


def without_scores(contents: Contents) -> Contents:
    """A network of IMP without flags and scores: its layers have them, but its forward pass leaves them out."""
    return replace(contents, tensors={path: value for path, value in contents.tensors.items()
                                      if path.rpartition(".")[2] not in OF_SCORES})


def clamped_scores(contents: Contents) -> Contents:
    """A learned mask whose scores are in [0, 1], as the forward pass of Gem-Miner makes them before it uses them.

    Gem-Miner clears flags when it prunes; where all are set, the scores are those of edge-popup, of any size.
    """
    flags = [value for path, value in contents.tensors.items() if path.endswith(".flag")]
    if all(bool(flag.all()) for flag in flags):
        return contents
    return replace(contents, tensors={path: value.clamp(0, 1) if path.endswith(".scores") else value
                                      for path, value in contents.tensors.items()})
