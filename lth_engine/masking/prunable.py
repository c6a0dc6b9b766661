"""Which parameters may be pruned: the weights of convolutions and linear layers, and nothing else."""

from __future__ import annotations

import torch
from torch import nn

from lth_engine.core.errors import BadInput, UnknownName


def prunable(model: nn.Module, ignore: tuple[str, ...] = ()) -> dict[str, torch.Tensor]:
    """Parameter name -> parameter, in sorted order; biases and normalisation are never prunable.

    Raises:
        UnknownName: a name in `ignore` is no prunable parameter.
        BadInput: nothing is left to prune.
    """
    found = {f"{name}.weight": module.weight for name, module in model.named_modules()
             if isinstance(module, nn.Conv2d | nn.Conv1d | nn.Linear)}
    for name in ignore:
        if name not in found:
            raise UnknownName("prunable parameter to ignore", name, found)
    left = {name: found[name] for name in sorted(found) if name not in ignore}
    if not left:
        raise BadInput("Every layer is ignored, so nothing can be pruned. Take a layer out of search.ignore.")
    return left
