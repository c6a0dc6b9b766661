"""What counts as the features of each layer: its output, or that of the normalisation which follows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

_NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm)


@torch.no_grad()
def feature_layers(model: nn.Module, x: torch.Tensor, names: Sequence[str], normalised: bool) -> list[nn.Module]:
    """The modules whose outputs are the features, in the order in which they run.

    Args:
        model: the network, which is run once.
        x: two images or more.
        names: the prunable parameters whose layers are meant; weights that attention holds itself have no output.
        normalised: take the normalisation in place of the layer whose very output it reads; one that reads a sum
            in which the output is a term (as after a residual branch) is not meant.
    """
    calls: list[tuple[nn.Module, Any, Any]] = []
    leaves = {id(m): m for m in model.modules() if not list(m.children())}
    handles = [leaf.register_forward_hook(lambda module, inputs, output: calls.append((module, inputs, output)))
               for leaf in leaves.values()]
    model(x)
    for handle in handles:
        handle.remove()
    owners = {id(model.get_submodule(name.rpartition(".")[0])) for name in names}
    reads = {id(inputs[0]): module for module, inputs, _ in calls if isinstance(module, _NORMS)} if normalised else {}
    return list(dict.fromkeys(reads.get(id(output), module) for module, _, output in calls if id(module) in owners))


@contextmanager
def taken(layers: Sequence[nn.Module]) -> Iterator[list[torch.Tensor]]:
    """Copies of the outputs of the layers, in the order in which they run, while the context is open; copies, since
    networks may add to an output or rectify it in place."""
    found: list[torch.Tensor] = []
    handles = [layer.register_forward_hook(lambda module, inputs, output: found.append(output.clone()))
               for layer in layers]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
