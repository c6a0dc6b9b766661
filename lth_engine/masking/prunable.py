"""Which parameters may be pruned: the weights of convolutions and linear layers, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from lth_engine.core.errors import BadInput, UnknownName


def prunable(model: nn.Module, ignore: tuple[str, ...] = ()) -> dict[str, torch.Tensor]:
    """Parameter name -> parameter, in sorted order; biases and normalisation are never prunable.

    Raises as :func:`without_ignored`.
    """
    found = {f"{name}.weight": module.weight for name, module in model.named_modules()
             if isinstance(module, nn.Conv2d | nn.Linear)}
    return {name: found[name] for name in without_ignored(found, ignore)}


def without_ignored(names: Iterable[str], ignore: tuple[str, ...]) -> list[str]:
    """The sorted names of prunable parameters that a search may prune.

    Raises:
        UnknownName: a name in `ignore` is no prunable parameter.
        BadInput: nothing is left to prune.
    """
    known = sorted(names)
    for name in ignore:
        if name not in known:
            raise UnknownName("prunable parameter to ignore", name, known)
    left = [name for name in known if name not in ignore]
    if not left:
        raise BadInput("Every layer is ignored, so nothing can be pruned. Take a layer out of search.ignore.")
    return left
