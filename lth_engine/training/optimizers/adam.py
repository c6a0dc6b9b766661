"""Adam with weight decay in the gradient, as torch.optim.Adam computes it."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from lth_engine.specs.optimizers import Adam


def build(spec: Adam, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Fused Adam of torch."""
    return torch.optim.Adam(parameters, lr=spec.lr, betas=(spec.beta1, spec.beta2), eps=spec.epsilon,
                            weight_decay=spec.weight_decay, fused=True)
