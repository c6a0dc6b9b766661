"""Momentum as Pruning Close to Home writes it: the learning rate inside the buffer.

v <- mu v - lr g, theta <- theta + v (equations 3 and 4), where g includes weight decay. torch keeps the rate outside:
the same while the rate is constant, different while it falls, since here the buffer remembers steps of earlier rates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch


class PaperSgd(torch.optim.Optimizer):
    """SGD with momentum in the paper's form; `lr` may be a number or a tensor of no dimension."""

    def __init__(self, parameters: Iterable[torch.nn.Parameter], lr: float, momentum: float,
                 weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One step; a closure is not used."""
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            if not moved:
                continue
            for p in moved:
                if "momentum_buffer" not in self.state[p]:
                    self.state[p]["momentum_buffer"] = torch.zeros_like(p)
            buffers = [self.state[p]["momentum_buffer"] for p in moved]
            steps = torch._foreach_add([p.grad for p in moved], moved, alpha=group["weight_decay"])
            torch._foreach_mul_(steps, group["lr"])
            torch._foreach_mul_(buffers, group["momentum"])
            torch._foreach_sub_(buffers, steps)
            torch._foreach_add_(moved, buffers)
