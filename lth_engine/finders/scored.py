"""What a scorer is shown: the weights under a mask, the network with them, and class-balanced training images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.meter import Meter
from lth_engine.core.seeds import derive
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.masking.prunable import prunable
from lth_engine.scorers.subject import Batch, Masked, Subject, Tensors
from lth_engine.specs.finding import Ranking
from lth_engine.specs.scorers import OnImages, ScorerSpec
from lth_engine.specs.tickets import FoundTicket
from lth_engine.training.flops import TRAINING_FACTOR, forward_flops
from lth_engine.training.material import Material, material, network, put_weights
from lth_engine.training.threads import use_threads

BATCH = 250
"""Images in a batch that is scored, at most: a hundred or two hundred and fifty are usual for ten classes."""

PIXELS = 250 * 64 * 64
"""Pixels in a batch that is scored, at most, so that large images fit into memory too: 20 of 224 x 224."""


def subjects(question: FoundTicket, weights: Mapping[str, Array], names: Sequence[str],
             bench: Workbench) -> Callable[[Tensors], Subject]:
    """Mask -> what a scorer looks at; each one asked for is another round of the search, which is reported.

    Args:
        question: gives network, images and seed.
        weights: parameters and buffers that are scored.
        names: the prunable parameters that may be pruned.
        bench: where it is computed.
    """
    return Rounds(question, weights, names, bench).subject


class Rounds:
    """What the scorer of a search is shown round by round; network and images are loaded when it asks for them."""

    def __init__(self, question: FoundTicket, weights: Mapping[str, Array], names: Sequence[str],
                 bench: Workbench) -> None:
        assert isinstance(question.search, Ranking)
        self.question, self.weights, self.bench = question, weights, bench
        self.scorer = question.search.scorer
        self.values = {name: torch.tensor(weights[name]) for name in names}
        self.begun = 0
        self.kept: dict[str, Any] = {}
        self.meter = Meter(bench.report)

    def subject(self, allowed: Tensors) -> Subject:
        """The weights under a mask, for the next round."""
        self.begun += 1
        self._tell()
        masked = Masked(self.values, allowed)
        return Subject(masked, allowed, self.question.mask_seed, lambda: self._network(masked), self._images,
                       self._shape, self.kept)

    def _network(self, masked: Tensors) -> nn.Module:
        images = material(self.question.start.data, self.bench)
        model = _empty(self.question, images, self.bench)
        put_weights(model, self.weights)
        with torch.no_grad():
            for name, parameter in prunable(model).items():
                if name in masked:
                    parameter.copy_(masked[name])
        use_threads(model, images.facts, BATCH if isinstance(self.scorer, OnImages) else 1)
        return model.eval()

    def _images(self, per_class: int) -> Iterator[Batch]:
        for batch in images_of(self.question, per_class, self.bench):
            self._tell()
            yield batch

    def _shape(self) -> tuple[int, int, int]:
        facts = material(self.question.start.data, self.bench).facts
        return facts.channels, facts.height, facts.width

    def _tell(self) -> None:
        rounds = self.scorer.steps
        step = f", round {min(self.begun, rounds)} of {rounds}" if rounds > 1 else ""
        self.meter.tell(Progress(0, 0, f"{self.scorer.title}, level {self.question.at_level}{step}"))


def images_of(question: FoundTicket, per_class: int, bench: Workbench) -> Iterator[Batch]:
    """The same number of training images of every class (all, if a class has fewer), in batches of mixed classes."""
    images = material(question.start.data, bench)
    index = balanced(_labels(images), per_class, derive(question.mask_seed, "scored images"))
    size = max(1, min(BATCH, PIXELS // (images.facts.height * images.facts.width)))
    return iter(images.train.in_parts(torch.from_numpy(index).tensor_split(-(-len(index) // size))))


def balanced(labels: Array, per_class: int, seed: int) -> Array:
    """Indices of `per_class` images of every class, in a mixed order."""
    draw = np.random.default_rng(seed)
    members = [draw.permutation(np.flatnonzero(labels == label))[:per_class] for label in np.unique(labels)]
    return draw.permutation(np.concatenate(members))


def cost(question: FoundTicket, scorer: ScorerSpec, seconds: float, bench: Workbench) -> dict[str, Scalar]:
    """What scoring cost: an epoch is a pass, forward and backward, of as many images as the training set has."""
    images = material(question.start.data, bench)
    # A scorer without images shows one of its own.
    shown = scorer.passes * (len(balanced(_labels(images), scorer.images, 0)) if isinstance(scorer, OnImages) else 1)
    model, facts = _empty(question, images, bench), images.facts
    flops = float(TRAINING_FACTOR * shown * sum(
        forward_flops(model, facts.channels, facts.height, facts.width).values()))
    return {"epochs": shown / len(images.train), "train_seconds": seconds, "flops_dense": flops, "flops_sparse": flops}


def _labels(images: Material) -> Array:
    labels: Array = images.train.y.cpu().numpy()
    return labels


def _empty(question: FoundTicket, images: Material, bench: Workbench) -> nn.Module:
    return network(question.start.model, images.facts, question.start.init_seed, bench.device)
