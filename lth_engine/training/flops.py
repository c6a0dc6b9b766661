"""Floating-point operations of a network, by layer: two for every multiply-add of convolutions and linear layers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

TRAINING_FACTOR = 3
"""A training step costs a forward pass and a backward pass of twice its work (the usual estimate)."""


@torch.no_grad()
def forward_flops(model: nn.Module, channels: int, height: int, width: int) -> dict[str, int]:
    """Weight name -> operations of one image's forward pass.

    Normalisation, activations, pools and the products of attention without weights are left out. Attention uses its
    weights without calling their layers: those are counted once for each place that the module around them puts out.
    """
    counts: dict[str, int] = {}
    places: dict[str, int] = {}

    def watch(name: str) -> object:
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            first = output[0] if isinstance(output, tuple) else output
            if not isinstance(first, torch.Tensor) or not first.dim():
                return
            weight = getattr(module, "weight", None)
            if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear) and isinstance(weight, torch.Tensor):
                here = first[0].numel() // weight.shape[0]
                counts[f"{name}.weight"] = counts.get(f"{name}.weight", 0) + 2 * weight.numel() * here
            else:
                places[name] = places.get(name, 0) + first[0].numel() // first.shape[-1]
        return hook

    handles = [module.register_forward_hook(watch(name))  # type: ignore[arg-type]
               for name, module in model.named_modules()]
    mode = model.training
    model.eval()
    model(torch.zeros(1, channels, height, width, device=next(model.parameters()).device))
    model.train(mode)
    for handle in handles:
        handle.remove()
    for name, weight in _weights_of_attention(model):
        if name not in counts:
            around = name.rsplit(".", 2 if name.endswith(".weight") else 1)[0]
            counts[name] = 2 * weight.numel() * places.get(around, 0)
    return counts


def _weights_of_attention(model: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Weights of linear layers, and the joint one of torch's attention, by name."""
    found = [(f"{name}.weight", m.weight) for name, m in model.named_modules() if isinstance(m, nn.Linear)]
    return found + [(f"{name}.in_proj_weight", m.in_proj_weight) for name, m in model.named_modules()
                    if isinstance(m, nn.MultiheadAttention) and m.in_proj_weight is not None]


def sparse_flops(counts: Mapping[str, int], density: Mapping[str, float]) -> float:
    """Operations if every pruned weight cost nothing, which no dense kernel achieves: the ideal."""
    return sum(count * density.get(name, 1.0) for name, count in counts.items())
