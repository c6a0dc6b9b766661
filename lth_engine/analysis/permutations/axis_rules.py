"""What operations do with the labels of axes (see axis_trace): rules place by place, and the table of all.

Everything that is not in the table freezes the units that it sees; so do attention over heads (its channels are cut
into heads), two moving axes made one, sorting, and indexing by more than one list.
"""

from __future__ import annotations

from typing import Any

import torch

from lth_engine.analysis.permutations.axis_blocks import combined, moved
from lth_engine.analysis.permutations.axis_layout import LAYOUT
from lth_engine.analysis.permutations.axis_products import PRODUCTS
from lth_engine.analysis.permutations.axis_trace import Arguments, Rule, Trace, tensors


def pointwise(trace: Trace, given: Arguments, out: Any) -> None:
    """Place by place, broadcast: arithmetic, activations, copies."""
    if not isinstance(out, torch.Tensor):
        trace.refuse(given, out)
        return
    operands = tensors({name: value for name, value in given.items() if name != "out"})
    trace.put(out, combined(trace, [(trace.blocks(tensor), tensor.shape) for tensor in operands]))


def kept(trace: Trace, given: Arguments, out: Any) -> None:
    """The labels of the argument `self` stay: softmax along a whole axis, filling with one number."""
    x = given["self"]
    if "dim" in given:
        trace.single(x, given["dim"] % x.ndim)  # freezes what stands on an axis that was cut
    trace.put(out, trace.blocks(x))


def uniform(trace: Trace, given: Arguments, out: Any) -> None:
    """A new tensor full of one number."""
    trace.put(out, trace.uniform(out.shape))


def restrided(trace: Trace, given: Arguments, out: Any) -> None:
    """Another layout in memory of the same tensor."""
    shape, strides = given["before"]
    if given["storage_offset"] is not None or shape != out.shape or any(
            n > 1 and old != new for n, old, new in zip(shape, strides, out.stride(), strict=True)):
        trace.refuse(given, out)
    else:
        trace.put(out, trace.blocks(given["self"]))


def spatial(count: int) -> Rule:
    """A rule for pools and resizing over the last `count` axes; the others stay."""
    def rule(trace: Trace, given: Arguments, out: Any) -> None:
        x = given["self"]
        trace.freeze({axes: labels for axes, labels in trace.blocks(x).items() if max(axes) >= x.ndim - count})
        for tensor in tensors(out):
            trace.put(tensor, {axes: labels for axes, labels in trace.blocks(x).items()
                               if max(axes) < x.ndim - count})
    return rule


def reduced(trace: Trace, given: Arguments, out: Any) -> None:
    """Sums, means, maxima: axes that vanish whole were summed in some order, and the order does not matter."""
    x, dims = given["self"], given.get("dim")
    gone = {axis % x.ndim for axis in ([dims] if isinstance(dims, int) else dims or range(x.ndim))}
    stay = [axis for axis in range(x.ndim) if axis not in gone]
    blocks = trace.blocks(x)
    trace.freeze({axes: labels for axes, labels in blocks.items() if set(axes) & gone and not set(axes) <= gone})
    blocks = {axes: labels for axes, labels in blocks.items() if not set(axes) & gone}
    trace.put(out, blocks if given.get("keepdim") else moved(blocks, stay.index))


_SAME = ("clone", "contiguous", "detach", "alias", "lift_fresh", "_to_copy", "hardswish", "hardsigmoid", "dropout",
         "copy")
"""Operations place by place that torch does not mark as such."""

_TABLE: dict[Rule, tuple[str, ...]] = {
    pointwise: ("pointwise", *_SAME),
    kept: ("_softmax", "_log_softmax", "fill", "zero"),
    uniform: ("zeros", "ones", "full", "new_zeros", "new_ones", "new_full", "zeros_like", "ones_like",
              "full_like"),
    restrided: ("as_strided",),
    spatial(2): ("max_pool2d_with_indices", "avg_pool2d", "_adaptive_avg_pool2d", "adaptive_max_pool2d",
                 "upsample_nearest2d", "upsample_bilinear2d", "reflection_pad2d", "replication_pad2d"),
    reduced: ("mean", "sum", "amax", "amin", "var", "std", "linalg_vector_norm"),
}

RULES: dict[str, Rule] = {name: rule for rule, names in _TABLE.items() for name in names} | LAYOUT | PRODUCTS
"""Name of an operation -> its rule."""
