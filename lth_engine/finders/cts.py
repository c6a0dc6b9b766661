"""Concrete Ticket Search (Arora & Teuscher, algorithms 1 to 3): probabilities to keep each weight, learned by Adam.

The weights are frozen. Each step draws a soft mask, differentiates the objective by it, and adds the gradient of the
density, either as large as that of the objective (GradBalance) or times a multiplier (Lagrange). All but the passes
through the network is a handful of operations on one vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch

from lth_engine.core.artifact import Array
from lth_engine.finders.concrete import (
    density_gradient,
    density_loss,
    logistic_noise,
    logit,
    sigmoid_slope,
    soft_mask,
)
from lth_engine.finders.learner import Learner, Setting, Tensors
from lth_engine.objectives.compared import Compared
from lth_engine.objectives.masked_network import MaskedNetwork
from lth_engine.objectives.measured import measured
from lth_engine.specs.mask_learners import Cts

LARGEST = 1 - 1e-6
"""Greatest density that is held: a slack must not ask for more weights than there are."""


def begin(setting: Setting) -> Learner:
    """The search, before its first step."""
    return Concrete(setting)


class Concrete:
    """The logits of the probabilities, their optimizer, and the balancer (or multiplier) lambda."""

    columns = ("objective", "density", "density_loss", "balancer")

    def __init__(self, setting: Setting) -> None:
        self.spec = cast(Cts, setting.question.search)
        self.setting = setting
        self.network = MaskedNetwork(setting.model, setting.names, self.spec.norm_statistics)
        size = self.network.flat.numel()
        self.density = setting.keep / size
        self.held = min(self.spec.slack * self.density, LARGEST)
        first = self.held if self.spec.begin == "held" else min(self.density, LARGEST)
        self.logits = torch.full_like(self.network.flat, logit(first))
        self.balancer = self.logits.new_zeros(())
        self.optimizer = torch.optim.Adam([self.logits], lr=self.spec.lr, fused=True)
        self.ascent = torch.optim.Adam([self.balancer], lr=self.spec.multiplier_lr, fused=True)
        self.logits.grad = torch.zeros_like(self.logits)
        self._mask, self._likely, self._room = (torch.empty_like(self.logits) for _ in range(3))

    @torch.no_grad()
    def step(self, x: torch.Tensor, y: torch.Tensor, done: int) -> tuple[torch.Tensor, ...]:
        """See :meth:`Learner.step`. Nothing as long as the logits is allocated but by the passes themselves."""
        drop = done >= int(self.spec.drop_at * self.setting.total)
        self.optimizer.param_groups[0]["lr"] = self.spec.lr * (0.1 if drop else 1.0)
        assert self.logits.grad is not None
        objective = self._differentiate(x, y, self.logits.grad)
        density = torch.sigmoid(self.logits, out=self._likely).mean()
        loss, pull = density_loss(density, self.held), density_gradient(self._likely, self.held, self._room)
        if self.spec.balance == "gradbalance":
            self._rebalance(self.logits.grad, pull, loss)
        self.logits.grad.addcmul_(pull, self.balancer)
        self.optimizer.step()
        used = self.balancer.clone()
        if self.spec.balance == "lagrange":
            self.balancer.grad = -loss
            self.ascent.step()
        return objective, density, loss, used

    def _differentiate(self, x: torch.Tensor, y: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
        """Value of the objective; its gradient by the logits, that by the soft mask times ds/dlogit, goes `into`."""
        soft = soft_mask(self.logits, logistic_noise(self._mask.detach(), self.setting.noise), self.spec.temperature)
        soft.requires_grad_()
        with torch.enable_grad():
            value = measured(self.spec.objective, Compared(self.network, soft, x, y))
            gradient, = torch.autograd.grad(value, soft)
        torch.mul(gradient, sigmoid_slope(soft.detach(), self._room), out=into).div_(self.spec.temperature)
        return value.detach()

    def _rebalance(self, gradient: torch.Tensor, pull: torch.Tensor, loss: torch.Tensor) -> None:
        """The balancer: eta lambda + (1 - eta) |g_objective| / |g_density|, or 0 where the density is low enough."""
        size = torch.linalg.vector_norm(pull)
        ratio = torch.linalg.vector_norm(gradient) / size.clamp(min=torch.finfo(size.dtype).tiny)
        wanted = torch.where(loss > 0, ratio, torch.zeros_like(ratio))
        self.balancer.mul_(self.spec.smoothing).add_(wanted, alpha=1 - self.spec.smoothing)

    def scores(self) -> Tensors:
        """The logits."""
        return self.network.split(self.logits)

    def probabilities(self) -> torch.Tensor:
        """Probability to keep each weight."""
        return torch.sigmoid(self.logits)

    def state(self) -> dict[str, Array]:
        """Logits, lambda, and what both optimizers remember."""
        found = {"logits": _array(self.logits), "balancer": _array(self.balancer)}
        for name, optimizer in (("adam", self.optimizer), ("ascent", self.ascent)):
            for slots in optimizer.state.values():
                found |= {f"{name}/{slot}": _array(value) for slot, value in slots.items()}
        return found

    def resume(self, state: Mapping[str, Array]) -> None:
        """See :meth:`Learner.resume`."""
        for tensor, name in ((self.logits, "logits"), (self.balancer, "balancer")):
            tensor.copy_(torch.tensor(state[name]))
        for name, optimizer, parameter in (("adam", self.optimizer, self.logits),
                                           ("ascent", self.ascent, self.balancer)):
            slots = {path.partition("/")[2]: torch.tensor(value, device=parameter.device)
                     for path, value in state.items() if path.startswith(f"{name}/")}
            if slots:
                optimizer.state[parameter] = slots


def _array(value: torch.Tensor) -> Array:
    return np.array(value.detach().cpu().numpy())
