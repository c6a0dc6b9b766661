"""What a scorer is shown: the weights under a mask, the network with them, and class-balanced training images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.seeds import derive
from lth_engine.core.workbench import Workbench
from lth_engine.masking.prunable import prunable
from lth_engine.scorers.subject import Batch, Subject, Tensors
from lth_engine.specs.scorers import OnImages, ScorerSpec
from lth_engine.specs.tickets import FoundTicket
from lth_engine.training.flops import TRAINING_FACTOR, forward_flops
from lth_engine.training.material import Material, material, network, put_weights

BATCH = 250
"""Images in a batch that is scored, at most: a hundred or two hundred and fifty are usual for ten classes."""


def subjects(question: FoundTicket, weights: Mapping[str, Array], names: Sequence[str],
             bench: Workbench) -> Callable[[Tensors], Subject]:
    """Mask -> what a scorer looks at.

    Args:
        question: gives network, images and seed.
        weights: parameters and buffers that are scored.
        names: the prunable parameters that may be pruned.
        bench: where it is computed.
    """
    def subject(allowed: Tensors) -> Subject:
        masked = {n: torch.where(allowed[n], torch.tensor(weights[n]), 0) for n in names}
        return Subject(masked, allowed, question.mask_seed, lambda: _network(question, weights, masked, bench),
                       lambda per_class: images_of(question, per_class, bench))
    return subject


def images_of(question: FoundTicket, per_class: int, bench: Workbench) -> list[Batch]:
    """The same number of training images of every class (all, if a class has fewer), in batches of mixed classes."""
    train = material(question.start.data, bench).train
    index = balanced(train.y.cpu().numpy(), per_class, derive(question.mask_seed, "scored images"))
    parts = torch.from_numpy(index).tensor_split(max(1, -(-len(index) // BATCH)))
    return list(train.in_parts(parts))


def balanced(labels: Array, per_class: int, seed: int) -> Array:
    """Indices of `per_class` images of every class, in a mixed order."""
    draw = np.random.default_rng(seed)
    members = [draw.permutation(np.flatnonzero(labels == label))[:per_class] for label in np.unique(labels)]
    return draw.permutation(np.concatenate(members))


def cost(question: FoundTicket, scorer: ScorerSpec, seconds: float, bench: Workbench) -> dict[str, Scalar]:
    """What scoring cost: an epoch is a pass, forward and backward, of as many images as the training set has."""
    images = material(question.start.data, bench)
    shown = scorer.passes * (len(_labels(images, scorer, question, bench)))
    model, facts = _empty(question, images, bench), images.facts
    flops = float(TRAINING_FACTOR * shown * sum(
        forward_flops(model, facts.channels, facts.height, facts.width).values()))
    return {"epochs": shown / len(images.train), "train_seconds": seconds, "flops_dense": flops, "flops_sparse": flops}


def _labels(images: Material, scorer: ScorerSpec, question: FoundTicket, bench: Workbench) -> Array:
    """Of the images that one pass shows; a scorer without images shows one of its own."""
    if not isinstance(scorer, OnImages):
        return np.zeros(1)
    return balanced(images.train.y.cpu().numpy(), scorer.images, 0)


def _network(question: FoundTicket, weights: Mapping[str, Array], masked: Tensors, bench: Workbench) -> nn.Module:
    model = _empty(question, material(question.start.data, bench), bench)
    put_weights(model, weights)
    with torch.no_grad():
        for name, parameter in prunable(model).items():
            if name in masked:
                parameter.copy_(masked[name])
    return model.eval()


def _empty(question: FoundTicket, images: Material, bench: Workbench) -> nn.Module:
    return network(question.start.model, images.facts, question.start.init_seed, bench.device)
