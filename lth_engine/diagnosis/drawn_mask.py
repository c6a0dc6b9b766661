"""The mask that a scorer of the lab draws for a network that somebody brought, shown images of their own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import torch
from torch import nn

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput
from lth_engine.core.workbench import Progress
from lth_engine.diagnosis.batch_file import Batch
from lth_engine.diagnosis.brought import Weighed
from lth_engine.finders.ranked import in_rounds
from lth_engine.masking.prunable import prunable
from lth_engine.scorers.subject import Masked, Subject, Tensors
from lth_engine.specs.finding import OneShot
from lth_engine.specs.scorers import Magnitude, OnImages, RandomScore, ScorerSpec, SmallMagnitude, StartMagnitude

Report = Callable[[Progress], None]

WEIGHTS_ALONE = (Magnitude, SmallMagnitude, StartMagnitude, RandomScore)
"""Scorers that look at weights and at nothing else."""

SCORED = 250
"""Images in a batch that is scored, as the lab's own searches have."""


def draw(weights: Weighed, scorer: ScorerSpec, density: float, batch: Batch | None, scope: str = "global",
         seed: int = 0, report: Report = lambda progress: None) -> dict[str, Array]:
    """Prunable parameter by its key in the file -> bool, True where it is kept.

    Exactly round(density x prunable weights) are kept; what the file has pruned stays pruned.

    Args:
        weights: what is scored, with its network in evaluation mode unless the scorer is one of WEIGHTS_ALONE; neither
            is changed.
        scorer: ranks the weights. What it asks of images is shown all those of `batch`, whatever their number.
        density: fraction of all prunable weights, in (0, 1).
        batch: images and labels, for scorers that look at images.
        scope: how the kept weights are shared out among the layers, as in a search.
        seed: of whatever the scorer draws.
        report: is told of the rounds; raises Cancelled to stop.

    Raises:
        BadInput: the scorer needs images, or the file keeps fewer weights than that.
        NonFinite: scores are NaN or infinite.
    """
    if not 0 < density < 1:
        raise BadInput(f"The density must be above 0 and below 1. Got {density:g}.")
    if weights.network is None and not isinstance(scorer, WEIGHTS_ALONE):
        raise BadInput(f"The scorer {scorer.name} looks at the network, but {weights.where} holds none that is known "
                       "here. Choose magnitude, small_magnitude or random.")
    if isinstance(scorer, OnImages) and batch is None:
        raise BadInput(f"The scorer {scorer.name} looks at images. Give them with --batch BATCH.npz.")
    fraction = float(1 - Decimal(str(density)))  # in decimals, so that 1 - 0.07 is 0.93
    search = OneShot(scorer=scorer, fraction=fraction, scope=scope)
    allowed = dict(weights.allowed)
    total, kept = sum(m.numel() for m in allowed.values()), sum(int(m.sum()) for m in allowed.values())
    wanted = round(search.exact_density(1) * total)
    if not 1 <= wanted <= kept:
        raise BadInput(f"A density of {density:g} is {wanted:,} of {total:,} weights, but {weights.where} keeps "
                       f"{kept:,}, and what is pruned stays pruned: choose a density from {1 / total:.2g} to "
                       f"{kept / total:.4g}.")
    shown = _Shown(weights, batch, seed, scorer, report)
    since = Fraction(kept, total)
    found = in_rounds(search, scorer, shown.subject, allowed, since, search.exact_density(1))
    return {weights.names.get(name, name): kept.numpy() for name, kept in sorted(found.items())}


class _Shown:
    """What the scorer is shown, round by round."""

    def __init__(self, weights: Weighed, batch: Batch | None, seed: int, scorer: ScorerSpec,
                 report: Report) -> None:
        self._weights, self._batch, self._seed, self._report = weights, batch, seed, report
        self._kept: dict[str, Any] = {}
        self._begun, self._rounds, self._title = 0, scorer.steps, scorer.title

    def subject(self, allowed: Tensors) -> Subject:
        """The network under a mask."""
        self._report(Progress(self._begun, self._rounds, self._title))
        self._begun += 1
        masked = Masked(self._weights.values, allowed)
        if self._weights.network is None:
            return Subject(masked, allowed, self._seed)
        model, made = self._weights.network.model, self._weights.network.architecture
        return Subject(masked, allowed, self._seed, lambda: self._copied(model, allowed),
                       lambda per_class: self._images(), lambda: (made.channels, made.height, made.width), self._kept)

    def _copied(self, model: nn.Module, allowed: Tensors) -> nn.Module:
        model = copy.deepcopy(model).eval()
        with torch.no_grad():
            for name, weight in prunable(model).items():
                weight.mul_(allowed[name])
        return model

    def _images(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        assert self._batch is not None
        count = -(-len(self._batch) // min(SCORED, self._batch.evaluation_batch))
        return self._batch.in_parts(torch.arange(len(self._batch)).tensor_split(count))
