"""Weight matching (Ainsworth et al. 2023, Git Re-Basin, section 3.2): units ordered to bring two networks closest.

The objective is the inner product of all parameters of the first network with those of the permuted second; raising it
lowers their distance. Over one group, the others held still, it is a linear assignment, solved exactly; groups are
visited in a drawn order until none has a better one. Only what raises the objective is taken, so it never falls.

The end depends on the start, so there are two, and the better end counts: as the units stand, and the order found from
the input onwards, each group by those weights alone whose other axes are in order already. A permuted copy is found
back from either; of permuted copies with noise of four times the weights' deviation (ResNet-20, VGG-11, LeNet; three
seeds each) most end higher from the second, and some from the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from lth_engine.analysis.permutations.permutation_groups import Group, Use, move, rows_of
from lth_engine.core.artifact import Array

LEAST_GAIN = 1e-12
"""A gain below this share of the objective's largest value is rounding of float64."""


@dataclass(frozen=True)
class Matching:
    """Where the units of the second network go.

    Attributes:
        orders: group -> permutation; the new unit i is the old unit `orders[group][i]`.
        trail: the objective at the better start and after every group that was changed; it rises.
    """

    orders: dict[Group, Array]
    trail: tuple[float, ...]


def weight_matching(first: Mapping[str, Array], second: Mapping[str, Array], groups: Sequence[Group],
                    seed: int = 0) -> Matching:
    """Permute the second network towards the first.

    Args:
        first: parameters by name (biases and norm factors too, no running statistics); pruned weights are 0.
        second: likewise.
        groups: of their architecture.
        seed: of the order in which groups are visited.
    """
    names = {use.name for group in groups for use in group.uses if use.name in first}
    fixed = {name: np.asarray(first[name], dtype=np.float64) for name in names}
    ends = []
    for start in (_as_it_stands, _from_the_input):
        state = _State(fixed, {name: np.array(second[name], dtype=np.float64) for name in names},
                       {group: np.arange(group.size) for group in groups})
        start(state)
        ends.append(_climb(state, np.random.default_rng(seed)))
    return max(ends, key=lambda end: end.trail[-1])


@dataclass
class _State:
    """The first network, the second as permuted so far, and how."""

    first: dict[str, Array]
    second: dict[str, Array]
    orders: dict[Group, Array]

    def objective(self) -> float:
        return sum(float(np.vdot(value, self.second[name])) for name, value in sorted(self.first.items()))

    def value(self, group: Group) -> float:
        """The share of the objective that a group can change."""
        touched = sorted({use.name for use in group.uses} & set(self.first))
        return sum(float(np.vdot(self.first[name], self.second[name])) for name in touched)

    def reorder(self, group: Group, order: Array) -> None:
        move(self.second, group, order)
        self.orders[group] = self.orders[group][order]

    def best(self, group: Group, uses: Sequence[Use]) -> Array:
        """The order of a group with the largest inner product on some axes, all others held still."""
        similar = np.zeros((group.size, group.size))
        for use in uses:
            a, b = (np.moveaxis(rows_of(weights[use.name], use), use.axis, 0) for weights in (self.first, self.second))
            for places in use.places.T:
                similar += a[places].reshape(group.size, -1) @ b[places].reshape(group.size, -1).T
        return np.asarray(linear_sum_assignment(similar, maximize=True)[1])

    def uses(self, group: Group) -> list[Use]:
        return [use for use in group.uses if use.name in self.first]


def _as_it_stands(state: _State) -> None:
    """Every unit in its place."""


def _from_the_input(state: _State) -> None:
    """Put the groups in order as a forward pass meets them, by weights whose other axes stay or are in order."""
    on: dict[str, list[tuple[Use, Group]]] = {name: [] for name in state.first}
    for group in state.orders:
        for use in state.uses(group):
            on[use.name].append((use, group))
    settled: set[Group] = set()
    waiting = list(state.orders)
    while waiting:
        for group in waiting:
            ready = [use for use in state.uses(group)
                     if all(other in settled for shared, other in on[use.name]
                            if shared.axis != use.axis and _meet(shared, use))]
            if any(state.first[use.name].ndim > 1 for use in ready):  # biases and norm factors alone tell too little
                state.reorder(group, state.best(group, ready))
                settled.add(group)
        if not settled & set(waiting):
            return
        waiting = [group for group in waiting if group not in settled]


def _meet(first: Use, second: Use) -> bool:
    """Whether two uses of a tensor are about common rows."""
    return (first.rows is None or second.rows is None or
            max(first.rows[0], second.rows[0]) < min(first.rows[1], second.rows[1]))


def _climb(state: _State, draw: np.random.Generator) -> Matching:
    """Groups in a drawn order, each to its best, until none has a better one."""
    least = LEAST_GAIN * max(_square(state.first), _square(state.second))
    groups, trail, beside = list(state.orders), [state.objective()], _beside(state)
    waiting = set(groups)  # the others have had their best order since anything around them changed
    while waiting:
        for index in draw.permutation(len(groups)):
            group = groups[index]
            if group not in waiting:
                continue
            waiting.remove(group)
            before, order = state.value(group), state.best(group, state.uses(group))
            state.reorder(group, order)
            gain = state.value(group) - before
            if gain > least:
                trail.append(trail[-1] + gain)
                waiting |= beside[group]
            else:
                state.reorder(group, np.argsort(order))
    return Matching(state.orders, tuple(trail))


def _beside(state: _State) -> dict[Group, set[Group]]:
    """Group -> groups on other axes of the tensors that it stands on, itself among them if it stands on two."""
    on = {group: {(use.name, use.axis) for use in state.uses(group)} for group in state.orders}
    return {group: {other for other in on for name, axis in on[other] for mine, place in on[group]
                    if name == mine and axis != place} for group in on}


def _square(weights: Mapping[str, Array]) -> float:
    return sum(float(np.vdot(value, value)) for value in weights.values())
