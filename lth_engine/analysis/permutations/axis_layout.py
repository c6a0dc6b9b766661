"""Rules for the labels of axes (see axis_trace) through operations that move, cut, join or repeat axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from lth_engine.analysis.permutations.axis_blocks import combined, moved, taken
from lth_engine.analysis.permutations.axis_trace import Arguments, Blocks, Rule, Trace
from lth_engine.core.artifact import Array


def permuted(trace: Trace, given: Arguments, out: Any) -> None:
    """Axes in another order, all given."""
    x = given["self"]
    order = [axis % x.ndim for axis in given["dims"]]
    trace.put(out, moved(trace.blocks(x), order.index))


def transposed(trace: Trace, given: Arguments, out: Any) -> None:
    """Two axes exchanged; the first two of a matrix unless named."""
    x = given["self"]
    order = list(range(x.ndim))
    a, b = (given.get(name, index) % max(x.ndim, 1) for index, name in enumerate(("dim0", "dim1")))
    if x.ndim > 1:
        order[a], order[b] = order[b], order[a]
    trace.put(out, moved(trace.blocks(x), order.index))


def reshaped(trace: Trace, given: Arguments, out: Any) -> None:
    """Neighbouring axes joined or cut; an axis that moves and fixed ones become slots of one axis."""
    x = given["self"]
    if not x.numel():
        trace.refuse(given, out)
        return
    blocks: Blocks = trace.blocks(x)
    found: Blocks = {}
    for inside, outside in _together(x.shape, out.shape):
        here = {axes: labels for axes, labels in blocks.items() if set(axes) & set(inside) and trace.ties.move(labels)}
        if len(here) > 1 or any(not set(axes) <= set(inside) for axes in here):
            trace.freeze(here)
            continue
        for axes, labels in here.items():
            joint = _spread(trace, labels, axes, inside, x.shape)
            wide = [axis for axis in outside if out.shape[axis] > 1]
            found |= _apart(trace, joint.reshape([out.shape[axis] for axis in wide]), wide)
    trace.put(out, found)


def _apart(trace: Trace, joint: Array, wide: list[int]) -> Blocks:
    """Labels over several axes as those of one of them, where the others only count its slots."""
    for index, axis in enumerate(wide):
        labels = trace.ties.without_slots(np.moveaxis(joint, index, 0).reshape(joint.shape[index], -1))
        if labels is not None:
            return {(axis,): labels}
    return {tuple(wide): joint}


def _spread(trace: Trace, labels: Array, axes: tuple[int, ...], inside: list[int], shape: Sequence[int]) -> Array:
    """Labels over all axes `inside`: each place of the axes without labels is a slot."""
    rest = [axis for axis in inside if axis not in axes]
    wide = np.broadcast_to(labels.reshape([shape[a] if a in axes else 1 for a in inside]), [shape[a] for a in inside])
    slots = int(np.prod([shape[axis] for axis in rest], dtype=np.int64))
    if slots == 1:
        return wide
    places = np.arange(slots).reshape([1 if a in axes else shape[a] for a in inside])
    return trace.ties.slots(wide, np.broadcast_to(places, wide.shape))


def _together(before: Sequence[int], after: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
    """The smallest runs of axes that hold the same places before and after."""
    i = j = 0
    while i < len(before) and j < len(after):
        inside, outside, held, wanted = [i], [j], before[i], after[j]
        i, j = i + 1, j + 1
        while held != wanted:
            if held < wanted:
                inside, held, i = [*inside, i], held * before[i], i + 1
            else:
                outside, wanted, j = [*outside, j], wanted * after[j], j + 1
        yield inside, outside


def unsqueezed(trace: Trace, given: Arguments, out: Any) -> None:
    """A new axis of size 1."""
    new = given["dim"] % out.ndim
    trace.put(out, moved(trace.blocks(given["self"]), lambda axis: axis + (axis >= new)))


def squeezed(trace: Trace, given: Arguments, out: Any) -> None:
    """Axes of size 1 vanish: all, or those given."""
    x, dims = given["self"], given.get("dim")
    chosen = range(x.ndim) if dims is None else [axis % x.ndim for axis in ([dims] if isinstance(dims, int) else dims)]
    stay = [axis for axis in range(x.ndim) if not (axis in chosen and x.shape[axis] == 1)]
    trace.put(out, moved(trace.blocks(x), stay.index))


def expanded(trace: Trace, given: Arguments, out: Any) -> None:
    """Axes of size 1 repeated: nothing tells the places along them apart."""
    x = given["self"]
    new = out.ndim - x.ndim
    blocks = moved(trace.blocks(x), lambda axis: axis + new)
    repeated = [axis for axis in range(out.ndim) if out.shape[axis] > 1 and (axis < new or x.shape[axis - new] == 1)]
    trace.put(out, blocks | {(axis,): trace.ties.fresh(out.shape[axis]) for axis in repeated})


def cut(positions: Callable[[Arguments, Array], Any], name: str = "self") -> Rule:
    """A rule that takes `positions` along the axis `dim`: an array, one number (the axis goes), or a list of them."""
    def rule(trace: Trace, given: Arguments, out: Any) -> None:
        x = given[name]
        axis = given["dim"] % x.ndim
        chosen = positions(given, np.arange(x.shape[axis]))
        many = isinstance(out, list | tuple)
        for tensor, part in zip(out if many else [out], chosen if many else [chosen], strict=True):
            blocks = taken(trace.blocks(x), axis, np.atleast_1d(part))
            if np.ndim(part) == 0:
                for axes, labels in blocks.items():
                    trace.ties.stand(labels) if axis in axes else None
                blocks = {axes: labels for axes, labels in blocks.items() if axes != (axis,)}
                blocks = {tuple(a for a in axes if a != axis): labels.squeeze(axes.index(axis)) if axis in axes
                          else labels for axes, labels in blocks.items()}
                blocks = moved(blocks, lambda a: a - (a > axis))
            trace.put(tensor, blocks)
    return rule


def turned(trace: Trace, given: Arguments, out: Any) -> None:
    """Rolled or mirrored along axes."""
    x = given["self"]
    blocks = trace.blocks(x)
    if "shifts" in given and not given["dims"]:
        trace.refuse(given, out)
        return
    for index, axis in enumerate(given["dims"]):
        places = np.arange(x.shape[axis])
        blocks = taken(blocks, axis % x.ndim, np.roll(places, given["shifts"][index]) if "shifts" in given
                       else places[::-1])
    trace.put(out, blocks)


def indexed(trace: Trace, given: Arguments, out: Any) -> None:
    """One list of places along one axis; anything else is refused."""
    lists = [(axis, index) for axis, index in enumerate(given["indices"]) if index is not None]
    x = given["self"]
    if len(lists) != 1 or lists[0][1].ndim != 1 or lists[0][1].dtype != torch.int64 or trace.blocks(lists[0][1]):
        trace.refuse(given, out)
        return
    axis, index = lists[0]
    trace.put(out, taken(trace.blocks(x), axis, np.arange(x.shape[axis])[index.cpu().numpy()]))


def joined(trace: Trace, given: Arguments, out: Any) -> None:
    """Tensors one after the other along the axis `dim`."""
    parts = [tensor for tensor in given["tensors"] if tensor.numel()]
    axis = given["dim"] % out.ndim
    blocks = combined(trace, [(trace.blocks(part), part.shape) for part in parts], ignored=axis)
    along = [trace.single(part, axis) for part in parts]
    if any(labels is not None for labels in along):
        pieces = [_along(part.shape[axis], labels) for part, labels in zip(parts, along, strict=True)]
        if not trace.ties.distinct(np.concatenate(pieces)):  # the same units again: each piece is a slot
            pieces = [trace.ties.slots(piece, np.full(piece.shape, k)) for k, piece in enumerate(pieces)]
        blocks[(axis,)] = np.concatenate(pieces)
    trace.put(out, blocks)


def _along(size: int, labels: Array | None) -> Array:
    return np.zeros(size, dtype=np.int64) if labels is None else labels


def padded(trace: Trace, given: Arguments, out: Any) -> None:
    """Places of one number in front and behind; on an axis that moves they are new units."""
    x, pad = given["self"], given["pad"]
    blocks = dict(trace.blocks(x))
    for index in range(len(pad) // 2):
        axis, (front, behind) = x.ndim - 1 - index, pad[2 * index:2 * index + 2]
        if not (front or behind):
            continue
        labels = trace.single(x, axis)
        blocks = {axes: each for axes, each in blocks.items() if axis not in axes}
        if labels is not None and min(front, behind) >= 0:
            blocks[(axis,)] = np.concatenate([trace.ties.fresh(front), labels, trace.ties.fresh(behind)])
        elif labels is not None:
            trace.ties.freeze(labels)
    trace.put(out, blocks)


_TABLE: dict[Rule, tuple[str, ...]] = {
    permuted: ("permute",),
    transposed: ("transpose", "t"),
    reshaped: ("view", "_unsafe_view", "reshape", "_reshape_alias"),
    unsqueezed: ("unsqueeze",),
    squeezed: ("squeeze",),
    expanded: ("expand",),
    cut(lambda given, places: places[given["start"]:given["end"]:given["step"]]): ("slice",),
    cut(lambda given, places: places[given["index"]]): ("select",),
    cut(lambda given, places: list(places)): ("unbind",),
    cut(lambda given, places: np.split(places, range(given["split_size"], len(places), given["split_size"]))):
        ("split",),
    cut(lambda given, places: np.split(places, np.cumsum(given["split_sizes"])[:-1])): ("split_with_sizes",),
    turned: ("roll", "flip"),
    indexed: ("index",),
    joined: ("cat",),
    padded: ("constant_pad_nd",),
}

LAYOUT: dict[str, Rule] = {name: rule for rule, names in _TABLE.items() for name in names}
"""Name of an operation -> its rule."""
