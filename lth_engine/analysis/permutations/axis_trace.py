"""Follows units through a network: a forward pass of two images in which every operation of torch passes by here.

At this level (aten) it does not matter how a network is written. An operation whose rule is not known (axis_rules has
those that are) freezes every unit that it sees: a permutation is then too small, never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lth_engine.analysis.permutations.axis_labels import Ties
from lth_engine.core.artifact import Array

Blocks = dict[tuple[int, ...], Array]
"""Axes of a tensor -> labels, of the shape of these axes. Mostly one axis; several, in ascending order, where an axis
was cut into several that still move as one. Axes in no block never move; axes of size 1 are in none."""

Arguments = Mapping[str, Any]
"""The arguments of an operation by name, defaults filled in."""

Rule = Callable[["Trace", Arguments, Any], None]
"""Labels the outcome of an operation from the labels of its arguments."""


class Trace(TorchDispatchMode):
    """While entered, labels every tensor that an operation makes.

    Args:
        model: whose parameters and floating buffers get units of their own on every axis, at their first use.
        rules: name of an operation (without the overload, and without the underscore of an in-place one) -> its rule.
    """

    def __init__(self, model: nn.Module, rules: Mapping[str, Rule]) -> None:
        super().__init__()
        self.ties = Ties()
        self.own: dict[int, list[str]] = {}  # a tensor's id -> its names; a shared tensor has several
        self.parts: dict[int, list[Array]] = {}  # a weight of a convolution by groups -> labels of axis 1, by group
        self._held: dict[int, tuple[torch.Tensor, Blocks]] = {}
        self._rules = rules
        for name, value in model.state_dict(keep_vars=True).items():
            if value.is_floating_point():
                self.own.setdefault(id(value), []).append(name)

    def blocks(self, tensor: torch.Tensor) -> Blocks:
        """The labels of a tensor; none if it is not the network's and no operation made it."""
        if id(tensor) in self._held:
            return self._held[id(tensor)][1]
        if id(tensor) not in self.own:
            return {}
        self.put(tensor, self.uniform(tensor.shape))
        return self.blocks(tensor)

    def labelled(self) -> dict[int, Blocks]:
        """The network's own tensors that took part, by id."""
        return {key: self._held[key][1] for key in self.own if key in self._held}

    def put(self, tensor: torch.Tensor, blocks: Blocks) -> None:
        """Label a tensor."""
        for labels in blocks.values():
            self.ties.stand(labels)
        kept = {axes: labels for axes, labels in blocks.items() if labels.size > 1 and self.ties.move(labels)}
        self._held[id(tensor)] = tensor, kept  # held, so that no other tensor gets its id

    def uniform(self, shape: tuple[int, ...]) -> Blocks:
        """Labels for a tensor on which nothing tells the places of an axis apart."""
        return {(axis,): self.ties.fresh(size) for axis, size in enumerate(shape) if size > 1}

    def freeze(self, *blocks: Blocks) -> None:
        """All units of these blocks stay where they are."""
        for labels in (labels for each in blocks for labels in each.values()):
            self.ties.freeze(labels)

    def single(self, tensor: torch.Tensor, axis: int) -> Array | None:
        """Labels along one axis; None if it never moves, or is cut (then what stands on it is frozen)."""
        for axes, labels in self.blocks(tensor).items():
            if axes == (axis,):
                return labels
            if axis in axes:
                self.ties.freeze(labels)
        return None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation, then label what came out."""
        kwargs = kwargs or {}
        first = args[0] if args and isinstance(args[0], torch.Tensor) else None
        before = None if first is None else (first.shape, first.stride())  # an operation in place may change them
        out = func(*args, **kwargs)
        schema = func._schema.arguments
        given = {a.name: a.default_value for a in schema if a.has_default_value()}
        given |= {a.name: value for a, value in zip(schema, args, strict=False)} | kwargs
        name = func.overloadpacket.__name__.rstrip("_")
        same = "pointwise" if torch.Tag.pointwise in func.tags else ""
        rule = self._rules.get(name) or self._rules.get(same)
        if rule is None:
            self.refuse(given, out)
        else:
            rule(self, given | {"before": before}, out)
        return out

    def refuse(self, given: Arguments, out: Any) -> None:
        """No rule is known: freeze everything that went in."""
        for tensor in tensors(given):
            self.freeze(self.blocks(tensor))
        for tensor in tensors(out):
            if id(tensor) not in self._held:
                self.put(tensor, {})


def tensors(tree: Any) -> list[torch.Tensor]:
    """All tensors among arguments or outcomes."""
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
