"""Continuous sparsification (Savarese et al. 2020): weights and a soft mask trained together while the mask hardens.

The mask of a weight is sigmoid(beta s) / sigmoid(s0), where s begins at s0: nothing is masked at first. Within a round
beta grows from 1. A round begins where the one before ended, but with beta at 1 again and s at min(beta s, s0), by the
last beta of the round before: what was suppressed stays so, the rest is decided anew. (The public code puts beta back
first, and so loses the suppression.) The weights here are copies: the ticket has those of the start, and unlike that
of the public code they are not multiplied by 1 / sigmoid(s0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F

from lth_engine.core.artifact import Array
from lth_engine.finders.descent import Descent
from lth_engine.finders.learner import Learner, Setting, Tensors
from lth_engine.objectives.masked_network import MaskedNetwork
from lth_engine.specs.mask_learners import ContinuousSparsification

DROPS, OF = (56, 71), 85
"""Epochs after which the rate falls to a tenth, of the epochs of a round: the default of the public code."""

LOWEST = -1e30
"""Least s between rounds: suppressed often enough it would be infinite."""

SCORES, WEIGHTS, BESIDE = "s", "weights", "beside/"
"""Names of what is learned: s, the weights under the mask, and (before its own name) every other parameter."""


def begin(setting: Setting) -> Learner:
    """The search, before its first step."""
    return Sparsified(setting)


def soft_mask(s: torch.Tensor, beta: float, first: float) -> torch.Tensor:
    """sigmoid(beta s) / sigmoid(first), in [0, 1 / sigmoid(first)]."""
    return torch.sigmoid(beta * s) / float(torch.sigmoid(torch.tensor(first, dtype=s.dtype)))


def kept_between(s: torch.Tensor, beta: float, first: float) -> torch.Tensor:
    """Scores that a round begins with, of those at the end of the round before: min(beta s, first)."""
    return (beta * s).clamp(min=LOWEST, max=first)


class Sparsified:
    """Scores, copies of the weights, and their momentum."""

    columns = ("loss", "density", "beta")

    def __init__(self, setting: Setting) -> None:
        self.spec = cast(ContinuousSparsification, setting.question.search)
        self.total, self.per_epoch = setting.total, setting.steps_per_epoch
        self.network = MaskedNetwork(setting.model, setting.names, "batch")
        weights = self.network.flat
        self.s = torch.full_like(weights, self.spec.begin, requires_grad=True)
        self.weights = weights.clone().requires_grad_()
        self.others = {name: parameter.detach().clone().requires_grad_()
                       for name, parameter in setting.model.named_parameters() if name not in setting.names}
        decayed = {WEIGHTS: self.weights} | {f"{BESIDE}{name}": value for name, value in self.others.items()}
        self.descent = Descent({SCORES: self.s} | decayed, self.spec.lr, self.spec.momentum, nesterov=True,
                               weight_decay=self.spec.weight_decay, decayed=frozenset(decayed))
        self.beta = 1.0
        """That of the last step."""

    def step(self, x: torch.Tensor, y: torch.Tensor, done: int) -> tuple[torch.Tensor, ...]:
        """See :meth:`Learner.step`."""
        within = done % self.total
        if within == 0 and done > 0:
            with torch.no_grad():
                self.s.copy_(kept_between(self.s, self._beta(self.total - 1), self.spec.begin))
        self.beta = self._beta(within)
        for value in self.descent.learned.values():
            value.grad = None
        mask = soft_mask(self.s, self.beta, self.spec.begin)
        found = self.network.split(mask * self.weights) | self.others
        loss = F.cross_entropy(self.network.logits(found, x), y) + self.spec.penalty * mask.sum()
        loss.backward()  # type: ignore[no-untyped-call]
        density = self.probabilities().mean()
        self.descent.step(0.1 ** sum(within * OF >= drop * self.total for drop in DROPS))
        return loss.detach(), density, torch.tensor(self.beta)

    def _beta(self, within: int) -> float:
        """Factor of s at a step of a round: it grows by the same ratio each epoch, to the hardness in the last one; in
        a round of one epoch, each step."""
        last = -(-self.total // self.per_epoch) - 1
        part = within // self.per_epoch / last if last > 0 else within / max(1, self.total - 1)
        return float(self.spec.hardness**part)

    @torch.no_grad()
    def probabilities(self) -> torch.Tensor:
        """The soft mask without its scale, sigmoid(beta s)."""
        return torch.sigmoid(self.beta * self.s)

    def scores(self) -> Tensors:
        """The scores s."""
        return self.network.split(self.s.detach())

    def state(self) -> dict[str, Array]:
        """Scores, weights, their momentum, and beta."""
        return self.descent.state() | {"beta": np.array(self.beta)}

    def resume(self, state: Mapping[str, Array]) -> None:
        """See :meth:`Learner.resume`."""
        self.descent.resume(state)
        self.beta = float(state["beta"])
