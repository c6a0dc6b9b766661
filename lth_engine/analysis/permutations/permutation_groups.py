"""The permutations of units that leave a network's function as it is, found by following the units through it.

A group holds units (channels, hidden neurons) that may change places: wherever they stand in the weights, they stand
alike, and everything that reads them is permuted with them. Groups are found from a forward pass, at the level of
torch's operations, so that any way of writing a network will do; no table of layers is written by hand.

What stays in its place (no group holds it):
- pixels and channels of the input, the classes, places in space and the places of patches;
- whatever passes an operation without a rule (axis_rules), such as sorting or transposed convolution, and the channels
  inside attention (they are cut into heads);
- two axes that move and are made one, units met in two slots at once, and the input of a convolution by groups whose
  weight is computed from another tensor.
Group convolutions let channels move within their group only, padded or cut axes within their parts. A branch that the
two images of the trace do not take is not seen; :func:`same_function` then tells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from lth_engine.analysis.permutations.axis_labels import Ties
from lth_engine.analysis.permutations.axis_rules import RULES
from lth_engine.analysis.permutations.axis_trace import Trace, tensors
from lth_engine.core.artifact import Array

CLOSE = {torch.float32: 1e-4, torch.float64: 1e-10}
"""Largest difference of outputs, over the largest output, of networks that compute the same function."""


@dataclass(frozen=True, eq=False)
class Use:
    """Where the units of a group stand on one axis of a tensor.

    Attributes:
        name: of the tensor.
        axis: of the tensor.
        rows: first and last + 1 place of axis 0 that this is about; None for all.
        places: (units, slots) whole numbers; unit i stands at `places[i]`.
    """

    name: str
    axis: int
    rows: tuple[int, int] | None
    places: Array


@dataclass(frozen=True, eq=False)
class Group:
    """Units that may change places with each other, and every axis on which they stand.

    Attributes:
        name: where they stand first, for people to read: `blocks.0.conv1.weight axis 0 from 0`.
        size: number of units, at least 2.
        uses: at least one.
    """

    name: str
    size: int
    uses: tuple[Use, ...]


def permutation_groups(model: nn.Module, example: torch.Tensor) -> list[Group]:
    """The groups of a network, in the order in which a forward pass meets them.

    Args:
        model: in any mode (it is traced in evaluation mode and left as it was).
        example: one image, (1, C, H, W), on the device of the model.
    """
    trace = _traced(model, example)
    groups = []
    uses = _uses(trace)
    for units in trace.ties.classes():
        order = {unit: index for index, unit in enumerate(units)}
        found = [Use(name, axis, rows, places) for (name, axis, rows), stands in uses.items()
                 if (places := _places(stands, order)) is not None]
        if found:
            where = f"{found[0].name} axis {found[0].axis} from {found[0].places.min()}"
            groups.append(Group(where, len(units), tuple(found)))
    return groups


def permuted(weights: Mapping[str, Array], orders: Mapping[Group, Array]) -> dict[str, Array]:
    """Weights, buffers or masks after the units changed places.

    Args:
        weights: arrays by name; tensors of the groups that are missing (a mask has few) are passed over.
        orders: group -> permutation; the new unit i is the old unit `orders[group][i]`. Groups left out stay.
    """
    moved = {name: np.array(value) for name, value in weights.items()}
    for group, order in orders.items():
        move(moved, group, order)
    return moved


def move(weights: dict[str, Array], group: Group, order: Array) -> None:
    """Let the units of one group change places, in place; see :func:`permuted`."""
    for use in group.uses:
        if use.name in weights:
            part = rows_of(weights[use.name], use)
            places = np.arange(part.shape[use.axis])
            places[use.places] = use.places[order]
            part[...] = part.take(places, use.axis)


def rows_of(weight: Array, use: Use) -> Array:
    """The part of a tensor that a use is about, a view."""
    return weight if use.rows is None else weight[slice(*use.rows)]


def same_function(model: nn.Module, first: Mapping[str, Array], second: Mapping[str, Array],
                  images: torch.Tensor) -> bool:
    """Whether two sets of weights give the same outputs, up to rounding (`CLOSE` of the type of `images`).

    Args:
        model: of the architecture; left as it is.
        first: weights and buffers by name.
        second: likewise.
        images: (N, C, H, W), float32 or float64, on the device of the model; the computation has their type.
    """
    outputs = [_outputs(model, weights, images) for weights in (first, second)]
    difference, largest = (outputs[0] - outputs[1]).abs().max(), outputs[0].abs().max()
    return bool(difference <= CLOSE[images.dtype] * largest)


@torch.no_grad()
def _outputs(model: nn.Module, weights: Mapping[str, Array], images: torch.Tensor) -> torch.Tensor:
    state = {name: torch.as_tensor(weights.get(name, own), device=images.device)
             for name, own in model.state_dict().items()}
    state = {name: value.to(images.dtype) if value.is_floating_point() else value for name, value in state.items()}
    training = model.training
    try:
        outputs: torch.Tensor = functional_call(model.eval(), state, (images,))
    finally:
        model.train(training)
    return outputs


@torch.no_grad()
def _traced(model: nn.Module, example: torch.Tensor) -> Trace:
    trace, training = Trace(model, RULES), model.training
    images = torch.cat([example, example.flip(-1)])  # two, since batch normalisation may want to compare
    fused = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)  # one operation for a whole layer would freeze all of it
        with trace:
            outputs = model.eval()(images)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        model.train(training)
    for output in tensors(outputs):
        trace.freeze(trace.blocks(output))
    return trace


Stand = dict[int, list[int]]
"""Unit -> its places on an axis, by slot."""


def _uses(trace: Trace) -> dict[tuple[str, int, tuple[int, int] | None], Stand]:
    """All axes of the network's own tensors (or of parts of their rows), with the units that stand there."""
    found = {}
    for key, blocks in trace.labelled().items():
        for name in trace.own[key]:
            for (axis,), labels in blocks.items():
                found[(name, axis, None)] = _stand(trace.ties, labels)
            parts = trace.parts.get(key, [])
            rows = len(next(iter(blocks.values()))) // len(parts) if parts else 0
            for k, labels in enumerate(parts):
                found[(name, 1, (k * rows, (k + 1) * rows))] = _stand(trace.ties, labels)
    return found


def _stand(ties: Ties, labels: Array) -> Stand:
    stand: dict[int, list[tuple[tuple[int, ...], int]]] = defaultdict(list)
    for place, number in enumerate(labels.tolist()):
        label = ties.resolve(number)
        if label is not None:
            stand[label[0]].append((label[1], place))
    return {unit: [place for _, place in sorted(places)] for unit, places in stand.items()}


def _places(stand: Stand, order: Mapping[int, int]) -> Array | None:
    """(units, slots) of a class of units on an axis; None if they do not stand there."""
    if next(iter(order)) not in stand:
        return None
    return np.array([stand[unit] for unit in order], dtype=np.int64)
