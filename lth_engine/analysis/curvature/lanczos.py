"""The Lanczos method: a symmetric matrix, known by its products alone, projected onto a small orthonormal basis.

Every new vector is orthogonalised against the whole basis, twice: without that, copies of eigenvalues that were found
already come back. Basis vectors are kept in the number format of the products (float32 for networks), all sums over
coordinates are taken in float64. The projected matrix is Q' A Q as it was measured, not the three-term recurrence, so
that restarts need no case of their own.

Sources: Lanczos 1950; Parlett, The Symmetric Eigenvalue Problem, 1980 ("twice is enough", chapter 6.9); Wu and Simon
2000 (thick restart).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.errors import NonFinite
from lth_engine.core.seeds import derive

Product = Callable[[torch.Tensor], torch.Tensor]
"""A vector of n coordinates -> the symmetric matrix times it."""

_SLICE = 2**19
"""Numbers of the basis that are turned into float64 at a time: 4 MiB, which stay in the cache. With 32 MiB, fresh from
the system each time, a step in 270,000 coordinates took six times as long."""

_GPU_SLICE = 2**26
"""The same on a GPU, where what counts is the number of launches: 512 MiB. One pass of orthogonalising 11 million
coordinates against 40 vectors is 51 kernels, and 5,900 with 4 MiB."""

_BREAKDOWN = 32
"""A new direction shorter than this many units in the last place of the matrix is rounding, not a direction."""

_DROP = 0.7
"""Orthogonalising again is needed while it still shortens the vector by more than this (Kahan and Parlett)."""

_NUMBERS = ("rest", "scale", "products", "fresh")
"""Attributes of a search that its state holds beside the basis."""


@dataclass(frozen=True)
class Ritz:
    """What a basis of m vectors says of the eigenvalues.

    Attributes:
        values: m Ritz values, ascending.
        coefficients: m x m; column i holds the coordinates of Ritz vector i in the basis.
        residuals: m lengths ||A x - value x||, from the recurrence.
    """

    values: Array
    coefficients: Array
    residuals: Array


class Lanczos:
    """A growing orthonormal basis of a Krylov space.

    Args:
        product: the matrix.
        start: n numbers, not all 0, on the device and in the number format of the products; normalised here.
        limit: most basis vectors; with :meth:`restart` the search goes on beyond it.
        locked: k x n orthonormal rows that the basis stays orthogonal to (the matrix is then seen on what is left).
        seed: of the fresh vectors that are needed when the space is exhausted.

    Attributes:
        steps: basis vectors whose product is known.
        products: products so far, those before a restart included.
        rest: length of what the last product has outside the basis; 0 if the basis spans an invariant space.
        exhausted: the basis and the locked vectors span everything.
    """

    def __init__(self, product: Product, start: torch.Tensor, limit: int, *, locked: torch.Tensor | None = None,
                 seed: int = 0) -> None:
        self.product = product
        self.size = len(start)
        self.locked = start.new_empty((0, self.size)) if locked is None else locked
        self.limit = max(1, min(limit, self.size - len(self.locked)))
        self.seed, self.fresh = seed, 0
        self.basis = start.new_empty((self.limit + 1, self.size))
        self.projected = np.zeros((self.limit, self.limit))
        self._ritz: Ritz | None = None
        self.steps, self.products, self.rest, self.scale = 0, 0, 0.0, 0.0
        if len(self.locked) < self.size:
            self.basis[0] = self._direction(start.double())

    @property
    def exhausted(self) -> bool:
        """Whether there is no direction left."""
        return self.steps + len(self.locked) >= self.size

    @property
    def full(self) -> bool:
        """Whether the basis has reached its limit."""
        return self.steps == self.limit

    def step(self) -> None:
        """One more product, and the next basis vector: the rest of the product, or a fresh one if nothing is left.

        Raises:
            NonFinite: the product is NaN or infinite.
        """
        here = self.steps
        w = self.product(self.basis[here]).double()
        length = float(torch.linalg.vector_norm(w))
        if not math.isfinite(length):
            raise NonFinite("Products with the Hessian must be finite, but one of them is NaN or infinite: the loss "
                            "is too steep for float32 here. Choose a run with a lower learning rate.")
        self.scale = max(self.scale, length)
        w, inside = self._orthogonal(w, here + 1)
        self.projected[here, :here + 1] = self.projected[:here + 1, here] = inside
        self.steps, self.products = here + 1, self.products + 1
        self.rest = float(torch.linalg.vector_norm(w))
        if self.exhausted or self.rest <= _BREAKDOWN * torch.finfo(self.basis.dtype).eps * self.scale:
            self.rest = 0.0
        if self.exhausted:
            return
        self.basis[self.steps] = w / self.rest if self.rest else self._direction(None)

    def ritz(self) -> Ritz:
        """Ritz values of the basis so far (at least one step)."""
        if self._ritz is None or len(self._ritz.values) != self.steps:
            values, coefficients = np.linalg.eigh(self.projected[:self.steps, :self.steps])
            self._ritz = Ritz(values, coefficients, self.rest * np.abs(coefficients[-1]))
        return self._ritz

    def vectors(self, coefficients: Array) -> torch.Tensor:
        """The vectors with these coordinates (m x k) in the basis: k x n, each of length 1."""
        return _combined(self.basis[:self.steps], coefficients)

    def restart(self, keep: Array) -> None:
        """Go on with the Ritz vectors number `keep` in place of the whole basis (fewer than `limit`)."""
        found = self.ritz()
        following = self.basis[self.steps].clone()
        self.basis[:len(keep)] = self.vectors(found.coefficients[:, keep])
        self.basis[len(keep)] = following
        self.projected[:] = 0
        self.projected[range(len(keep)), range(len(keep))] = found.values[keep]
        self.steps = len(keep)

    def state(self) -> tuple[dict[str, Array], dict[str, Scalar]]:
        """Everything that is needed to go on: arrays and scalars."""
        rows = min(self.steps + 1, len(self.basis)) - self.exhausted
        arrays = {"basis": self.basis[:rows].cpu().numpy().copy(),
                  "projected": self.projected[:self.steps, :self.steps].copy()}
        return arrays, {name: getattr(self, name) for name in _NUMBERS}

    def resume(self, arrays: Mapping[str, Array], scalars: Mapping[str, Scalar]) -> None:
        """Go on from what :meth:`state` gave."""
        basis, projected = arrays["basis"], arrays["projected"]
        self.basis[:len(basis)] = torch.from_numpy(basis).to(self.basis.device)
        self.steps = len(projected)
        self.projected[:self.steps, :self.steps] = projected
        for name in _NUMBERS:
            setattr(self, name, scalars[name])

    def _orthogonal(self, w: torch.Tensor, rows: int) -> tuple[torch.Tensor, Array]:
        """`w` without its part in locked vectors and the first `rows` of the basis; coordinates of the latter."""
        inside = np.zeros(rows)
        length, passes = float(torch.linalg.vector_norm(w)), 0
        while True:
            w = w - _expanded(self.locked, _coordinates(self.locked, w))
            found = _coordinates(self.basis[:rows], w)
            w = w - _expanded(self.basis[:rows], found)
            inside += found.cpu().numpy()
            passes += 1
            before, length = length, float(torch.linalg.vector_norm(w))
            if (passes >= 2 and length > _DROP * before) or passes == 5:
                return w, inside

    def _direction(self, wanted: torch.Tensor | None) -> torch.Tensor:
        """A unit vector orthogonal to all there is: `wanted` if it has such a part, else a drawn one."""
        while True:
            if wanted is None:
                wanted = gaussian(self.basis[0], derive(self.seed, "fresh", self.fresh)).double()
                self.fresh += 1
            w, _ = self._orthogonal(wanted, self.steps)
            length = torch.linalg.vector_norm(w)
            if float(length) > 1e-5 * float(torch.linalg.vector_norm(wanted)):
                return w / length
            wanted = None


def gaussian(like: torch.Tensor, seed: int) -> torch.Tensor:
    """Independent normal numbers, the same ones on every device."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(like.shape, generator=draw).to(device=like.device, dtype=like.dtype)


def _coordinates(rows: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """Rows (m x n) times w (n), summed in float64."""
    found = w.new_zeros(len(rows))
    for here in _slices(rows):
        found += rows[:, here].double() @ w[here]
    return found


def _expanded(rows: torch.Tensor, coordinates: torch.Tensor) -> torch.Tensor:
    """Coordinates (m) times rows (m x n), in float64."""
    found = coordinates.new_zeros(rows.shape[1])
    for here in _slices(rows):
        found[here] = coordinates @ rows[:, here].double()
    return found


def _combined(rows: torch.Tensor, coefficients: Array) -> torch.Tensor:
    """K unit vectors from m basis vectors: coefficients is m x K, the result K x n in the format of the basis."""
    by = torch.from_numpy(np.ascontiguousarray(coefficients.T)).to(rows.device)
    found = rows.new_empty((len(by), rows.shape[1]))
    for here in _slices(rows):
        found[:, here] = (by @ rows[:, here].double()).to(rows.dtype)
    return found


def _slices(rows: torch.Tensor) -> list[slice]:
    numbers = _SLICE if rows.device.type == "cpu" else _GPU_SLICE
    width = max(1, numbers // max(1, len(rows)))
    return [slice(at, at + width) for at in range(0, rows.shape[1], width)]
