"""The density of the Hessian's eigenvalues at a network, by stochastic Lanczos quadrature."""

from __future__ import annotations

import numpy as np
import torch
from scipy.special import stdtrit

from lth_engine.analysis.curvature.at_network import network_at
from lth_engine.analysis.curvature.hessian import Hessian
from lth_engine.analysis.curvature.quadrature import densities, mean_and_error, quadrature, random_signs, shares_below
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar
from lth_engine.core.errors import BadInput
from lth_engine.core.saving import Saving, State
from lth_engine.core.seeds import derive
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.curvature import SpectralDensity

BASIS_BYTES = 4 * 2**30
"""Most memory for the Lanczos vectors of a random vector; all are kept, so that no eigenvalue is seen twice."""

NEAR_ZERO = 0.01
"""Eigenvalues up to this fraction of the largest |node| count as near zero."""

NEGATIVE = 1e-5
"""Eigenvalues below minus this fraction of the largest |node| count as negative: about the rounding of float32."""

_FORM = "density 1"


def answer(question: SpectralDensity, inputs: Inputs, bench: Workbench) -> Answer:
    """Nodes and weights of each random vector, and the mean density.

    Arrays: node/value and node/weight (vectors x steps; a weight of 0 fills a row up), density/value (places),
    density/density (mean over vectors, its integral is 1) and density/stderr. Summary: width is the deviation of the
    Gaussian that stands for a node (see :data:`quadrature.WIDTH`); lowest and highest are the outermost nodes, which
    lie within the spectrum; share_negative and share_near_zero are fractions of the eigenvalues (see :data:`NEGATIVE`,
    :data:`NEAR_ZERO`). A node near zero stands for eigenvalues on either side of it: share_negative_low and
    share_negative_high, a 95% interval, hold what the steps cannot tell apart as well.

    Raises:
        Cancelled: the user asked to stop; the checkpoint holds the arrays of the vectors that are finished.
        BadInput: the Lanczos vectors do not fit the memory.
        NonFinite, BadInput: as :func:`network_at` and :class:`Hessian`; a product is not finite.
    """
    model, mask, images = network_at(question, inputs, bench)
    total = question.vectors * question.lanczos_steps
    bench.report(Progress(0, total, "gradient"))
    with Hessian(model, mask, question, images) as hessian:
        like = torch.zeros(hessian.size, dtype=next(model.parameters()).dtype, device=hessian.device)
        _require_room(hessian.size, like.element_size(), question)
        done = _Vectors(bench, total)
        with Saving(bench, done.state, _FORM) as saving:
            done.resume(saving.load())
            for number in range(len(done.nodes), question.vectors):
                start = random_signs(like, derive(question.seed, "quadrature", number))
                done.add(*quadrature(hessian.matvec, start, question.lanczos_steps, done.count))
                saving.now_and_then()
        arrays = done.arrays()
        return Answer(arrays, _summary(arrays, hessian.size) | {
            "products": done.products, "size": hessian.size, "loss": hessian.loss, "images": len(images)})


def _require_room(size: int, bytes_a_number: int, question: SpectralDensity) -> None:
    fits = BASIS_BYTES // (size * bytes_a_number) - 1
    if min(question.lanczos_steps, size) > fits:
        remedy = f"lower lanczos_steps to {fits}" if fits >= 2 else "choose a layer"
        raise BadInput(f"The vectors of {question.lanczos_steps} Lanczos steps in {size:,} coordinates must fit into "
                       f"{BASIS_BYTES // 2**30} GiB, and they do not: {remedy}.")


class _Vectors:
    """Nodes and weights of the random vectors so far."""

    def __init__(self, bench: Workbench, total: int) -> None:
        self.bench, self.total = bench, total
        self.nodes: list[Array] = []
        self.weights: list[Array] = []
        self.products = self.finished = 0

    def count(self) -> None:
        """Count a product and report it."""
        self.products += 1
        live: dict[str, Scalar] = {}
        if self.nodes:
            live = {"lowest": float(np.min(self.nodes)), "highest": float(np.max(self.nodes)),
                    "vectors": len(self.nodes)}
        self.bench.report(Progress(self.products, self.total, "products with the Hessian", metrics=live))

    def add(self, nodes: Array, weights: Array) -> None:
        """A vector is finished."""
        self.nodes.append(nodes)
        self.weights.append(weights)
        self.finished = self.products

    def arrays(self) -> dict[str, Array]:
        """Arrays of the answer, as far as it goes."""
        if not self.nodes:
            return {}
        nodes, weights = np.array(self.nodes), np.array(self.weights)
        grid, rows, _ = densities(nodes, weights)
        density, error = mean_and_error(rows)
        return {"node/value": nodes, "node/weight": weights, "density/value": grid, "density/density": density,
                "density/stderr": error}

    def state(self) -> State:
        """What :meth:`resume` needs; a vector that is not finished is begun anew."""
        return self.arrays(), {"products": self.finished}

    def resume(self, saved: State | None) -> None:
        """Go on from what :meth:`state` gave."""
        if saved is not None and "node/value" in saved[0]:
            self.nodes, self.weights = list(saved[0]["node/value"]), list(saved[0]["node/weight"])
            self.products = self.finished = int(saved[1]["products"] or 0)


def _summary(arrays: dict[str, Array], size: int) -> dict[str, Scalar]:
    nodes, weights = arrays["node/value"], arrays["node/weight"]
    largest = np.abs(nodes).max()
    trace, trace_error = mean_and_error(size * (weights * nodes).sum(axis=1))
    below, least, most = shares_below(nodes, weights, -NEGATIVE * largest)
    (negative, error), (low, low_error), (high, high_error) = (mean_and_error(v) for v in (below, least, most))
    half = float(stdtrit(len(nodes) - 1, 0.975))  # standard errors in half a 95% interval of so many vectors
    near_zero, _ = mean_and_error((weights * (np.abs(nodes) <= NEAR_ZERO * largest)).sum(axis=1))
    return {"lowest": float(nodes.min()), "highest": float(nodes.max()), "width": densities(nodes, weights)[2],
            "trace": float(trace), "trace_stderr": float(trace_error), "share_negative": float(negative),
            "share_negative_stderr": float(error), "share_negative_low": float(max(0, low - half * low_error)),
            "share_negative_high": float(min(1, high + half * high_error)), "share_near_zero": float(near_zero)}
