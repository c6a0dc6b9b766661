"""The trace of the Hessian, the whole network's and each parameter's, until its standard error is small enough.

The estimate stops on its error, never because it has stopped moving. Where few coordinates may move, each is measured.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from lth_engine.analysis.curvature.at_network import network_at
from lth_engine.analysis.curvature.coordinates import Coordinates
from lth_engine.analysis.curvature.deflated_trace import DeflatedTrace, Operator
from lth_engine.analysis.curvature.estimate import Estimate
from lth_engine.analysis.curvature.gauss_newton import GaussNewtonTrace
from lth_engine.analysis.curvature.graph_memory import CHUNK_BYTES
from lth_engine.analysis.curvature.hessian import Hessian
from lth_engine.analysis.curvature.xtrace import XTrace
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar, text_array
from lth_engine.core.errors import NonFinite
from lth_engine.core.saving import Saving, State
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.curvature import HessianTrace

FEW = 64
"""Coordinates that are measured one by one: no more products than an estimate may take."""

_FORM = "trace 2"

_DIRECTIONS = {"hutchinson": "none", "hutchpp": "sketch", "krylov": "krylov"}


class Estimator(Protocol):
    """What betters an estimate of a trace, product by product."""

    step_products: int

    @property
    def products(self) -> int:
        """Products so far."""

    @property
    def probes(self) -> int:
        """Random vectors so far."""

    @property
    def started(self) -> bool:
        """Whether the error can be believed."""

    @property
    def spent(self) -> bool:
        """Whether no further step betters it."""

    def advance(self) -> None:
        """Make one product or two."""

    def estimate(self) -> Estimate:
        """The estimate so far; needs a probe."""

    def state(self) -> dict[str, Array]:
        """All there is to go on from."""

    def restore(self, state: dict[str, Array]) -> None:
        """Go on from it."""


def answer(question: HessianTrace, inputs: Inputs, bench: Workbench) -> Answer:
    """Estimate the trace until its standard error is `error` of it, or `most_products` are made.

    The arrays are running/products, /trace, /stderr (the estimate after each step) and layers/name, /trace, /stderr,
    /size, in nats. With `near_zero` positive and negative curvature cancel, and `reached` speaks of an error that is
    the wanted part of a tenth of the Frobenius norm.

    Raises:
        Cancelled: the user asked to stop; estimate and random vectors so far are in the checkpoint.
        NonFinite: the network or the loss is not finite.
        BadInput: gauss_newton is asked of a network that is not piecewise linear.
    """
    model, mask, images = network_at(question, inputs, bench)
    bench.report(Progress(0, question.epochs, "Building the gradient"))
    by_image = question.estimator == "gauss_newton"
    with Hessian(model, mask, question, images, CHUNK_BYTES if by_image else None) as hessian:
        better: Estimator = (GaussNewtonTrace(model, Coordinates(model, mask, question), images) if by_image
                             else estimator(question, hessian))
        trail = Trail(question, better, bench)
        found = trail.follow()
        low, high = found.interval
        layers = {"name": text_array(list(hessian.layers)), "trace": found.layers, "stderr": found.layer_stderr,
                  "size": np.array([part.stop - part.start for part in hessian.layers.values()])}
        summary: dict[str, Scalar] = {
            "trace": found.trace, "trace_stderr": found.stderr, "trace_low": low, "trace_high": high,
            "products": trail.estimator.products, "probes": trail.estimator.probes,
            "reached": found.within(question.error), "near_zero": found.near_zero, "exact": found.exact,
            "size": hessian.size, "loss": hessian.loss, "gradient_norm": hessian.gradient_norm, "images": len(images)}
        return Answer(trail.arrays() | {f"layers/{name}": value for name, value in layers.items()}, summary)


def estimator(question: HessianTrace, operator: Operator) -> Estimator:
    """What the question asks for; few coordinates are measured one by one."""
    if operator.size <= min(FEW, question.most_products):
        return EveryCoordinate(operator)
    if question.estimator == "xtrace":
        return XTrace(operator, question.seed)
    return DeflatedTrace(operator, _DIRECTIONS[question.estimator], question.seed, question.error,
                         question.most_products)


class EveryCoordinate:
    """The exact trace, by a product with each unit vector in one go."""

    probes = 0

    def __init__(self, operator: Operator) -> None:
        self._operator = operator
        self._diagonal = np.zeros(operator.size)
        self._square = 0.0
        self.products, self.step_products = 0, operator.size

    @property
    def started(self) -> bool:
        """Whether all is measured."""
        return self.products > 0

    @property
    def spent(self) -> bool:
        """The same: nothing is left to measure."""
        return self.started

    def advance(self) -> None:
        """Measure everything."""
        size = self._operator.size
        every = self._operator.matvec(torch.eye(size, dtype=self._operator.dtype, device=self._operator.device))
        self._diagonal = every.diagonal().double().cpu().numpy()
        self._square = every.double().square().sum().item()
        self.products = size

    def estimate(self) -> Estimate:
        """The exact trace."""
        layers = np.array([self._diagonal[part].sum() for part in self._operator.layers.values()])
        return Estimate(float(layers.sum()), 0.0, np.inf, layers, np.zeros(len(layers)), float(np.sqrt(self._square)),
                        exact=True)

    def state(self) -> dict[str, Array]:
        """What was measured."""
        return {"diagonal": self._diagonal, "numbers": np.array([self._square, self.products], dtype=np.float64)}

    def restore(self, state: dict[str, Array]) -> None:
        """Go on from a :meth:`state`."""
        self._diagonal = state["diagonal"]
        self._square, self.products = float(state["numbers"][0]), int(state["numbers"][1])


class Trail:
    """The estimate after each step; what a stopped computation goes on with is in the bench's checkpoint.

    Args:
        question: says when to stop.
        estimator: betters the estimate.
        bench: is told of each step.
    """

    def __init__(self, question: HessianTrace, estimator: Estimator, bench: Workbench) -> None:
        self._question, self.estimator, self._bench = question, estimator, bench
        self._rows: list[list[float]] = []
        self._now: Estimate | None = None

    def follow(self) -> Estimate:
        """Step until the error is reached, the products are used up or no step betters it."""
        with Saving(self._bench, self._state, _FORM) as saving:
            self._resume(saving.load())
            while not self._done():
                self.estimator.advance()
                self._note()
                saving.now_and_then()
        return self._now or self.estimator.estimate()

    def arrays(self) -> dict[str, Array]:
        """running/NAME -> one value a step."""
        rows = np.array(self._rows).reshape(-1, len(_COLUMNS))
        return {f"running/{name}": rows[:, i] for i, name in enumerate(_COLUMNS)}

    def _done(self) -> bool:
        ours, question = self.estimator, self._question
        enough = ours.started and self._now is not None and self._now.within(question.error)
        return enough or ours.spent or ours.products + ours.step_products > question.most_products

    def _note(self) -> None:
        """Keep what is known now and report it. Raises Cancelled."""
        now = self._now = self.estimator.estimate()
        self._rows.append([self.estimator.products, now.trace, now.stderr])
        if not np.isfinite(now.trace):
            raise NonFinite("A product with the Hessian is NaN or infinite: the loss of this network is too steep for "
                            "32-bit numbers, so look at another run.")
        target = now.allowed(self._question.error)
        share = min(1.0, (target / now.stderr) ** 2) if now.stderr else 1.0
        self._bench.report(Progress(
            share * self._question.epochs, self._question.epochs,
            f"Trace {now.trace:.4g} ± {now.stderr:.2g} after {self.estimator.products} products",
            metrics={"trace": now.trace, "stderr": now.stderr}))

    def _state(self) -> State:
        """What :meth:`_resume` needs."""
        state = {f"state/{name}": value for name, value in self.estimator.state().items()}
        return self.arrays() | state, {"products": self.estimator.products}

    def _resume(self, saved: State | None) -> None:
        """Go on from what :meth:`_state` gave."""
        if saved is None:
            return
        arrays, _ = saved
        self._rows = np.stack([arrays[f"running/{name}"] for name in _COLUMNS], axis=1).tolist()
        self.estimator.restore({name.removeprefix("state/"): value for name, value in arrays.items()
                                if name.startswith("state/")})
        self._now = self.estimator.estimate() if self._rows else None


_COLUMNS = ("products", "trace", "stderr")
