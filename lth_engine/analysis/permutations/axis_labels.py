"""Names for the places along the axes of tensors: which unit of a network stands where.

A *unit* is what a permutation moves as a whole: a channel, a hidden neuron. A place along an axis bears a label
(unit, slot): where an image of C x H x W is flattened, the H W places from one channel are slots of its unit.
Places that must move together are tied: their units become one. A unit whose rule is not known is frozen: it
stays.

Two units may change places when they stand alike everywhere: on the same axes, in the same slots. Zeros padded around
channels, parts cut out of an axis and convolutions by groups need no rule of their own for this: there, units differ
in the axes on which they stand.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from lth_engine.core.artifact import Array

Slot = tuple[int, ...]

FIXED = 0
"""The label of a place that never moves."""


class Ties:
    """Units, the labels that name them, and what is known about them. Labels are numbers, held in arrays."""

    def __init__(self) -> None:
        self._labels: list[tuple[int, Slot]] = [(-1, ())]
        self._numbers: dict[tuple[int, Slot], int] = {}
        self._bound: list[tuple[int, Slot] | None] = []  # unit -> the unit that it is a slot of
        self._frozen: set[int] = set()
        self._axes: dict[bytes, Array] = {}

    def fresh(self, count: int) -> Array:
        """Labels of `count` new units."""
        first = len(self._bound)
        self._bound += [None] * count
        return np.array([self._number(first + i, ()) for i in range(count)], dtype=np.int64)

    def slots(self, labels: Array, coordinates: Array) -> Array:
        """Labels of the places within those of `labels`, one level deeper; both arrays have one shape."""
        numbers = [number if number == FIXED else self._number(*self._deeper(number, coordinate))
                   for number, coordinate in zip(labels.ravel().tolist(), coordinates.ravel().tolist(), strict=True)]
        return np.array(numbers, dtype=np.int64).reshape(labels.shape)

    def without_slots(self, labels: Array) -> Array | None:
        """Labels (units,) that have those of the rows (units, places) as their slots; None if there are none such."""
        if labels.shape[1] == 1:
            return labels[:, 0]
        found = []
        for row in labels.tolist():
            known = [self.resolve(number) for number in row]
            if all(label is None for label in known):
                found.append(FIXED)
                continue
            unit, slot = known[0] or (-1, ())
            if known != [(unit, (*slot[:-1], place)) for place in range(len(row))]:
                return None
            found.append(self._number(unit, slot[:-1]))
        return np.array(found, dtype=np.int64)

    def tie(self, first: Array, second: Array) -> None:
        """What stands at one place of `first` and of `second` moves together from now on."""
        for a, b in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True):
            if a != b:
                self._tie(a, b)

    def freeze(self, labels: Array) -> None:
        """These units stay where they are."""
        for number in np.unique(labels).tolist():
            if number != FIXED:
                self._frozen.add(self._root(*self._labels[number])[0])

    def resolve(self, number: int) -> tuple[int, Slot] | None:
        """The unit and slot that a label means today; None if it never moves."""
        if number == FIXED:
            return None
        unit, slot = self._root(*self._labels[number])
        return None if unit in self._frozen else (unit, slot)

    def move(self, labels: Array) -> bool:
        """Whether any of the places may move."""
        return any(self.resolve(number) is not None for number in labels.ravel().tolist())

    def distinct(self, labels: Array) -> bool:
        """Whether no two of the places are the same slot of a unit."""
        found = [label for number in labels.ravel().tolist() if (label := self.resolve(number)) is not None]
        return len(found) == len(set(found))

    def stand(self, labels: Array) -> None:
        """Note an axis (or a part of one): units that change places must stand alike on it."""
        flat = np.ascontiguousarray(labels, dtype=np.int64).ravel()
        self._axes.setdefault(flat.tobytes(), flat)

    def classes(self) -> list[list[int]]:
        """Units that may change places with each other, at least two a class, in the order of their appearance."""
        for axis in self._axes.values():
            if not self.distinct(axis):
                self._freeze_doubled(axis)
        stands: dict[int, list[tuple[int, Slot]]] = defaultdict(list)
        for index, axis in enumerate(self._axes.values()):
            here = [label for number in axis.tolist() if (label := self.resolve(number)) is not None]
            for unit, slot in sorted(here):
                stands[unit].append((index, slot))
        classes: dict[tuple[tuple[int, Slot], ...], list[int]] = defaultdict(list)
        for unit, where in stands.items():
            classes[tuple(where)].append(unit)
        return [units for units in classes.values() if len(units) > 1]

    def _freeze_doubled(self, axis: Array) -> None:
        seen: set[tuple[int, Slot]] = set()
        for number in axis.tolist():
            label = self.resolve(number)
            if label is not None and label in seen:
                self._frozen.add(label[0])
            elif label is not None:
                seen.add(label)

    def _number(self, unit: int, slot: Slot) -> int:
        number = self._numbers.setdefault((unit, slot), len(self._labels))
        if number == len(self._labels):
            self._labels.append((unit, slot))
        return number

    def _deeper(self, number: int, coordinate: int) -> tuple[int, Slot]:
        unit, slot = self._labels[number]
        return unit, (*slot, coordinate)

    def _root(self, unit: int, slot: Slot) -> tuple[int, Slot]:
        while (bound := self._bound[unit]) is not None:
            unit, slot = bound[0], bound[1] + slot
        return unit, slot

    def _tie(self, a: int, b: int) -> None:
        first, second = self.resolve(a), self.resolve(b)
        if first is None or second is None:
            self.freeze(np.array([a, b]))
            return
        (u, s), (v, t) = sorted((first, second), key=lambda label: (-len(label[1]), label))
        if u == v:
            if s != t:  # one unit in two slots at once: no rule for that
                self._frozen.add(u)
        elif s[len(s) - len(t):] == t:
            self._bound[v] = (u, s[:len(s) - len(t)])
        else:
            self._frozen |= {u, v}
