"""Trace of a symmetric operator from random probes, with the directions that matter most measured exactly.

For orthonormal directions Q and P = I - Q Q', tr H = tr Q'HQ + tr PHP. The first part is exact; the second is the mean
of r'Hr over probes r = P w, w of random signs (Hutchinson 1990). A probe's variance is at most 2 |PHP|_F^2, and
|P H r|^2 has the mean |PHP|_F^2: each probe measures its own error, several times more surely than the spread of a few
probes does. Probes are kept, so that a new direction makes the old ones better, too, at no product.

That bound leaves out that random signs measure the diagonal of PHP without error: for a nearly diagonal H it is far
too large. The layers' errors are the spread of the probes. Stopping as soon as the error is small enough shifts the
estimate, because the error goes with what the probes happened to see: at 5% by -0.5% (krylov, known matrices) to -1.1%
(trained networks); the 95% intervals hold the truth all the same.

Directions: none (Hutchinson); orthonormalised products with random vectors, 2 products each (Hutch++, Meyer et al.
2021); or Lanczos vectors, 1 product each (after Chen & Hallman 2023, "Krylov-aware stochastic trace estimation").
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from lth_engine.analysis.curvature.estimate import Estimate
from lth_engine.core.artifact import Array
from lth_engine.core.seeds import derive

FIRST_PROBES = 6
"""Probes before anything is decided: over 200 seeds on three networks the 95% intervals then cover 95%."""

FIRST_DIRECTIONS = 5
"""Directions before their use is judged: the first Lanczos vectors are still mostly noise."""

KEPT_PROBES = 16
"""Most probes that are held in memory; with more of them, a further direction is never worth its product."""

MOST_DIRECTIONS = 64
"""Most directions that are held in memory."""

VECTOR_BYTES = 2 * 2**30
"""Memory for all vectors: 36 of VGG-16's. Where not even the first directions fit, there are none."""

EXHAUSTED = 100
"""A new direction shorter than this many units of rounding of what it was made from is nothing but rounding."""


class Operator(Protocol):
    """What a trace is estimated of; see :class:`lth_engine.analysis.curvature.hessian.Hessian`."""

    size: int
    layers: dict[str, slice]

    @property
    def device(self) -> torch.device:
        """Where vectors are."""

    @property
    def dtype(self) -> torch.dtype:
        """Their type."""

    def matvec(self, vectors: torch.Tensor) -> torch.Tensor:
        """H v."""


class DeflatedTrace:
    """An estimate that :meth:`advance` betters.

    Attributes:
        products: products made so far.
        step_products: products of the shortest step.

    Args:
        operator: H.
        directions: "none", "sketch" (Hutch++) or "krylov".
        seed: of random vectors.
        error: the standard error that is wanted, as a fraction of the trace; it decides how many directions pay.
        most_products: products that may be made.
        vector_bytes: memory for all vectors.
    """

    step_products = 1

    def __init__(self, operator: Operator, directions: str, seed: int, error: float, most_products: int = 2**62,
                 vector_bytes: int = VECTOR_BYTES) -> None:
        self._operator, self._directions, self._seed = operator, directions, seed
        self._error, self._most = error, most_products
        self._cost = 2 if directions == "sketch" else 1
        itemsize = torch.finfo(operator.dtype).bits // 8
        fits = vector_bytes // (operator.size * itemsize) - 2  # the next direction, and the probe that is made
        room = fits >= FIRST_DIRECTIONS + 2 * FIRST_PROBES and directions != "none"
        self._kept = max(FIRST_PROBES, min(KEPT_PROBES, fits // 6)) if room else 0
        self._most_directions = min(MOST_DIRECTIONS, fits - 2 * self._kept) if room else 0
        self._basis = _empty(operator)
        self._probe, self._image = _empty(operator), _empty(operator)  # r and H r of the probes that are kept
        self._next = self._random("start")
        self._exact = np.zeros(len(operator.layers))
        self._samples = np.zeros((0, len(operator.layers)))
        self._squares = np.zeros(0)
        self._history: list[float] = []
        self._whole = 0.0
        self._exhausted = not room
        self.products = 0

    @property
    def probes(self) -> int:
        """Probes made so far."""
        return len(self._samples)

    @property
    def started(self) -> bool:
        """Whether there is enough for an estimate with an error that can be believed."""
        return self.probes >= FIRST_PROBES and (self._exhausted or len(self._basis) >= FIRST_DIRECTIONS)

    @property
    def spent(self) -> bool:
        """Whether no further step betters it: never."""
        return False

    def advance(self) -> None:
        """Make one product more (two for a direction of Hutch++), where it brings the end nearest."""
        if self._wants_direction():
            self._deflate()
        else:
            self._add_probe()

    def estimate(self) -> Estimate:
        """Traces and standard errors so far; needs a probe.

        The degrees of freedom are those of a chi-squared variable that varies as the squares do (Satterthwaite 1946).
        """
        count = self.probes
        squares = self._squares.mean()
        spread = self._squares.var(ddof=1) / count if count > 1 else 2 * squares**2
        freedom = max(count - 1.0, 2 * squares**2 / spread) if spread > 0 else np.inf
        layers = self._exact + self._samples.mean(axis=0)
        errors = self._samples.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else np.full(len(layers), np.inf)
        return Estimate(float(layers.sum()), float(np.sqrt(2 * squares / count)), freedom, layers, errors,
                        float(np.sqrt(self._whole)))

    def state(self) -> dict[str, Array]:
        """All there is to go on from."""
        return {"basis": self._basis.cpu().numpy(), "probe": self._probe.cpu().numpy(),
                "image": self._image.cpu().numpy(), "next": self._next.cpu().numpy(), "exact": self._exact,
                "samples": self._samples, "squares": self._squares, "history": np.array(self._history),
                "numbers": np.array([self._whole, self._exhausted, self.products], dtype=np.float64)}

    def restore(self, state: dict[str, Array]) -> None:
        """Go on from a :meth:`state`."""
        self._basis, self._probe, self._image, self._next = (
            torch.tensor(state[name], device=self._operator.device) for name in ("basis", "probe", "image", "next"))
        self._exact, self._samples, self._squares = state["exact"], state["samples"], state["squares"]
        self._history = state["history"].tolist()
        self._whole, self._exhausted, self.products = (
            float(state["numbers"][0]), bool(state["numbers"][1]), int(state["numbers"][2]))

    def _wants_direction(self) -> bool:
        """Whether a direction saves more probes, of those that the error takes, than it costs products."""
        count, known = self.probes, len(self._basis)
        if self._exhausted or not FIRST_PROBES <= count <= self._kept or known >= self._most_directions:
            return False
        if self.products + self._cost > self._most:
            return False
        if known < FIRST_DIRECTIONS:
            return True
        last = self._history[-4:]
        gain = (last[0] - last[-1]) / (len(last) - 1) / self._cost
        return gain * max(self._needed(), count + 1) > last[-1]

    def _needed(self) -> float:
        """Probes that the error takes with the directions that there are."""
        now = self.estimate()
        return 2 * self._history[-1] / now.allowed(self._error) ** 2 if now.allowed(self._error) else 0.0

    def _deflate(self) -> None:
        """Measure one direction more, and take it out of the probes."""
        source = self._next if self._directions == "krylov" else self._operator.matvec(
            self._random("sketch", len(self._basis)))
        made = 0 if self._directions == "krylov" else 1
        direction = self._orthonormal(source)
        if direction is None:
            self.products, self._exhausted = self.products + made, True
            return
        image = self._operator.matvec(direction)
        self.products += made + 1
        self._exact = self._exact + self._by_layer(direction, image).cpu().numpy()
        self._basis = torch.cat([self._basis, direction[None]])
        self._next = image
        share = self._probe @ direction
        self._probe = self._probe - share[:, None] * direction
        self._image = self._image - share[:, None] * image
        self._measure()
        self._history.append(float(self._squares.mean()))

    def _add_probe(self) -> None:
        signs = torch.randint(0, 2, (self._operator.size,), generator=self._generator("probe", self.probes))
        probe = self._away(signs.to(self._operator.device, torch.float32).mul_(2).sub_(1).to(self._basis.dtype))
        image = self._operator.matvec(probe)
        self.products += 1
        self._samples = np.vstack([self._samples, self._by_layer(probe, image).cpu().numpy()])
        self._squares = np.append(self._squares, _square(self._away(image)).item())
        if not len(self._basis):
            self._whole = float(self._squares.mean())
        if self.probes <= self._kept:
            self._probe, self._image = torch.cat([self._probe, probe[None]]), torch.cat([self._image, image[None]])

    def _measure(self) -> None:
        """What the kept probes say, after a new direction (then they are all there are).

        Numbers are fetched once for all: each fetch waits until a GPU has done all before it.
        """
        layers = [self._by_layer(r, y) for r, y in zip(self._probe, self._image, strict=True)]
        squares = [_square(self._away(y)) for y in self._image]
        self._samples, self._squares = torch.stack(layers).cpu().numpy(), torch.stack(squares).cpu().numpy()

    def _away(self, vector: torch.Tensor) -> torch.Tensor:
        """P v; twice, against rounding."""
        for _ in range(2):
            vector = vector - self._basis.t() @ (self._basis @ vector)
        return vector

    def _orthonormal(self, vector: torch.Tensor) -> torch.Tensor | None:
        """The direction of P v, or None if nothing but rounding is left of it."""
        length, rest = vector.norm(), self._away(vector)
        least = EXHAUSTED * torch.finfo(rest.dtype).eps * length
        return rest / rest.norm() if rest.norm() > least else None

    def _by_layer(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """The layers' parts of an inner product, in float64, on the device."""
        terms = first.double() * second.double()
        return torch.stack([terms[part].sum() for part in self._operator.layers.values()])

    def _random(self, *words: str | int) -> torch.Tensor:
        """A normal vector."""
        drawn = torch.randn(self._operator.size, generator=self._generator(*words), dtype=torch.float32)
        return drawn.to(self._operator.device, self._basis.dtype)

    def _generator(self, *words: str | int) -> torch.Generator:
        return torch.Generator().manual_seed(derive(self._seed, "trace", *words))


def _empty(operator: Operator) -> torch.Tensor:
    return torch.zeros(0, operator.size, dtype=operator.dtype, device=operator.device)


def _square(vector: torch.Tensor) -> torch.Tensor:
    """|v|^2 in float64, on the device."""
    return vector.double().square().sum()
