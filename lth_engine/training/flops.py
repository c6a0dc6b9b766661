"""Floating-point operations of a network, by layer: two for every multiply-add of convolutions and linear layers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

TRAINING_FACTOR = 3
"""A training step costs a forward pass and a backward pass of twice its work (the usual estimate)."""


@torch.no_grad()
def forward_flops(model: nn.Module, channels: int, height: int, width: int) -> dict[str, int]:
    """Weight name -> operations of one image's forward pass. Normalisation, activations and pools are left out."""
    counts: dict[str, int] = {}

    def watch(name: str) -> object:
        def hook(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
            weight = module.weight
            assert isinstance(weight, torch.Tensor)
            places = output[0].numel() // weight.shape[0]
            counts[f"{name}.weight"] = counts.get(f"{name}.weight", 0) + 2 * weight.numel() * places
        return hook

    handles = [module.register_forward_hook(watch(name))  # type: ignore[arg-type]
               for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    mode = model.training
    model.eval()
    model(torch.zeros(1, channels, height, width, device=next(model.parameters()).device))
    model.train(mode)
    for handle in handles:
        handle.remove()
    return counts


def sparse_flops(counts: Mapping[str, int], density: Mapping[str, float]) -> float:
    """Operations if every pruned weight cost nothing, which no dense kernel achieves: the ideal."""
    return sum(count * density.get(name, 1.0) for name, count in counts.items())
