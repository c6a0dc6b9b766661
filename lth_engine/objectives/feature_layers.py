"""What counts as the features of each layer: its output, or that of the normalisation which follows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase


@torch.no_grad()
def feature_layers(model: nn.Module, x: torch.Tensor, names: Sequence[str], normalised: bool) -> list[nn.Module]:
    """The modules whose outputs are the features, in the order in which they run.

    Args:
        model: the network, which is run once.
        x: two images or more.
        names: the prunable parameters whose layers are meant; weights that attention holds itself have no output.
        normalised: take the normalisation in place of the layer that runs right before it.
    """
    leaves = {id(m): m for m in model.modules() if not list(m.children())}
    order: list[nn.Module] = []
    handles = [m.register_forward_hook(lambda module, inputs, output: order.append(module)) for m in leaves.values()]
    model(x)
    for handle in handles:
        handle.remove()
    owners = {id(model.get_submodule(name.rpartition(".")[0])) for name in names}
    found: list[nn.Module] = []
    for module, following in zip(order, [*order[1:], None], strict=True):
        if id(module) in owners:
            norm = normalised and isinstance(following, _NormBase | nn.LayerNorm | nn.GroupNorm)
            found.append(following if norm and following is not None else module)
    return list(dict.fromkeys(found))


@contextmanager
def taken(layers: Sequence[nn.Module]) -> Iterator[list[torch.Tensor]]:
    """The outputs of the layers, in the order in which they run, while the context is open."""
    found: list[torch.Tensor] = []
    handles = [layer.register_forward_hook(lambda module, inputs, output: found.append(output)) for layer in layers]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
