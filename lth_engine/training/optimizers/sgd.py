"""Stochastic gradient descent with momentum, in torch's form or in the paper's."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from lth_engine.specs.optimizers import Sgd
from lth_engine.training.optimizers.paper_form import PaperSgd


def build(spec: Sgd, parameters: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """Fused SGD of torch (one pass over each parameter, on a CPU as on a GPU), or the paper's form."""
    if spec.form == "paper":
        return PaperSgd(parameters, lr=spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay)
    return torch.optim.SGD(parameters, lr=spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay,
                           nesterov=spec.nesterov, fused=True)
