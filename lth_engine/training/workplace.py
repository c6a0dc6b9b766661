"""A place on the device where networks of one kind are trained one after the other.

On a GPU, and wherever a network is compiled, the place keeps its network, masks, optimizer and recorded step, so that
the next level copies its weights and mask there and compiles nothing. On a CPU without compilation nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from lth_engine.core.artifact import Array
from lth_engine.core.seeds import derive
from lth_engine.core.ticket import Ticket
from lth_engine.masking.applied import AppliedMask
from lth_engine.specs.models import ModelSpec
from lth_engine.specs.training import Training
from lth_engine.training.captured import Captured
from lth_engine.training.material import put_weights
from lth_engine.training.stepper import Stepper

KINDS = 2
"""Kinds of training that a slot holds: a search with a mask search of its own goes back and forth between two."""

_PLACES: dict[tuple[int, tuple[object, ...]], Stepper | Captured] = {}
"""(slot, what is trained) -> its step; what was used last comes last."""


def workplace(spec: ModelSpec, model: nn.Module, training: Training, ticket: Ticket, seed: int,
              anchor: Mapping[str, Array] | None, slot: int = 0) -> Stepper | Captured:
    """The training step of a ticket, with its weights and mask in place.

    Args:
        spec: what `model` was built from.
        model: a network of the right kind on the right device; not used where the place has one already.
        training: how to train.
        ticket: weights and mask.
        seed: of the noise of a step, which differs from level to level too.
        anchor: the weights that the term of the loss compares with.
        slot: number of the place.
    """
    device = next(model.parameters()).device
    shapes = tuple((name, tuple(value.shape)) for name, value in model.state_dict().items())
    wanted = (spec, shapes, training, str(device))
    noise = derive(seed, "noise", ticket.level)
    if device.type != "cuda" and not training.compile:
        put_weights(model, ticket.start)
        return Stepper(model, AppliedMask(model, ticket.mask), training, noise, anchor)
    found = _PLACES.pop((slot, wanted), None)
    if found is None:
        held = [place for place in _PLACES if place[0] == slot]
        for oldest in held[:max(0, len(held) - KINDS + 1)]:
            del _PLACES[oldest]
        step = Stepper(model, AppliedMask(model, ticket.mask, every_layer=True), training, noise, anchor)
        found = Captured(step) if device.type == "cuda" else step
    found.mask.put(ticket.mask)
    put_weights(found.model, ticket.start)
    found.restart(noise, anchor)
    _PLACES[slot, wanted] = found
    return found


def held() -> bool:
    """Whether some place holds memory that :func:`clear` would let go."""
    return bool(_PLACES)


def clear() -> None:
    """Let go of every place, and of the memory that it holds."""
    _PLACES.clear()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
