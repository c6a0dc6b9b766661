"""What is done to the labels of whole tensors (see axis_trace): tie several, move their axes, take some places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from lth_engine.analysis.permutations.axis_trace import Blocks, Trace
from lth_engine.core.artifact import Array


def combined(trace: Trace, operands: Iterable[tuple[Blocks, Sequence[int]]], ignored: int = -1) -> Blocks:
    """Labels of tensors that are combined place by place (each with its shape, broadcast at the front); all are tied.

    Axis `ignored` of them is left out.
    """
    operands = list(operands)
    depth = max(len(shape) for _, shape in operands)
    found: Blocks = {}
    for blocks, shape in operands:
        for axes, labels in blocks.items():
            here = tuple(axis + depth - len(shape) for axis in axes)
            if ignored in here:
                continue
            if here in found:
                trace.ties.tie(found[here], labels)
            elif crossing := [other for other in found if set(other) & set(here)]:
                trace.freeze({here: labels}, {other: found[other] for other in crossing})
            else:
                found[here] = labels
    for axes, labels in found.items():
        for blocks, shape in operands:
            own = [axis - depth + len(shape) for axis in axes]
            if tuple(own) not in blocks and any(axis >= 0 and shape[axis] > 1 for axis in own):
                trace.ties.freeze(labels)  # tied to something that never moves
    return found


def moved(blocks: Blocks, place: Callable[[int], int]) -> Blocks:
    """The labels after axis `a` became axis `place(a)`."""
    found: Blocks = {}
    for axes, labels in blocks.items():
        target = [place(axis) for axis in axes]
        found[tuple(sorted(target))] = labels.transpose(np.argsort(target))
    return found


def taken(blocks: Blocks, axis: int, positions: Array) -> Blocks:
    """The labels after axis `axis` was cut to `positions`."""
    return {axes: labels.take(positions, axes.index(axis)) if axis in axes else labels
            for axes, labels in blocks.items()}
