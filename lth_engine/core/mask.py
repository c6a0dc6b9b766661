"""Which weights a ticket keeps: one boolean array for each prunable parameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from lth_engine.core.errors import BadInput

Bools = npt.NDArray[np.bool_]


class Mask(Mapping[str, Bools]):
    """Parameter name -> boolean array of the parameter's shape, True where the weight is kept.

    Raises:
        BadInput: an array is not boolean, or there is none.
    """

    def __init__(self, kept: Mapping[str, Bools]) -> None:
        if not kept:
            raise BadInput("A mask needs at least one prunable parameter. Got none.")
        for name, array in kept.items():
            if array.dtype != np.bool_:
                raise BadInput(f"The mask of {name} must be boolean. Got {array.dtype}.")
        self._kept = {name: kept[name] for name in sorted(kept)}
        for array in self._kept.values():
            array.flags.writeable = False

    def __getitem__(self, name: str) -> Bools:
        return self._kept[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        """Number of prunable weights."""
        return sum(array.size for array in self._kept.values())

    @property
    def kept(self) -> int:
        """Number of weights kept."""
        return sum(int(array.sum()) for array in self._kept.values())

    @property
    def density(self) -> float:
        """Fraction of the prunable weights that is kept, in [0, 1]."""
        return self.kept / self.size

    def layer_density(self) -> dict[str, float]:
        """Fraction kept of each parameter, in [0, 1]."""
        return {name: float(array.mean()) for name, array in self._kept.items()}

    def __and__(self, other: Mask) -> Mask:
        self._require_same_shapes(other)
        return Mask({name: self[name] & other[name] for name in self})

    def __or__(self, other: Mask) -> Mask:
        self._require_same_shapes(other)
        return Mask({name: self[name] | other[name] for name in self})

    def __le__(self, other: Mask) -> bool:
        """Whether every weight kept here is kept there too."""
        self._require_same_shapes(other)
        return all(not np.any(self[name] & ~other[name]) for name in self)

    def overlap(self, other: Mask) -> float:
        """Jaccard index of the two kept sets: |both| / |either|, in [0, 1]; 1 if both are empty."""
        both, either = (self & other).kept, (self | other).kept
        return both / either if either else 1.0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask):
            return NotImplemented
        return list(self) == list(other) and all(np.array_equal(self[n], other[n]) for n in self)

    __hash__ = None  # type: ignore[assignment]  # arrays have no cheap hash; ask the store for a content hash

    def _require_same_shapes(self, other: Mask) -> None:
        mine = {name: array.shape for name, array in self._kept.items()}
        theirs = {name: array.shape for name, array in other._kept.items()}
        if mine != theirs:
            differing = sorted(n for n in mine.keys() | theirs.keys() if mine.get(n) != theirs.get(n))
            raise BadInput(f"The two masks are of different networks: {', '.join(differing[:5])} differ.")
