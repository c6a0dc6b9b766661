"""Which parameters may be pruned: the weights of convolutions, linear layers and attention, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from lth_engine.core.errors import BadInput, UnknownName

_PROJECTIONS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
"""Weights that an attention holds itself: one for query, key and value together, or three."""


def prunable(model: nn.Module, ignore: tuple[str, ...] = ()) -> dict[str, torch.Tensor]:
    """Parameter name -> parameter, in sorted order; biases, normalisation and embeddings are never prunable.

    Raises as :func:`without_ignored`.
    """
    found = in_network_order(model)
    return {name: found[name] for name in without_ignored(found, ignore)}


def in_network_order(model: nn.Module) -> dict[str, torch.Tensor]:
    """All prunable parameters in the order in which the network defines its layers, which is that of a pass."""
    found: dict[str, torch.Tensor] = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
            found[f"{name}.weight"] = module.weight
        elif isinstance(module, nn.MultiheadAttention):
            found |= {f"{name}.{part}": weight for part in _PROJECTIONS
                      if (weight := getattr(module, part)) is not None}
    return found


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
