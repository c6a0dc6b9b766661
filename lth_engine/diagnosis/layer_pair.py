"""Two weights of one shape in numbers: products, signs and masks, summed piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from lth_engine.diagnosis.anatomy import PIECE, Layer


@dataclass(frozen=True)
class Sums:
    """Sums over the weights of a layer, or of several; a and b are the weights with masks applied.

    Attributes:
        size: weights.
        aa, bb, ab: sums of a^2, b^2 and a b.
        squares: sum of a^2 b^2: the variance of the sum of a b if signs were coins.
        apart: sum of (a - b)^2.
        kept_a, kept_b, both: weights that are not 0 in a, in b, in both.
        agree: of those in both, how many have the same sign.
        plus_a, plus_b: of those in both, how many are positive in a, in b.
        equal: of those in both, how many are exactly equal.
        halves, bfloats: weights that are equal once both are rounded to float16, to bfloat16.
        chance: what `agree` would be if the signs were dealt out anew in each layer.
    """

    size: int = 0
    aa: float = 0.0
    bb: float = 0.0
    ab: float = 0.0
    squares: float = 0.0
    apart: float = 0.0
    kept_a: int = 0
    kept_b: int = 0
    both: int = 0
    agree: int = 0
    plus_a: int = 0
    plus_b: int = 0
    equal: int = 0
    halves: int = 0
    bfloats: int = 0
    chance: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(mine + theirs for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def cosine(self) -> float | None:
        """Inner product over the norms; None if one is 0. For weights of mean about 0 it is their correlation."""
        return self.ab / (self.aa * self.bb)**0.5 if self.aa > 0 and self.bb > 0 else None

    @property
    def errors(self) -> float:
        """The inner product in standard errors of independent signs."""
        return self.ab / self.squares**0.5 if self.squares > 0 else 0.0

    @property
    def relative(self) -> float | None:
        """Distance over the norm of the first; None if that is 0."""
        return (self.apart / self.aa)**0.5 if self.aa > 0 else None


def sums(first: Layer, second: Layer) -> Sums:
    """The sums of one layer."""
    total = Sums()
    for a, b in _pieces(first, second):
        both = (a != 0) & (b != 0)
        plus_a, plus_b = (a > 0) & both, (b > 0) & both
        product = a * b
        total += Sums(
            a.numel(), _dot(a, a), _dot(b, b), float(product.sum()), _dot(product, product), _dot(a - b, a - b),
            int(torch.count_nonzero(a)), int(torch.count_nonzero(b)), int(both.sum()),
            int(((plus_a == plus_b) & both).sum()), int(plus_a.sum()), int(plus_b.sum()), int(((a == b) & both).sum()),
            int((a.half() == b.half()).sum()), int((a.bfloat16() == b.bfloat16()).sum()))
    if total.both:
        p, q = total.plus_a / total.both, total.plus_b / total.both
        total += Sums(chance=total.both * (p * q + (1 - p) * (1 - q)))
    return total


def _pieces(first: Layer, second: Layer) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Both weights with masks applied, flat, float64, a piece at a time."""
    for start in range(0, first.size, PIECE):
        yield _piece(first, start), _piece(second, start)


def _piece(layer: Layer, start: int) -> torch.Tensor:
    values = layer.weight.flatten()[start:start + PIECE].double()
    return values if layer.mask is None else values.masked_fill(~layer.mask.flatten()[start:start + PIECE], 0)


def _dot(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.dot(a, b))
