"""How many weights each layer keeps where a search shares them out beforehand.

A share grows with one parameter t that all layers have in common, until the layer is full; t is found so that the
rounded shares add up to the count. So the sum is exact, no layer keeps more than it has or less than one weight, what
does not fit into one layer goes to others, and a smaller count takes weights from layers and gives none back: masks
of falling density are nested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput

Shapes = Mapping[str, tuple[int, ...]]

LINEAR = 0.3
"""Fraction of the last linear layer that a smart ratio keeps (Su et al. 2020, section 4.2)."""


def shares(scope: str, shapes: Shapes, keep: int) -> dict[str, int]:
    """Layer -> number of weights that it keeps; they add up to `keep`.

    Args:
        scope: "erk", in proportion to the sum of a layer's sides, so that its density is that sum over their product
            (Evci et al. 2020, section 3); "balanced", as many in each; "smart_ratio" or "smart_ratio_vgg".
        shapes: layer -> its sides, in the order of the network.
        keep: number of weights that all keep together.

    Raises:
        BadInput: there are fewer weights to keep than layers.
    """
    sizes = np.array([np.prod(shape) for shape in shapes.values()], dtype=np.int64)
    if keep < len(sizes):
        raise BadInput(f"search.scope {scope} keeps at least one weight in each of {len(sizes)} layers. Got {keep} to "
                       "share out. Use a lower level, a smaller pruning fraction, or search.scope global.")
    if scope.startswith("smart_ratio"):
        found = _smart(list(shapes.values()), sizes, keep, vgg=scope.endswith("vgg"))
    else:
        sides = [sum(shape) if scope == "erk" else 1 for shape in shapes.values()]
        weight = np.array(sides, dtype=np.float64)
        found = _rounded(lambda t: t * weight, keep, sizes)
    return dict(zip(shapes, found.tolist(), strict=True))


def _smart(shapes: list[tuple[int, ...]], sizes: Array, keep: int, vgg: bool) -> Array:
    """Smart ratios (Su et al. 2020): the density of layer l of L is in proportion to (L-l+1)^2 + (L-l+1), in a network
    like VGG divided by l^2; the last layer, if linear, keeps :data:`LINEAR` of its weights. What does not fit into a
    layer goes to the next one that has room, as in the authors' code; the last layer gives way where that is needed to
    leave the others a weight each, and takes what fits nowhere else."""
    count = len(sizes)
    place = np.arange(1, count + 1, dtype=np.float64)
    ratio = (count - place + 1) ** 2 + (count - place + 1)
    ratio = ratio / place**2 if vgg else ratio
    linear = len(shapes[-1]) == 2
    others = slice(0, count - 1 if linear else count)
    last = max(1, round(LINEAR * int(sizes[-1]))) if linear else 0
    last = max(min(last, keep - (count - 1)), keep - int(sizes[others].sum())) if linear else 0
    wanted, room = (sizes * ratio)[others], sizes[others]
    found = _rounded(lambda t: _carried(t * wanted, room), keep - last, room)
    return np.append(found, last) if linear else found


def _carried(wanted: Array, room: Array) -> Array:
    """Each layer's share, where what it has no room for is wanted of the next."""
    found, carry = np.empty_like(wanted), 0.0
    for i, (want, most) in enumerate(zip(wanted.tolist(), room.tolist(), strict=True)):
        found[i] = min(most, want + carry)
        carry = max(0.0, want + carry - most)
    return found


def _rounded(share: Callable[[float], Array], keep: int, sizes: Array) -> Array:
    """Shares rounded to whole numbers, each at least 1 and at most its size, for the t at which they add up to `keep`.

    Where several layers round up at the same t, the first ones do.
    """
    def at(t: float) -> Array:
        counts: Array = np.clip(np.floor(share(t) + 0.5).astype(np.int64), 1, sizes)
        return counts

    low, high = 0.0, 1.0
    while at(high).sum() < min(keep, int(sizes.sum())):
        high *= 2
    while (middle := (low + high) / 2) not in (low, high):
        if at(middle).sum() <= keep:
            low = middle
        else:
            high = middle
    counts, more = at(low), at(high) - at(low)
    for i in np.flatnonzero(more):
        counts[i] += min(int(more[i]), keep - int(counts.sum()))
    return counts
