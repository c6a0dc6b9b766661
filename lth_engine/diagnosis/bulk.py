"""The bulk of a spectrum: what eigenvalues a matrix of independent numbers of one variance would have.

For an M x N matrix (M <= N) of independent numbers of variance v, the eigenvalues of W W' / N fill the interval
v (1 - sqrt(M/N))^2 ... v (1 + sqrt(M/N))^2, and the largest one strays beyond by no more than a few times the scale of
Tracy and Widom. What lies further out is a spike: structure that no draw has.

Sources: Marchenko & Pastur 1967; Johnstone 2001, theorem 1.1 (centre and scale of the largest eigenvalue).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lth_engine.core.artifact import Array

QUANTILE = 3.2724
"""Tracy and Widom's distribution (real numbers) is below this with a probability of 99.9%."""

MOST_SPIKES = 0.5
"""Share of the eigenvalues above 0 up to which spikes are left out of the variance: if more stray, the entries have no
one variance (as where whole rows were pruned), and without them the estimate would go to 0."""

ROUNDS = 30
"""Estimates of the variance, each without the spikes of the one before; a few suffice."""


@dataclass(frozen=True)
class Bulk:
    """Marchenko and Pastur's law for a matrix.

    Attributes:
        variance: of an entry, estimated without the spikes, unless most eigenvalues are.
        lower: end of the bulk.
        upper: end of the bulk.
        limit: where the largest eigenvalue of a draw stays below in 999 cases of 1000.
        spikes: eigenvalues above the limit.
        distance: Kolmogorov distance of the eigenvalues from the law, spikes included.
    """

    variance: float
    lower: float
    upper: float
    limit: float
    spikes: int
    distance: float


def bulk(eigenvalues: Array, columns: int) -> Bulk:
    """The bulk beside eigenvalues.

    Args:
        eigenvalues: all M of W W' / N, ascending.
        columns: N, at least M.
    """
    rows = len(eigenvalues)
    spikes = 0
    variance = 0.0
    for _ in range(ROUNDS):
        variance = float(eigenvalues[:rows - spikes].mean()) / (1 - spikes / columns) if spikes < rows else 0.0
        found = int((eigenvalues > limit(rows, columns, variance)).sum())
        if found <= spikes:
            break
        if found > MOST_SPIKES * np.count_nonzero(eigenvalues > 0):
            variance = float(eigenvalues.mean())
            spikes = int((eigenvalues > limit(rows, columns, variance)).sum())
            break
        spikes = found
    lower, upper = edges(rows, columns, variance)
    below = distribution(eigenvalues, rows, columns, variance)
    steps = np.arange(rows + 1) / rows
    distance = float(max(np.max(steps[1:] - below), np.max(below - steps[:-1])))
    return Bulk(variance, lower, upper, limit(rows, columns, variance), spikes, distance)


def edges(rows: int, columns: int, variance: float = 1.0) -> tuple[float, float]:
    """Both ends of the bulk."""
    root = (rows / columns)**0.5
    return variance * (1 - root)**2, variance * (1 + root)**2


def limit(rows: int, columns: int, variance: float = 1.0) -> float:
    """Where the largest eigenvalue of a draw stays below with a probability of 99.9%."""
    a, b = (columns - 1)**0.5, rows**0.5
    scale = (a + b) * (1 / a + 1 / b)**(1 / 3) if columns > 1 else 1.0
    return variance * ((a + b)**2 + QUANTILE * scale) / columns


def distribution(x: Array, rows: int, columns: int, variance: float) -> Array:
    """Marchenko and Pastur's distribution function at x, by the midpoint rule on an angle that has no corners."""
    lower, upper = edges(rows, columns, variance)
    if upper <= lower:
        return (np.asarray(x) >= upper).astype(float)
    ratio, steps = rows / columns, 2000
    angle = (np.arange(steps) + 0.5) * np.pi / steps
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    place = middle - half * np.cos(angle)
    mass = (half * np.sin(angle))**2 / (2 * np.pi * variance * ratio * place) * (np.pi / steps)
    ends = np.concatenate([[0.0], np.cumsum(mass)])
    bounds = middle - half * np.cos(np.arange(steps + 1) * np.pi / steps)
    return np.interp(np.asarray(x, dtype=np.float64), bounds, ends / ends[-1])
