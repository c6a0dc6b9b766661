"""PAC-Bayes bounds as formulas of the empirical risk, the KL divergence, the number of images and delta.

Write r for the risk of the posterior on n images and B = (KL + log(2 sqrt(n) / delta)) / n. With probability 1 - delta
over the images, kl(r || R) <= B for the risk R on new images and all posteriors at once (Maurer 2004, "A note on the
PAC Bayesian theorem", theorem 5). What is below B, solved for R, are the bounds here; the looser two have a slope.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

_HALVINGS = 60
"""Steps of a bisection on [0, 1]: more than the digits of a float."""


class Slopes(NamedTuple):
    """A bound and its derivatives.

    Attributes:
        bound: the lower one of quad and pinsker.
        risk: d bound / d r.
        kl: d bound / d KL.
    """

    bound: torch.Tensor
    risk: torch.Tensor
    kl: torch.Tensor


def complexity(kl: float, n: int, delta: float) -> float:
    """B = (KL + log(2 sqrt(n) / delta)) / n, in nats an image."""
    return (kl + math.log(2 * math.sqrt(n) / delta)) / n


def quad(risk: float, kl: float, n: int, delta: float) -> float:
    """The sum r + B + sqrt(B (B + 2 r)), which is (sqrt(r + B/2) + sqrt(B/2))^2 (Rivasplata et al. 2019)."""
    b = complexity(kl, n, delta)
    return risk + b + math.sqrt(b * (b + 2 * risk))


def pinsker(risk: float, kl: float, n: int, delta: float) -> float:
    """The sum r + sqrt(B / 2) (McAllester 1999, with Maurer's constant)."""
    return risk + math.sqrt(complexity(kl, n, delta) / 2)


def lower_of_both(risk: float, kl: float, n: int, delta: float) -> float:
    """The variational KL bound: the lower one of quad and pinsker (Dziugaite et al. 2021, theorem D.2)."""
    return min(quad(risk, kl, n, delta), pinsker(risk, kl, n, delta))


def slopes(risk: torch.Tensor, kl: torch.Tensor, n: int, delta: float) -> Slopes:
    """:func:`lower_of_both` and its derivatives, on the device and without waiting for it.

    Args:
        risk: float64, of no dimension.
        kl: nats, float64, of no dimension.
        n: number of images.
        delta: probability that the bound fails.
    """
    b = (kl + math.log(2 * math.sqrt(n) / delta)) / n
    root, half = (b * (b + 2 * risk)).sqrt(), (b / 2).sqrt()
    is_quad = b + root < half  # the risk stands in both
    return Slopes(risk + torch.where(is_quad, b + root, half),
                  torch.where(is_quad, 1 + b / root, 1.0),
                  torch.where(is_quad, 1 + (b + risk) / root, 0.25 / half) / n)


def binary_kl(q: float, p: float) -> float:
    """kl(q || p) between coins that fall on heads with probability q and p, in nats; both in [0, 1]."""
    return _part(q, p) + _part(1 - q, 1 - p)


def kl_inverse(q: float, c: float) -> float:
    """The largest p with kl(q || p) <= c, rounded up: what R can be at most when q is seen.

    Args:
        q: in [0, 1].
        c: nats, at least 0.
    """
    low, high = q, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if binary_kl(q, middle) > c:
            high = middle
        else:
            low = middle
    return high


def _part(q: float, p: float) -> float:
    if q == 0:
        return 0.0
    return q * math.log(q / p) if p > 0 else math.inf
