"""Gradient descent with momentum on named vectors, of which all that the next step depends on can be saved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from lth_engine.core.artifact import Array


class Descent:
    """SGD with momentum in torch's form; the momentum is 0 before the first step.

    Args:
        learned: name -> tensor that is changed in place; its `grad` is read.
        lr: the rate; each step says which part of it is meant.
        momentum: share of the step before that each step keeps.
        weight_decay: added to the gradient, times the tensor, for every tensor in `decayed`.
        decayed: names of those tensors.
        nesterov: look ahead by the momentum (not if that is 0).
    """

    def __init__(self, learned: Mapping[str, torch.Tensor], lr: float, momentum: float, *, weight_decay: float = 0.0,
                 decayed: frozenset[str] = frozenset(), nesterov: bool = False) -> None:
        self.learned, self.lr = learned, lr
        groups = [{"params": [value], "weight_decay": weight_decay if name in decayed else 0.0}
                  for name, value in learned.items()]
        self._sgd = torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov and momentum > 0)

    def step(self, factor: float) -> None:
        """Take a step at `factor` times the rate."""
        for group in self._sgd.param_groups:
            group["lr"] = self.lr * factor
        self._sgd.step()

    def state(self) -> dict[str, Array]:
        """Copies: value/NAME, and momentum/NAME where there is one."""
        found = {f"value/{name}": _array(value) for name, value in self.learned.items()}
        for name, value in self.learned.items():
            buffer = self._sgd.state[value].get("momentum_buffer") if value in self._sgd.state else None
            if buffer is not None:
                found[f"momentum/{name}"] = _array(buffer)
        return found

    @torch.no_grad()
    def resume(self, state: Mapping[str, Array]) -> None:
        """Go on from a state."""
        for name, value in self.learned.items():
            value.copy_(torch.tensor(state[f"value/{name}"]))
            if f"momentum/{name}" in state:
                buffer = torch.empty_like(value).copy_(torch.tensor(state[f"momentum/{name}"]))
                self._sgd.state[value]["momentum_buffer"] = buffer


def _array(value: torch.Tensor) -> Array:
    return np.array(value.detach().cpu().numpy(), order="C")
