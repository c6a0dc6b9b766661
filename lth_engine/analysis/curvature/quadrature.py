"""The distribution of a symmetric matrix's eigenvalues from its products with random vectors.

For a unit vector v, m Lanczos steps give m nodes and weights whose moments up to order 2 m - 1 are v' A^k v exactly: a
Gauss quadrature of the spectrum as v sees it. Over random v that is on average the spectrum itself, each eigenvalue
with the weight 1/n (Golub and Meurant 1994; Lin, Saad and Yang 2016; Ghorbani et al. 2019).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from lth_engine.analysis.curvature.lanczos import Lanczos, Product
from lth_engine.core.artifact import Array

GRID = 1001
"""Places of the density."""

WIDTH = 1 / 200
"""Deviation of the Gaussian that stands for a node, as a fraction of the range of the nodes: five places of the grid,
a half of one per cent of the picture."""

REACH = 5
"""The grid goes on for this many deviations beyond the outermost nodes: all but 3e-7 of their mass is on it."""


def random_signs(like: torch.Tensor, seed: int) -> torch.Tensor:
    """Numbers of the same length and random sign (Rademacher), scaled to length 1, the same ones on every device.

    Their estimate of the trace varies less than that of normal numbers.
    """
    draw = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, like.shape, generator=draw, dtype=torch.int8)
    return (2.0 * signs - 1.0).to(device=like.device, dtype=like.dtype) / math.sqrt(len(like))


def quadrature(product: Product, start: torch.Tensor, steps: int,
               after: Callable[[], None] = lambda: None) -> tuple[Array, Array]:
    """Nodes (ascending) and weights (sum 1) of the spectrum as `start` (n,) sees it.

    Always `steps` of each: where the start reaches fewer directions, the last node is repeated with weight 0. `after`
    is called after each product.
    """
    lanczos = Lanczos(product, start, steps)
    while not lanczos.full:
        lanczos.step()
        after()
        if not lanczos.rest:
            break
    found = lanczos.ritz()
    nodes, weights = np.zeros(steps), np.zeros(steps)
    nodes[:] = found.values[-1]
    nodes[:lanczos.steps] = found.values
    weights[:lanczos.steps] = found.coefficients[0] ** 2
    return nodes, weights


def densities(nodes: Array, weights: Array) -> tuple[Array, Array, float]:
    """Each vector's density of the eigenvalues on one grid; its mass is 1.

    Args:
        nodes: V x S, the nodes of V vectors.
        weights: V x S, their weights.

    Returns:
        GRID places, V x GRID densities (per unit of the eigenvalue), the deviation of a node's Gaussian.
    """
    lowest, highest = float(nodes.min()), float(nodes.max())
    span = max(highest - lowest, 1e-6 * float(np.abs(nodes).max())) or 1.0  # or 1: all eigenvalues are 0
    width = WIDTH * span
    grid = np.linspace(lowest - REACH * width, highest + REACH * width, GRID)
    rows = [np.exp(-0.5 * ((grid[:, None] - n) / width) ** 2) @ w for n, w in zip(nodes, weights, strict=True)]
    return grid, np.array(rows) / (width * math.sqrt(2 * math.pi)), width


def shares_below(nodes: Array, weights: Array, limit: float) -> tuple[Array, Array, Array]:
    """Mass below `limit` for each vector (V), and the least and most that the spectrum as it sees it can have there.

    A node stands for the eigenvalues on either side of it, so the one before the limit may belong above and the one
    behind it below, no more (inequality of Chebyshev, Markov and Stieltjes; Golub and Meurant 2010, chapter 6).

    Args:
        nodes: V x S, ascending.
        weights: V x S.
        limit: a place that is no node.
    """
    below = (nodes < limit).sum(axis=1)
    sums = np.concatenate([np.zeros((len(nodes), 1)), np.cumsum(weights, axis=1)], axis=1)
    at, last = np.arange(len(nodes)), weights.shape[1]
    return sums[at, below], sums[at, np.maximum(below - 1, 0)], sums[at, np.minimum(below + 1, last)]


def mean_and_error(values: Array) -> tuple[Array, Array]:
    """Mean over vectors (axis 0) and its standard error; NaN where there is a single vector."""
    count = len(values)
    spread = values.std(axis=0, ddof=1) if count > 1 else np.full(values.shape[1:], np.nan)
    return values.mean(axis=0), spread / math.sqrt(count)
