"""lambda |m theta|^2 (PAC-Bayesian view, section 4.3): its gradient is 2 lambda m theta."""

from __future__ import annotations

from collections.abc import Callable

import torch

from lth_engine.specs.terms import L2Norm


def build(spec: L2Norm, weights: list[torch.nn.Parameter], anchors: list[torch.Tensor]) -> Callable[[], None]:
    """Adds 2 lambda theta to the gradient of each weight; pruned weights are zero already."""
    @torch.no_grad()
    def add() -> None:
        torch._foreach_add_([w.grad for w in weights], weights, alpha=2 * spec.strength)

    return add
