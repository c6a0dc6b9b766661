"""Error and loss on the line between two networks that somebody brought."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lth_engine.analysis.lines.barrier import error_barrier
from lth_engine.analysis.lines.line import Line
from lth_engine.analysis.lines.norm_statistics import protocol, require_room
from lth_engine.analysis.lines.score import score
from lth_engine.core.workbench import Progress
from lth_engine.diagnosis.batch_file import Batch
from lth_engine.diagnosis.brought import Brought
from lth_engine.training.mixed import shown


def barrier(first: Brought, second: Brought, batch: Batch, points: int = 101, recalibrate: Batch | None = None,
            report: Callable[[Progress], None] = lambda progress: None) -> dict[str, Any]:
    """Errors and losses at equally spaced points from `first` to `second`, ends included, and the barriers.

    Statistics of normalisation are interpolated like weights; with `recalibrate` they are re-estimated at each point,
    both ends included, on those images in their order, by a cumulative average over batches of `evaluation_batch`.

    Args:
        first: whose network is laid along the line, in place.
        second: of the same architecture.
        batch: images and labels on which every point is measured, mixed if the network takes batch statistics.
        points: at least 2.
        recalibrate: images for the statistics; their labels do not matter.
        report: is told of each point; raises Cancelled to stop.

    Returns:
        alpha, errors (a fraction a point), losses (nats), barrier (of the error), barrier_alpha, loss_barrier,
        norm_statistics, points, images.

    Raises:
        BadInput: the two are different networks, or images do not fit them.
        NonFinite: a point has no finite loss.
    """
    first.require_same(second, "A line needs two networks of one architecture")
    for images in (batch, recalibrate):
        if images is not None:
            first.require(images)
    if recalibrate is not None:
        example = recalibrate.normalised(recalibrate.x[:1])
        require_room("recalibrated", first.model, example, {"recalibration": recalibrate})
    line = Line(first.model, first.weights(), second.weights())
    settle = protocol("interpolated" if recalibrate is None else "recalibrated", first.model, recalibrate or batch)
    images_shown = shown(first.model, batch)
    alphas = np.arange(points) / (points - 1)
    scores = []
    for done, alpha in enumerate(alphas.tolist()):
        report(Progress(done, points, f"alpha {alpha:.3g}"))
        line.put(alpha)
        settle()
        scores.append(score(first.model, images_shown))
    errors, losses = ([getattr(one, name) for one in scores] for name in ("error", "loss"))
    error, loss = error_barrier(alphas, np.array(errors)), error_barrier(alphas, np.array(losses))
    return {"alpha": alphas.tolist(), "errors": errors, "losses": losses, "barrier": error.height,
            "barrier_alpha": error.alpha, "loss_barrier": loss.height,
            "norm_statistics": "interpolated" if recalibrate is None else "recalibrated", "points": points,
            "images": len(batch)}
