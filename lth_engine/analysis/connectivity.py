"""Error and loss on the line between two networks: one network on the device, its weights set for each point."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lth_engine.analysis.barrier import STABLE, error_barrier
from lth_engine.analysis.curve import Curve
from lth_engine.analysis.line import Line
from lth_engine.analysis.norm_statistics import protocol, tracking
from lth_engine.core.artifact import Answer, Array, Artifact, Inputs, Scalar
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.connecting import Connectivity
from lth_engine.training.evaluate import evaluate
from lth_engine.training.material import material, network
from lth_engine.training.mixed import Mixed
from lth_engine.training.session import REPORT_SECONDS
from lth_engine.training.threads import use_threads


def answer(question: Connectivity, inputs: Inputs, bench: Workbench) -> Answer:
    """Measure every point, the two ends like the others, and find the barriers.

    The arrays are alpha, test_error and test_loss (and train_error, train_loss), one value a point; errors are
    fractions, losses are in nats.

    Raises:
        Cancelled: the user asked to stop; the points measured so far are in the checkpoint.
        NonFinite: a point of the curve is NaN or infinite.
    """
    ends = [inputs[run.key] for run in (question.first, question.second)]
    dense = question.first.ticket.dense
    images = material(dense.data, bench)
    model = network(dense.model, images.facts, dense.init_seed, bench.device).eval()
    use_threads(model, images.facts, images.test.evaluation_batch)
    meter = _Meter(bench)
    train, test = Mixed(images.train, meter.saw), Mixed(images.test, meter.saw)
    parts = {"test": test} | ({"train": train} if question.training_images else {})
    recalibrated = question.norm_statistics == "recalibrated" and bool(tracking(model))
    settle = protocol(question.norm_statistics, model, train)
    line = Line(model, *(end.group("final") for end in ends))

    def measure(alpha: float) -> list[float]:
        meter.message = f"alpha {alpha:.3g}"
        line.put(alpha)
        settle()
        scores = [evaluate(model, part) for part in parts.values()]
        return [value for score in scores for value in (score.error, score.loss)]

    alpha = np.arange(question.points) / (question.points - 1)
    curve = Curve(alpha, [f"{part}_{what}" for part in parts for what in ("error", "loss")], bench)
    a_point = sum(map(len, parts.values())) + recalibrated * len(train)
    meter.done, meter.total = curve.done * a_point, question.points * a_point
    curve.fill(measure)
    facts = {f"{part}_images": len(shown) for part, shown in parts.items()}
    return Answer({"alpha": alpha} | curve.arrays(), _summary(alpha, curve.arrays()) | facts | _masks(*ends))


def _summary(alpha: Array, curves: Mapping[str, Array]) -> dict[str, Scalar]:
    """Barriers and ends of the curves; `barrier_alpha` is where the test error is highest."""
    barriers = {name: error_barrier(alpha, curve) for name, curve in curves.items()}
    found: dict[str, Scalar] = {"barrier_test": barriers["test_error"].height,
                                "barrier_alpha": barriers["test_error"].alpha,
                                "stable": barriers["test_error"].height < STABLE}
    if "train_error" in barriers:
        found["barrier_train"] = barriers["train_error"].height
        found["barrier_alpha_train"] = barriers["train_error"].alpha
    for name, curve in curves.items():
        found |= {f"first_{name}": float(curve[0]), f"second_{name}": float(curve[-1])}
        if name.endswith("_loss"):
            found[f"loss_barrier_{name.removesuffix('_loss')}"] = barriers[name].height
    return found


def _masks(*ends: Artifact) -> dict[str, Scalar]:
    first, second = (Mask(end.group("mask")) for end in ends)
    return {"density_first": first.density, "density_second": second.density, "density_line": (first | second).density,
            "mask_overlap": first.overlap(second)}


@dataclass
class _Meter:
    """Counts the images that were shown and reports a few times a second."""

    bench: Workbench
    total: int = 0
    done: int = 0
    message: str = ""
    reported: float = 0.0

    def saw(self, images: int) -> None:
        """Count a batch; raises Cancelled if the user asked to stop."""
        if time.perf_counter() - self.reported > REPORT_SECONDS:
            self.bench.report(Progress(self.done, self.total, self.message))
            self.reported = time.perf_counter()
        self.done += images
