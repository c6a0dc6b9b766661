"""Draws convolutions and linear layers by He's normal rule, each from its own seed."""

from __future__ import annotations

import math

import torch
from torch import nn

from lth_engine.core.seeds import derive

_PROJECTIONS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
"""Weights that an attention holds itself: one for query, key and value together, or three."""


def initialise(model: nn.Module, init_seed: int, signed_constant: bool = False) -> None:
    """Draw the weights of `model` in place.

    Convolution, linear and attention weights follow He's normal rule (fan in, gain of ReLU: He et al. 2015), each
    from its own seed, so that a layer's draw does not depend on the layers before it; biases are 0, batch
    normalisation is 1 and 0. Everything else stays as it is.

    With `signed_constant` each of these weights then has the size of the rule's deviation, and keeps its sign
    (Ramanujan et al. 2020, section 3.2).
    """
    for name, module in model.named_modules():
        draw = torch.Generator().manual_seed(derive(init_seed, "init", name))
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
            _draw(module.weight, draw, signed_constant)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.MultiheadAttention):
            for part in _PROJECTIONS:
                if getattr(module, part) is not None:
                    _draw(getattr(module, part), draw, signed_constant)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()


@torch.no_grad()
def _draw(weight: torch.Tensor, draw: torch.Generator, signed_constant: bool) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=draw)
    if signed_constant:
        size = math.sqrt(2 / weight[0].numel())  # the deviation of the rule: gain sqrt(2) over the root of the fan in
        weight.copy_(torch.copysign(torch.full_like(weight, size), weight))
