"""XTrace (Epperly, Tropp & Webber 2024): every random vector serves the basis and the rest, each in its turn.

H is multiplied with random vectors w_1 ... w_m. For each i, the others' products span a basis that is measured
exactly, and w_i, made orthogonal to it and of the right length, measures the rest; the estimate is the mean over i.
All of it follows from small matrices of inner products, so that leaving one vector out altogether costs no product:
the error is the jackknife's, which errs towards too large (Efron & Stein 1981). The spread over i, which the paper
takes, was half of the true error at 12 products on trained networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from lth_engine.analysis.curvature.deflated_trace import EXHAUSTED, VECTOR_BYTES, Operator
from lth_engine.analysis.curvature.estimate import Estimate
from lth_engine.core.artifact import Array
from lth_engine.core.seeds import derive

FIRST_VECTORS = 5
"""Vectors before an estimate's error is believed; the jackknife needs 3."""

MOST_VECTORS = 64
"""Most random vectors: all are held, three numbers a coordinate for each, and the jackknife's work grows with the
fourth power of their number. An estimate that needs more ends without reaching its error."""


@dataclass(frozen=True)
class _Small:
    """Inner products by layer (L x m x m) of w, of the basis q, and of z = H q; and what holds for all together.

    Attributes:
        qz, qq, wz, wq: of each pair.
        r: y = H w in the basis, m x m, upper triangular.
        square: |w_i|^2, m.
        size: coordinates, n.
    """

    qz: Array
    qq: Array
    wz: Array
    wq: Array
    r: Array
    square: Array
    size: int

    def traces(self, used: list[int]) -> Array:
        """XTrace from the random vectors `used`: L."""
        basis, upper = np.linalg.qr(self.r[:, used])
        lone = basis @ (dual := np.linalg.inv(upper).T) / np.linalg.norm(dual, axis=0)
        alone = self.wq.sum(axis=0)[used]  # w_i in the basis
        share = alone @ basis @ basis.T - np.einsum("ik,ki,mi->im", alone, lone, lone)
        scale = (self.size - len(used) + 1) / (self.square[used] - (share * alone).sum(axis=1))
        spanned = ((basis.T @ self.qz) * basis.T).sum(axis=(1, 2)) - (
            (lone.T @ self.qz) * lone.T).sum(axis=2).mean(axis=1)
        y = self.r[:, used]
        rest = (np.einsum("lim,mi->li", self.wq[:, used], y) - np.einsum("lim,im->li", self.wz[:, used], share)
                - ((share @ self.qq) * y.T).sum(axis=2) + ((share @ self.qz) * share).sum(axis=2))
        found: Array = spanned + (rest * scale).mean(axis=1)
        return found


class XTrace:
    """An estimate that :meth:`advance` betters, as that of `deflated_trace` does.

    Attributes:
        products: products made so far.
        step_products: products of a step.

    Args:
        operator: H.
        seed: of random vectors.
        vector_bytes: memory for all vectors.
    """

    step_products = 2

    def __init__(self, operator: Operator, seed: int, vector_bytes: int = VECTOR_BYTES) -> None:
        self._operator, self._seed = operator, seed
        fits = vector_bytes // (3 * operator.size * (torch.finfo(operator.dtype).bits // 8))
        self._most = max(FIRST_VECTORS, min(MOST_VECTORS, fits))
        empty = torch.zeros(0, operator.size, dtype=operator.dtype, device=operator.device)
        self._w, self._q, self._z = empty, empty, empty
        self._r = np.zeros((0, 0))
        self._whole = 0.0
        self._exhausted = False
        self.products = 0

    @property
    def probes(self) -> int:
        """Random vectors so far."""
        return len(self._w)

    @property
    def started(self) -> bool:
        """Whether there is enough for an estimate with an error that can be believed."""
        return self._exhausted or self.probes >= FIRST_VECTORS

    @property
    def spent(self) -> bool:
        """Whether no further step betters it."""
        return self._exhausted or self.probes >= self._most

    def advance(self) -> None:
        """Take one random vector more: two products."""
        draw = torch.Generator().manual_seed(derive(self._seed, "xtrace", self.probes))
        w = torch.randn(self._operator.size, generator=draw).to(self._operator.device, self._operator.dtype)
        y = self._operator.matvec(w)
        rest, column = y, torch.zeros(self.probes, dtype=y.dtype, device=y.device)
        for _ in range(2):
            part = self._q @ rest
            rest, column = rest - self._q.t() @ part, column + part
        self._exhausted = not rest.norm() > EXHAUSTED * torch.finfo(y.dtype).eps * y.norm()
        if self._exhausted:
            self.products += 1
            return
        q = rest / rest.norm()
        z = self._operator.matvec(q)
        self.products += 2
        self._w, self._q, self._z = (torch.cat([old, new[None]])
                                     for old, new in ((self._w, w), (self._q, q), (self._z, z)))
        count = self.probes
        self._r = np.pad(self._r, ((0, 1), (0, 1)))
        self._r[:, -1] = torch.cat([column, rest.norm()[None]]).double().cpu().numpy()
        self._whole += (y.double().square().sum().item() - self._whole) / count

    def estimate(self) -> Estimate:
        """Traces and standard errors so far; needs a vector."""
        small, count = self._small(), self.probes
        if self._exhausted:
            layers = np.trace(small.qz, axis1=1, axis2=2)
            return self._of(layers, 0.0, np.zeros(len(layers)))
        every = list(range(count))
        layers = small.traces(every)
        if count < 3:
            return self._of(layers, float("inf"), np.full(len(layers), np.inf))
        without = np.array([small.traces(every[:i] + every[i + 1:]) for i in every])
        whole = without.sum(axis=1)
        factor = (count - 1) / count
        error = float(np.sqrt(factor * np.square(whole - whole.mean()).sum()))
        return self._of(layers, error, np.sqrt(factor * np.square(without - without.mean(axis=0)).sum(axis=0)))

    def state(self) -> dict[str, Array]:
        """All there is to go on from."""
        return {"w": self._w.cpu().numpy(), "q": self._q.cpu().numpy(), "z": self._z.cpu().numpy(), "r": self._r,
                "numbers": np.array([self._whole, self._exhausted, self.products], dtype=np.float64)}

    def restore(self, state: dict[str, Array]) -> None:
        """Go on from a :meth:`state`."""
        self._w, self._q, self._z = (torch.tensor(state[name], device=self._operator.device) for name in "wqz")
        self._r = state["r"]
        self._whole, self._exhausted, self.products = (
            float(state["numbers"][0]), bool(state["numbers"][1]), int(state["numbers"][2]))

    def _of(self, layers: Array, error: float, errors: Array) -> Estimate:
        return Estimate(float(layers.sum()), error, max(self.probes - 1.0, 1.0), layers, errors,
                        float(np.sqrt(self._whole)), self._exhausted)

    def _small(self) -> _Small:
        pairs = ((self._q, self._z), (self._q, self._q), (self._w, self._z), (self._w, self._q))
        made = [torch.stack([a[:, part].double() @ b[:, part].double().t()
                             for part in self._operator.layers.values()]) for a, b in pairs]
        qz, qq, wz, wq = torch.stack(made).cpu().numpy()  # one wait for a device
        return _Small(qz, qq, wz, wq, r=self._r, square=self._w.double().square().sum(dim=1).cpu().numpy(),
                      size=self._operator.size)
