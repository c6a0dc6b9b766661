"""The largest eigenvalues of a symmetric matrix that is known by its products, each with its true residual.

A Lanczos search from one vector sees one direction of each eigenvalue, so an eigenvalue that occurs twice would be
found once and the next smaller one would be taken for it, with a small residual. Where more than one pair is wanted, a
second search therefore runs on what is orthogonal to those found, until an overlooked one is improbable: after k steps
from a random vector in n dimensions the largest Ritz value lies below lowest + (1 - e) (largest - lowest) with a
probability of at most 1.648 sqrt(n) exp(-sqrt(e) (2 k - 1)) (Kuczynski and Wozniakowski 1992, section 4).

A small residual alone says nothing early on: a random vector in many dimensions is nearly mapped to 0, so it looks
like an eigenvector of the bulk. It counts only after as many steps as make e small, in the first search as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from lth_engine.analysis.curvature.lanczos import Lanczos, Product, Ritz, gaussian
from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.seeds import derive

BASIS_BYTES = 2**30
"""Memory for the basis; a longer search is restarted from its best vectors. Chosen so that it stays below what a
retained graph of the larger networks takes."""

BOTTOM = 3
"""Smallest eigenvalues that are reported as a by-product."""

OVERLOOKED = 0.01
"""Probability, about, that an eigenvalue above those reported is overlooked: the bound holds for one number of steps,
and is looked at after each, with a Ritz value for the lowest eigenvalue."""

NARROW = 0.1
"""A residual is believed once e is this small: whatever is overlooked then lies less than a ninth of the range above
the largest Ritz value, and that has converged."""

_AIM = 0.9
"""The search goes on to this part of the tolerance, so that the true residual, off by rounding, is within."""


@dataclass(frozen=True)
class Pairs:
    """Largest eigenvalues, descending.

    Attributes:
        values, residuals: K Rayleigh quotients and lengths ||A v - value v||, from a product with each vector.
        vectors: K x n, orthonormal.
        lowest, lowest_residuals: smallest Ritz values, ascending, with residuals from the recurrence. An eigenvalue is
            within the residual of each; a smaller one may be left.
        products: products in all.
        reached: every residual is within the tolerance, and it is improbable (:data:`OVERLOOKED`) that a larger
            eigenvalue was overlooked. With a single pair that is said of its value: that the largest eigenvalue occurs
            more than once cannot be seen, nor does it matter.
    """

    values: Array
    residuals: Array
    vectors: torch.Tensor
    lowest: Array
    lowest_residuals: Array
    products: int
    reached: bool


class EigenSearch:
    """A search that can be stopped after any product and gone on with.

    Args:
        product: the matrix.
        like: any tensor of n numbers on the device and in the number format of the products.
        count: pairs wanted; fewer are found where n or the products are fewer.
        tolerance: residual to reach, as a fraction of the largest |Ritz value|.
        most_products: products after which the search ends anyway, those for the true residuals included.
        seed: of the start vectors.
        basis_bytes: memory for the basis, unless `count` needs more.

    Attributes:
        running: the largest Ritz value after each product of the search.
        settled: the search has found what it looked for.
    """

    def __init__(self, product: Product, like: torch.Tensor, count: int, tolerance: float, most_products: int, *,
                 seed: int, basis_bytes: int = BASIS_BYTES) -> None:
        self._product, self._like, self._seed = product, like, seed
        self._count, self._tolerance = min(count, len(like)), tolerance
        self._most = max(1, most_products - self._count, most_products // 2)  # the rest is for the true residuals
        fits = basis_bytes // (len(like) * like.element_size()) - 1
        self._limit = min(self._most, max(2 * count + 8, fits))
        self.running: list[float] = []
        self.settled = False
        self._first = self._lanczos("first", None)
        self._locked, self._values = like.new_empty((0, len(like))), np.zeros(0)
        self._check: Lanczos | None = None
        self._checks = 0

    def run(self, after: Callable[[], None] = lambda: None) -> Pairs:
        """Search until everything is found or the products are spent; `after` is called after each product."""
        while not self.settled and len(self.running) < self._most:
            if self._check is None:
                self._search(self._first)
            else:
                self._look_for_overlooked(self._check)
            after()
        if not len(self._locked):  # the products are spent: what there is
            self._lock(self._first, self._count)
        return self._pairs(after)

    def state(self) -> tuple[dict[str, Array], dict[str, Scalar]]:
        """What :meth:`resume` needs."""
        arrays: dict[str, Array] = {"running/top": np.array(self.running), "locked": self._locked.cpu().numpy(),
                                    "running/products": np.arange(1, len(self.running) + 1), "values": self._values}
        scalars: dict[str, Scalar] = {"checks": self._checks, "settled": self.settled}
        for name, search in {"first": self._first, "check": self._check}.items():
            if search is not None:
                some, numbers = search.state()
                arrays |= {f"{name}/{n}": a for n, a in some.items()}
                scalars |= {f"{name}_{n}": v for n, v in numbers.items()}
        return arrays, scalars

    def resume(self, arrays: Mapping[str, Array], scalars: Mapping[str, Scalar]) -> None:
        """Go on from what :meth:`state` gave."""
        def part(name: str) -> tuple[dict[str, Array], dict[str, Scalar]]:
            return ({n: arrays[f"{name}/{n}"] for n in ("basis", "projected")},
                    {n.removeprefix(f"{name}_"): v for n, v in scalars.items() if n.startswith(f"{name}_")})

        self.running = [float(v) for v in arrays["running/top"]]
        self._locked, self._values = torch.from_numpy(arrays["locked"]).to(self._like.device), arrays["values"]
        self._first.resume(*part("first"))
        self._checks, self.settled = int(scalars["checks"] or 0), bool(scalars["settled"])
        if "check/basis" in arrays:
            self._check = self._lanczos(f"check {self._checks}", self._locked)
            self._check.resume(*part("check"))

    def _lanczos(self, name: str, locked: torch.Tensor | None) -> Lanczos:
        seed = derive(self._seed, "eigenpairs", name)
        return Lanczos(self._product, gaussian(self._like, seed), self._limit, locked=locked, seed=seed)

    def _advance(self, search: Lanczos, count: int) -> Ritz:
        """One product, with a restart before it where the basis is full: from the best vectors at either end."""
        if search.full and not search.exhausted:
            top = count + (search.limit - count) // 3
            search.restart(np.r_[:BOTTOM, search.limit - top:search.limit])
        search.step()
        return search.ritz()

    def _search(self, first: Lanczos) -> None:
        """One product towards the pairs; where they have converged, they are locked."""
        ritz = self._advance(first, self._count)
        self.running.append(float(ritz.values[-1]))
        wanted = _AIM * self._tolerance * np.abs(ritz.values).max()
        sure = self._count > 1 or first.exhausted or _overlooked_share(first.products, first.size) <= NARROW
        if sure and len(ritz.values) >= self._count and (ritz.residuals[-self._count:] <= wanted).all():
            self._lock(first, self._count)
            self.settled = self._count == 1 or first.exhausted
            self._next_check()

    def _look_for_overlooked(self, check: Lanczos) -> None:
        """One product with what is orthogonal to the pairs: an eigenvalue above the least of them takes its place."""
        ritz, known = self._advance(check, 1), self._first.ritz().values
        self.running.append(max(float(self._values[0]), float(ritz.values[-1])))
        near = self._tolerance * float(np.abs(known).max())
        top, least, lowest = float(ritz.values[-1]), float(self._values[-1]), min(known[0], ritz.values[0])
        size = check.size - len(check.locked)
        share = _overlooked_share(min(check.products, check.limit), size)
        sure = _overlooked_share(check.products, size) <= NARROW  # a restart keeps the best of the basis
        converged = check.exhausted or (sure and ritz.residuals[-1] <= _AIM * near)
        if top - lowest < (1 - share) * (least - lowest):
            self.settled = True
        elif converged and top > least + near:
            self._lock(check, 1)
            self._next_check()
        elif converged:
            self.settled = True

    def _lock(self, search: Lanczos, count: int) -> None:
        """Take the largest `count` pairs of `search` in, and keep the largest ones of all."""
        ritz = search.ritz()
        vectors = torch.cat([self._locked, search.vectors(ritz.coefficients[:, -count:])])
        values = np.append(self._values, ritz.values[-count:])
        order = np.argsort(-values, kind="stable")[:self._count]
        self._locked, self._values = vectors[torch.from_numpy(order).to(vectors.device)], values[order]

    def _next_check(self) -> None:
        if not self.settled:
            self._checks += 1
            self._check = self._lanczos(f"check {self._checks}", self._locked)

    def _pairs(self, after: Callable[[], None]) -> Pairs:
        """The pairs that are locked, with a product for each."""
        values, residuals = [], []
        for vector in self._locked:
            along, image = vector.double(), self._product(vector).double()
            values.append(float(along @ image / (along @ along)))
            residuals.append(float(torch.linalg.vector_norm(image - values[-1] * along)))
            after()
        order = np.argsort(-np.array(values), kind="stable")
        ritz = self._first.ritz()
        within = max(residuals) <= self._tolerance * max(np.abs(ritz.values).max(), np.abs(values).max())
        return Pairs(np.array(values)[order], np.array(residuals)[order],
                     self._locked[torch.from_numpy(order).to(self._locked.device)], ritz.values[:BOTTOM],
                     ritz.residuals[:BOTTOM], len(self.running) + len(values), self.settled and bool(within))


def _overlooked_share(steps: int, size: int) -> float:
    """The e of the bound above, for the probability OVERLOOKED after `steps` products in `size` dimensions."""
    return (math.log(1.648 * math.sqrt(size) / OVERLOOKED) / (2 * steps - 1)) ** 2
