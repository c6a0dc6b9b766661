"""What learns a mask: asked for one step after another by :mod:`lth_engine.finders.learned_mask`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from lth_engine.core.artifact import Array
from lth_engine.specs.tickets import LearnedMask

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Setting:
    """What a learner starts from.

    Attributes:
        question: the question; its search is the learner's own spec.
        model: the network at the rewind point, in evaluation mode, on the device; the learner may keep and change it.
        names: the prunable parameters that may be pruned, in the order of the network.
        keep: how many of their weights a ticket will keep.
        total: optimizer steps of one round.
        steps_per_epoch: steps in an epoch.
        noise: generator on the device for what is drawn; seeded anew before every step.
    """

    question: LearnedMask
    model: nn.Module
    names: list[str]
    keep: int
    total: int
    steps_per_epoch: int
    noise: torch.Generator


class Learner(Protocol):
    """One search in progress."""

    columns: tuple[str, ...]
    """Names of what :meth:`step` returns; "objective" (or "loss") and "density" (expected, in [0, 1]) among them."""

    def step(self, x: torch.Tensor, y: torch.Tensor, done: int) -> tuple[torch.Tensor, ...]:
        """Learn from a batch.

        Args:
            x: images (B, C, H, W).
            y: their classes.
            done: steps done before this one, over all rounds.

        Returns:
            One tensor of no dimension for each column; "objective" or "loss" is that before the step.
        """

    def scores(self) -> Tensors:
        """The score of each weight under the mask, by name: the highest are kept."""

    def probabilities(self) -> torch.Tensor:
        """How likely (or how strongly) each weight is kept as things stand, one vector in [0, 1]."""

    def state(self) -> dict[str, Array]:
        """All that the next step depends on, copied."""

    def resume(self, state: Mapping[str, Array]) -> None:
        """Go on from a state."""
