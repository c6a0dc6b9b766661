"""lambda |m (theta - theta_0)|^2 (PAC-Bayesian view, section 4.3): its gradient is 2 lambda m (theta - theta_0)."""

from __future__ import annotations

from collections.abc import Callable

import torch

from lth_engine.specs.terms import L2Init


def build(spec: L2Init, weights: list[torch.nn.Parameter], anchors: list[torch.Tensor]) -> Callable[[], None]:
    """Adds 2 lambda (theta - theta_0) to the gradient of each kept weight."""
    @torch.no_grad()
    def add() -> None:
        away = torch._foreach_sub(weights, anchors)
        torch._foreach_add_([w.grad for w in weights], away, alpha=2 * spec.strength)

    return add
