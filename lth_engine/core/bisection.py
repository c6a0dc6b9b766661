"""The first stable point of training, by bisection (Pruning Close to Home, section 4.1).

The bisection takes for granted that a network which is stable stays so; :func:`contradictions` puts that to the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lth_engine.core.errors import BadInput


@dataclass(frozen=True)
class FirstStable:
    """What a bisection found.

    Attributes:
        point: the first stable point, or None if none is.
        last: the last point that was asked about.
        tried: each point that was tried with its answer, in the order of the tries.
    """

    point: int | None
    last: int
    tried: tuple[tuple[int, bool], ...]


def first_stable(is_stable: Callable[[int], bool], last: int) -> FirstStable:
    """The first stable point of 0 ... last, in at most ceil(log2(last + 2)) tries.

    There are last + 2 outcomes, "never" among them: at most 8 tries for last = 200 and 7 for 90, as in the paper. Who
    takes the end T of training as stable by definition (nothing is left to be trained apart) asks for last = T - 1 and
    reads None as T: ceil(log2(T + 1)) tries, the paper's count for any T.

    Args:
        is_stable: the expensive question; asked once a point.
        last: last point, at least 0.

    Raises:
        BadInput: `last` is negative.
    """
    if last < 0:
        raise BadInput(f"The last point of a search for stability must be at least 0. Got {last}.")
    tried: list[tuple[int, bool]] = []
    low, high = 0, last + 1  # the answer lies between them; last + 1 stands for never
    while low < high:
        middle = (low + high) // 2
        stable = is_stable(middle)
        tried.append((middle, stable))
        low, high = (low, middle) if stable else (middle + 1, high)
    return FirstStable(low if low <= last else None, last, tuple(tried))


def least_tries(tried: Iterable[tuple[int, bool]], last: int) -> int:
    """How many more tries a bisection of 0 ... last makes at least.

    Each halves the n outcomes that are left, and the smaller half is floor(n / 2): floor(log2(n)) tries.

    Args:
        tried: the points that it has tried so far with their answers.
        last: last point, at least 0.
    """
    low, high = 0, last + 1
    for point, stable in tried:
        low, high = (low, point) if stable else (point + 1, high)
    return (high - low + 1).bit_length() - 1


def contradictions(is_stable: Callable[[int], bool], found: FirstStable) -> tuple[int, ...]:
    """Points that speak against stability setting in once and for all: stable ones before the first stable point,
    unstable ones after it.

    The bisection itself tries the point just before its answer. This tries the nearest points on either side that it
    left out: two tries at most.

    Args:
        is_stable: the same question as in the search.
        found: what the search found.

    Returns:
        the contradicting points in ascending order; none means that nothing speaks against it.
    """
    point = found.last + 1 if found.point is None else found.point
    known = dict(found.tried)
    before = next((p for p in range(point - 1, -1, -1) if p not in known), None)
    after = next((p for p in range(point + 1, found.last + 1) if p not in known), None)
    known |= {p: is_stable(p) for p in (before, after) if p is not None}
    return tuple(sorted(p for p, stable in known.items() if stable != (p >= point)))
