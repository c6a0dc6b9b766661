"""Gem-Miner (Sreenivasan et al. 2022, algorithm 1): scores in [0, 1] over frozen weights, rounded to a mask.

The forward pass keeps the active weights whose score is above a half; the gradient by the mask is taken for that by
the scores. Every period the lowest active scores are frozen out for good; the last time reaches the density.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch

from lth_engine.core.artifact import Array
from lth_engine.core.seeds import derive
from lth_engine.finders.descent import Descent
from lth_engine.finders.freezing_out import densities
from lth_engine.finders.learner import Learner, Setting, Tensors
from lth_engine.finders.straight_through import through_mask
from lth_engine.masking.prune import prune_to
from lth_engine.objectives.masked_network import MaskedNetwork
from lth_engine.specs.mask_learners import GemMiner
from lth_engine.specs.schedules import Cosine


def begin(setting: Setting) -> Learner:
    """The search, before its first step."""
    return Miner(setting)


class Miner:
    """The scores, their momentum, and what is frozen out."""

    columns = ("loss", "density", "active")

    def __init__(self, setting: Setting) -> None:
        self.spec = cast(GemMiner, setting.question.search)
        self.total = setting.total
        self.period = self.spec.period.iterations(setting.steps_per_epoch)
        times = self.spec.times(setting.steps_per_epoch)
        self.densities = densities(self.spec.exact_density(setting.question.at_level), times)
        self.network = MaskedNetwork(setting.model, setting.names, "batch")
        weights = self.network.flat
        draw = torch.Generator().manual_seed(derive(setting.question.seed, "first scores"))
        self.learned = torch.rand(weights.numel(), generator=draw).to(weights.device)
        self.frozen = torch.zeros_like(self.learned)
        """0 where a weight is active; below 0 where it is frozen out, lower the earlier and the lower its score."""
        self.descent = Descent({"scores": self.learned}, self.spec.lr, self.spec.momentum)

    @torch.no_grad()
    def step(self, x: torch.Tensor, y: torch.Tensor, done: int) -> tuple[torch.Tensor, ...]:
        """See :meth:`Learner.step`. The loss has the squared norm of all scores, frozen out or not, as published."""
        active = self.active().to(self.learned.dtype)
        mask = (self.learned > 0.5) * active
        loss, gradient = through_mask(self.network, self.network.flat, mask, x, y)
        loss = loss + self.spec.penalty * self.learned.square().sum()
        self.learned.grad = gradient * active + 2 * self.spec.penalty * self.learned
        self.descent.step(Cosine().factor(done, self.total, 1))
        self.learned.clamp_(0, 1)
        past, left = divmod(done + 1, self.period)
        if left == 0 and past <= len(self.densities):
            self._freeze_out(past - 1)
        return loss, mask.mean(), active.mean()

    def active(self) -> torch.Tensor:
        """Which weights are not frozen out, bool."""
        return self.frozen == 0

    def _freeze_out(self, before: int) -> None:
        """Freeze the lowest active scores out, `before` times after the first."""
        active = self.active()
        exact = self.spec.replace(rule="exact")  # a count of public code is that of the final cut
        kept = prune_to(exact, self.densities[before], self.network.split(self.learned.cpu()),
                        self.network.split(active.cpu()))
        gone = active & ~torch.cat([kept[name].reshape(-1) for name in self.network.names]).to(active.device)
        below = self.learned - 2 * (len(self.densities) - before)  # scores are in [0, 1]: below all later ones
        self.frozen = torch.where(gone, below, self.frozen)

    def scores(self) -> Tensors:
        """The scores; those frozen out are below 0, the earliest lowest."""
        return self.network.split(torch.where(self.active(), self.learned, self.frozen))

    def probabilities(self) -> torch.Tensor:
        """The scores, 0 where frozen out."""
        return self.learned * self.active()

    def state(self) -> dict[str, Array]:
        """Scores, momentum, and what is frozen out."""
        return self.descent.state() | {"frozen": np.array(self.frozen.cpu().numpy())}

    def resume(self, state: Mapping[str, Array]) -> None:
        """See :meth:`Learner.resume`."""
        self.descent.resume(state)
        self.frozen.copy_(torch.tensor(state["frozen"]))
