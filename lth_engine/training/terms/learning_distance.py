"""tau |m theta - m theta_k| (Pruning Close to Home, section 6): its gradient is tau times the unit vector.

At the rewind point itself the distance has no gradient; 0 is taken, the middle of its subgradients.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from lth_engine.specs.terms import LearningDistance

_TINY = 1e-30
"""Least distance divided by: smaller than any step, so that it only turns 0 / 0 into 0."""


def build(spec: LearningDistance, weights: list[torch.nn.Parameter],
          anchors: list[torch.Tensor]) -> Callable[[], None]:
    """Adds tau (theta - theta_k) / |theta - theta_k| to the gradient of each kept weight."""
    @torch.no_grad()
    def add() -> None:
        away = torch._foreach_sub(weights, anchors)
        distance = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(away)))
        torch._foreach_mul_(away, spec.tau / distance.clamp_min(_TINY))
        torch._foreach_add_([w.grad for w in weights], away)

    return add
