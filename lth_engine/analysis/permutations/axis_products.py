"""Rules for the labels of axes (see axis_trace) through layers: matrix products, convolutions, normalisations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from lth_engine.analysis.permutations.axis_trace import Arguments, Blocks, Rule, Trace
from lth_engine.core.artifact import Array


def alike(trace: Trace, first: Array | None, second: Array | None) -> None:
    """Two axes meet: what stands on them moves together, or not at all."""
    if first is not None and second is not None:
        trace.ties.tie(first, second)
    elif (known := first if first is not None else second) is not None:
        trace.ties.freeze(known)


def product(trace: Trace, given: Arguments, out: Any) -> None:
    """Matrix products, one or a batch of them, with something added or not: the inner axes meet."""
    first, second = ((given["mat1"], given["mat2"]) if "mat1" in given else
                     (given["batch1"], given["batch2"]) if "batch1" in given else (given["self"], given["mat2"]))
    last = out.ndim - 1
    alike(trace, trace.single(first, last), trace.single(second, last - 1))
    blocks: Blocks = {}
    for axis, labels in ((last - 1, trace.single(first, last - 1)), (last, trace.single(second, last))):
        if labels is not None:
            blocks[(axis,)] = labels
    if last == 2:
        batch = trace.single(first, 0)
        alike(trace, batch, trace.single(second, 0))
        blocks |= {(0,): batch} if batch is not None else {}
    if "mat1" in given or "batch1" in given:
        _added(trace, given["self"], out, blocks)
    trace.put(out, blocks)


def _added(trace: Trace, bias: torch.Tensor, out: torch.Tensor, blocks: Blocks) -> None:
    """A tensor added to an outcome that has `blocks`, broadcast at the front."""
    for axis in range(bias.ndim):
        if bias.shape[axis] > 1:
            alike(trace, trace.single(bias, axis), blocks.get((axis + out.ndim - bias.ndim,)))


def convolution(trace: Trace, given: Arguments, out: Any) -> None:
    """Channels meet axis 1 of the weight, axis 0 becomes the new channels; places in space never move."""
    x, weight, groups = given["input"], given["weight"], given["groups"]
    if given["transposed"] or x.ndim != weight.ndim:
        trace.refuse(given, out)
        return
    for tensor in (x, weight):
        for axis in range(2, tensor.ndim):
            alike(trace, trace.single(tensor, axis), None)
    alike(trace, trace.single(x, 0), None)
    inside, rows = trace.single(x, 1), trace.single(weight, 0)
    if groups == 1:
        alike(trace, inside, trace.single(weight, 1))
    elif weight.shape[1] == 1:
        _depthwise(trace, inside, rows, groups)
    else:
        _by_groups(trace, weight, inside, rows, groups)
    if given["bias"] is not None and given["bias"].numel() > 1:
        alike(trace, trace.single(given["bias"], 0), rows)
    trace.put(out, {(1,): rows} if rows is not None else {})


def _depthwise(trace: Trace, inside: Array | None, rows: Array | None, groups: int) -> None:
    """Each channel has filters of its own, which move with it."""
    if inside is not None and rows is not None and (each := len(rows) // groups) > 1:
        inside = trace.ties.slots(np.repeat(inside, each), np.tile(np.arange(each), groups))
    alike(trace, inside, rows)


def _by_groups(trace: Trace, weight: torch.Tensor, inside: Array | None, rows: Array | None, groups: int) -> None:
    """Channels move within their group: to the rows of a group belongs an order of their own along axis 1."""
    alike(trace, trace.single(weight, 1), None)
    if inside is None or rows is None or id(weight) not in trace.own:
        trace.freeze({(k,): labels for k, labels in enumerate((inside, rows)) if labels is not None})
        return
    parts = np.split(inside, groups)
    for part in (*parts, *np.split(rows, groups)):
        trace.ties.stand(part)
    for part, earlier in zip(parts, trace.parts.setdefault(id(weight), parts), strict=True):
        trace.ties.tie(part, earlier)


def batch_norm(trace: Trace, given: Arguments, out: Any) -> None:
    """A factor, a shift and two statistics for each channel."""
    x = given["input"]
    channels = trace.single(x, 1)
    for name in ("weight", "bias", "running_mean", "running_var"):
        if given.get(name) is not None and given[name].numel() > 1:
            alike(trace, trace.single(given[name], 0), channels)
    trace.put(out[0], trace.blocks(x))
    for statistic in out[1:]:
        trace.put(statistic, {(0,): channels} if channels is not None and statistic.shape == x.shape[1:2] else {})


def layer_norm(trace: Trace, given: Arguments, out: Any) -> None:
    """The last axes are normalised together: their order does not matter, a factor and a shift follow it."""
    x = given["input"]
    first = x.ndim - len(given["normalized_shape"])
    blocks = trace.blocks(x)
    trace.freeze({axes: labels for axes, labels in blocks.items() if min(axes) < first <= max(axes)})
    for name in ("weight", "bias"):
        if given[name] is not None:
            for axis in range(given[name].ndim):
                if given[name].shape[axis] > 1:
                    alike(trace, trace.single(given[name], axis), trace.single(x, first + axis))
    trace.put(out[0], blocks)
    for statistic in out[1:]:
        trace.put(statistic, {axes: labels for axes, labels in blocks.items() if max(axes) < first})


def group_norm(trace: Trace, given: Arguments, out: Any) -> None:
    """Channels are normalised within groups, and stay in them."""
    x = given["input"]
    alike(trace, trace.single(x, 0), None)
    channels = trace.single(x, 1)
    for name in ("weight", "bias"):
        if given[name] is not None and given[name].numel() > 1:
            alike(trace, trace.single(given[name], 0), channels)
    if channels is not None and given["group"] < len(channels):
        for part in np.split(channels, given["group"]):
            trace.ties.stand(part)
    trace.put(out[0], trace.blocks(x))
    for statistic in out[1:]:
        trace.put(statistic, {})


PRODUCTS: dict[str, Rule] = {
    **dict.fromkeys(("mm", "bmm", "addmm", "baddbmm"), product),
    "convolution": convolution,
    **dict.fromkeys(("native_batch_norm", "cudnn_batch_norm", "_native_batch_norm_legit",
                     "_native_batch_norm_legit_no_training", "_batch_norm_no_update"), batch_norm),
    "native_layer_norm": layer_norm,
    "native_group_norm": group_norm,
}
"""Name of an operation -> its rule."""
