"""Curvature of the loss at a network that somebody brought: trace and largest eigenvalues of its Hessian."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from lth_engine.analysis.curvature.at_network import Drawn, takes_batch_statistics
from lth_engine.analysis.curvature.coordinates import Coordinates
from lth_engine.analysis.curvature.eigen_search import EigenSearch, Pairs
from lth_engine.analysis.curvature.gauss_newton import GaussNewtonTrace
from lth_engine.analysis.curvature.graph_memory import CHUNK_BYTES
from lth_engine.analysis.curvature.hessian import Hessian
from lth_engine.analysis.hessian_trace import Estimator, Trail, estimator
from lth_engine.analysis.lines.norm_statistics import protocol
from lth_engine.core.errors import BadInput
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.diagnosis.batch_file import Batch
from lth_engine.diagnosis.brought import Brought
from lth_engine.specs.curvature import HessianEigenpairs, HessianTrace

Report = Callable[[Progress], None]


def curvature(network: Brought, batch: Batch, trace: HessianTrace, pairs: HessianEigenpairs,
              report: Report = lambda progress: None) -> dict[str, Any]:
    """Trace and largest eigenvalues of the Hessian of the mean cross-entropy over a batch, as JSON values.

    Args:
        network: in evaluation mode; with norm_statistics "batch" its normalisation is changed to that.
        batch: images and labels, all of which are used.
        trace: how the trace is estimated, and which coordinates may move.
        pairs: how many eigenvalues are wanted, and how well.
        report: is told of each product; raises Cancelled to stop.

    Returns:
        trace (value, stderr, low and high of the 95% interval, num_samples: random vectors, or products where every
        direction was measured; products, exact, reached), eigenvalues (largest first), residuals (lengths of
        H v - lambda v), eigenvalues_reached, loss, gradient_norm, coordinates, images.

    Raises:
        BadInput: the images do not fit, batch statistics of a single image, or no second derivative is known.
        NonFinite: the loss or a product is not finite.
    """
    network.require(batch)
    images = Drawn(batch)
    if trace.norm_statistics == "batch":
        protocol("batch", network.model, images)()
    if len(batch) < 2 and takes_batch_statistics(network.model):
        raise BadInput(f"Batch statistics need at least 2 images. {batch.where} holds one; add some.")
    exactly = trace.estimator == "gauss_newton"
    with Hessian(network.model, network.mask, trace, images, CHUNK_BYTES if exactly else None) as hessian:
        better: Estimator = (GaussNewtonTrace(network.model, Coordinates(network.model, network.mask, trace), images)
                             if exactly else estimator(trace, hessian))
        measured = _trace(Trail(trace, better, Workbench(Path(), report=report)), trace)
        found = _pairs(hessian, pairs, report)
        return {"trace": measured, "eigenvalues": found.values.tolist(), "residuals": found.residuals.tolist(),
                "eigenvalues_reached": found.reached, "loss": hessian.loss, "gradient_norm": hessian.gradient_norm,
                "coordinates": hessian.size, "images": len(images)}


def _trace(trail: Trail, question: HessianTrace) -> Mapping[str, Any]:
    found = trail.follow()
    low, high = found.interval
    products, probes = trail.estimator.products, trail.estimator.probes
    return {"value": found.trace, "stderr": found.stderr, "low": low, "high": high, "num_samples": probes or products,
            "products": products, "exact": found.exact, "reached": found.within(question.error)}


def _pairs(hessian: Hessian, question: HessianEigenpairs, report: Report) -> Pairs:
    like = torch.zeros(hessian.size, dtype=hessian.dtype, device=hessian.device)
    search = EigenSearch(hessian.matvec, like, question.count, question.tolerance, question.most_products,
                         seed=question.seed)
    return search.run(lambda: report(Progress(len(search.running), question.most_products, "Largest eigenvalues")))
