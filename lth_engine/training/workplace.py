"""A place on the device where networks of one kind are trained one after the other.

On a GPU, and wherever a network is compiled, the place keeps its network, masks, optimizer and recorded step, so that
the next level copies its weights and mask there and compiles nothing. On a CPU without compilation nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping

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

_PLACES: dict[int, tuple[tuple[object, ...], Stepper | Captured]] = {}
"""Slot -> what is trained there, and its step."""


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
    reusable = device.type == "cuda" or training.compile
    kept = _PLACES.get(slot)
    if not reusable or kept is None or kept[0] != wanted:
        _PLACES.pop(slot, None)
        put_weights(model, ticket.start)
        step = Stepper(model, AppliedMask(model, ticket.mask, every_layer=reusable), training, noise, anchor)
        found: Stepper | Captured = Captured(step) if device.type == "cuda" else step
        if reusable:
            _PLACES[slot] = wanted, found
        return found
    found = kept[1]
    put_weights(found.model, ticket.start)
    found.mask.put(ticket.mask)
    found.restart(noise, anchor)
    return found
