"""Edge-popup (Ramanujan et al. 2020): one score a frozen weight, learned straight through the mask of the largest.

The forward pass keeps the weights whose score has the largest magnitude. The gradient by the mask is taken for that by
the magnitude, so that a score grows where a weight kept would lower the loss, also while it is not kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import cast

import torch

from lth_engine.core.artifact import Array
from lth_engine.core.seeds import derive
from lth_engine.finders.descent import Descent
from lth_engine.finders.learner import Learner, Setting, Tensors
from lth_engine.finders.straight_through import through_mask
from lth_engine.objectives.masked_network import MaskedNetwork
from lth_engine.specs.mask_learners import EdgePopup
from lth_engine.specs.schedules import Cosine


def begin(setting: Setting) -> Learner:
    """The search, before its first step."""
    return Popup(setting)


class Popup:
    """The scores and their momentum."""

    columns = ("loss", "density")

    def __init__(self, setting: Setting) -> None:
        self.spec = cast(EdgePopup, setting.question.search)
        self.total = setting.total
        self.network = MaskedNetwork(setting.model, setting.names, "batch")
        density = self.spec.exact_density(setting.question.at_level)
        weights = self.network.flat
        self.weights = weights / math.sqrt(density) if self.spec.scale_fan else weights
        layers = list(self.network.split(weights).values())
        whole = self.spec.scope == "global"
        self.sizes = [weights.numel()] if whole else [layer.numel() for layer in layers]
        self.counts = [kept_in_forward(size, density) for size in self.sizes]
        draw = torch.Generator().manual_seed(derive(setting.question.seed, "first scores"))
        drawn = torch.cat([first_scores(layer.shape, draw).reshape(-1) for layer in layers])
        self.learned = drawn.to(weights.device)
        self.descent = Descent({"scores": self.learned}, self.spec.lr, self.spec.momentum,
                               weight_decay=self.spec.weight_decay, decayed=frozenset({"scores"}))

    @torch.no_grad()
    def step(self, x: torch.Tensor, y: torch.Tensor, done: int) -> tuple[torch.Tensor, ...]:
        """See :meth:`Learner.step`."""
        mask = self.mask()
        loss, gradient = through_mask(self.network, self.weights, mask, x, y)
        self.learned.grad = gradient * self.learned.sign()
        self.descent.step(Cosine().factor(done, self.total, 1))
        return loss, mask.mean()

    def mask(self) -> torch.Tensor:
        """1 where the forward pass keeps a weight, else 0: the largest magnitudes, as many as `counts` says."""
        mask = torch.zeros_like(self.learned)
        parts, magnitudes = mask.split(self.sizes), self.learned.abs().split(self.sizes)
        for part, magnitude, keep in zip(parts, magnitudes, self.counts, strict=True):
            part[magnitude.topk(keep, sorted=False).indices] = 1
        return mask

    def scores(self) -> Tensors:
        """The magnitudes."""
        return self.network.split(self.learned.abs())

    def probabilities(self) -> torch.Tensor:
        """For magnitudes m, of which t is the least that is kept: m / (m + t), so that a half and more is kept."""
        found = []
        for magnitude, keep in zip(self.learned.abs().split(self.sizes), self.counts, strict=True):
            least = magnitude.topk(keep, sorted=False).values.min()
            found.append(magnitude / (magnitude + least).clamp(min=torch.finfo(magnitude.dtype).tiny))
        return torch.cat(found)

    def state(self) -> dict[str, Array]:
        """Scores and momentum."""
        return self.descent.state()

    def resume(self, state: Mapping[str, Array]) -> None:
        """See :meth:`Learner.resume`."""
        self.descent.resume(state)


def kept_in_forward(size: int, density: Fraction) -> int:
    """Weights that the forward pass keeps of a layer, as in the public code: size - floor((1 - density) size)."""
    return size - int((1 - density) * size)


def first_scores(shape: torch.Size, draw: torch.Generator) -> torch.Tensor:
    """Kaiming's uniform draw with a = sqrt(5): U(-1, 1) / sqrt(fan in)."""
    bound = 1 / math.sqrt(shape[1:].numel())
    return torch.empty(shape).uniform_(-bound, bound, generator=draw)
