"""Stochastic gradient descent with momentum, as torch.optim.SGD computes it."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from lth_engine.specs.training import Sgd


def build(spec: Sgd, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Fused SGD of torch: one pass over each parameter, on a CPU as on a GPU."""
    return torch.optim.SGD(parameters, lr=spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay,
                           nesterov=spec.nesterov, fused=True)
