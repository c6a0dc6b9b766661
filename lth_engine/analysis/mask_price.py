"""What the masks of a search will cost beside its trainings: those that are learned, and scores that pass images."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from lth_engine.core.summary import number
from lth_engine.core.workbench import Workbench
from lth_engine.finders import scored as scoring
from lth_engine.finders.learned_mask import batches_of, searched
from lth_engine.finders.learner import Learner, Setting
from lth_engine.masking.prunable import prunable
from lth_engine.specs.costs import scored
from lth_engine.specs.finding import Ranking
from lth_engine.specs.questions import TicketSearch, in_order
from lth_engine.specs.tickets import LearnedMask
from lth_engine.training.batches import Batches
from lth_engine.training.material import Material, network
from lth_engine.training.streamed import Batch
from lth_engine.training.threads import use_threads

WARM_UP = 2
"""Steps before the clock starts."""

_FOR_EVER = 1_000_000
"""Steps that a timed learner is told it has: more than are timed."""


@dataclass(frozen=True)
class MaskPrice:
    """What some masks cost, counted exactly but for the time.

    Attributes:
        steps: optimizer steps of masks that are learned.
        epochs: passes of as many images as the training set has.
        flops: of dense kernels.
        seconds: about.
        learned: number of masks that are learned.
    """

    steps: int = 0
    epochs: float = 0.0
    flops: float = 0.0
    seconds: float = 0.0
    learned: int = 0

    def __add__(self, other: MaskPrice) -> MaskPrice:
        return MaskPrice(self.steps + other.steps, self.epochs + other.epochs, self.flops + other.flops,
                         self.seconds + other.seconds, self.learned + other.learned)


def mask_price(search: TicketSearch, images: Material, forward: float, seconds_an_image: float, timed: float,
               bench: Workbench) -> MaskPrice:
    """What all masks of a search cost.

    Args:
        search: the search.
        images: its images.
        forward: FLOPs of one image's forward pass.
        seconds_an_image: what a training step takes for each image; a pass of a score takes about as long.
        timed: seconds for which the steps of a learner are timed.
        bench: where it is computed.
    """
    needed = in_order(search)
    masks = [q for q in needed if isinstance(q, LearnedMask)]
    total = MaskPrice()
    if masks:
        a_step = _seconds_a_step(masks[0], images, timed, bench)
        for mask in masks:
            total += _learned(mask, images, forward, a_step)
    tickets = [ticket for q in needed if (ticket := scored(q)) is not None]
    if tickets:  # all levels are shown as many images
        assert isinstance(tickets[0].search, Ranking)
        cost = scoring.cost(tickets[0], tickets[0].search.scorer, 0.0, bench)
        epochs, flops = len(tickets) * number(cost, "epochs"), len(tickets) * number(cost, "flops_dense")
        total += MaskPrice(epochs=epochs, flops=flops, seconds=seconds_an_image * epochs * len(images.train))
    return total


def images_in(batches: Batches, batch_size: int, steps: int) -> int:
    """Images in the first `steps` steps; the last batch of an epoch may be smaller."""
    epochs, rest = divmod(steps, batches.steps_per_epoch)
    return epochs * batches.count + min(rest * batch_size, batches.count)


def _learned(mask: LearnedMask, images: Material, forward: float, a_step: float) -> MaskPrice:
    batches = batches_of(mask, images)
    steps = mask.rounds * mask.learner.length.iterations(batches.steps_per_epoch)
    shown = images_in(batches, mask.learner.batch_size, steps)
    return MaskPrice(steps, steps / batches.steps_per_epoch,
                     shown * forward * mask.learner.passes, steps * a_step, 1)


def _seconds_a_step(mask: LearnedMask, images: Material, timed: float, bench: Workbench) -> float:
    batches = batches_of(mask, images)
    noise = torch.Generator(device=bench.device)
    step = _learner(mask, images, batches, noise, bench).step
    steps, began = 0, time.perf_counter()
    for done, (x, y) in enumerate(_endless(batches.epoch)):
        noise.manual_seed(done)
        value = step(x, y, done)[0]
        steps = done + 1 - WARM_UP
        if steps == 0:
            float(value)
            began = time.perf_counter()
        elif steps >= 3 and time.perf_counter() - began > timed:
            float(value)
            break
    return (time.perf_counter() - began) / steps


def _learner(mask: LearnedMask, images: Material, batches: Batches, noise: torch.Generator,
             bench: Workbench) -> Learner:
    """The learner on a network as it is drawn."""
    model = network(mask.start.model, images.facts, mask.start.init_seed, bench.device).eval()
    use_threads(model, images.facts, mask.learner.batch_size)
    weights = prunable(model, mask.search.ignore)
    keep = mask.search.kept(mask.at_level, sum(p.numel() for p in weights.values()))
    begin: Callable[[Setting], Learner] = importlib.import_module(f"{mask.search.package}.{mask.search.name}").begin
    return begin(Setting(mask, model, searched(mask, model), keep, _FOR_EVER, batches.steps_per_epoch, noise))


def _endless(epoch: Callable[[int], Iterator[Batch]]) -> Iterator[Batch]:
    number = 0
    while True:
        yield from epoch(number)
        number += 1
