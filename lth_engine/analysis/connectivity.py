"""Error and loss on the line between two networks: one network on the device, its weights set for each point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from lth_engine.analysis.lines.adaptive import next_place
from lth_engine.analysis.lines.barrier import error_barrier
from lth_engine.analysis.lines.bootstrap import barrier_interval
from lth_engine.analysis.lines.curve import Curve, in_order
from lth_engine.analysis.lines.ends import ends
from lth_engine.analysis.lines.line import Line
from lth_engine.analysis.lines.norm_statistics import protocol, require_room, tracking
from lth_engine.analysis.lines.score import score
from lth_engine.analysis.shown_again import shown_again
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar
from lth_engine.core.connected import connected
from lth_engine.core.errors import BadInput
from lth_engine.core.meter import Meter
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.connecting import Connectivity
from lth_engine.training.material import Material, material, network
from lth_engine.training.mixed import Mixed
from lth_engine.training.threads import use_threads

GUESSING = 0.98
"""A network guesses if its error is at least this share of that of guessing, 1 - 1 / classes."""


def answer(question: Connectivity, inputs: Inputs, bench: Workbench) -> Answer:
    """Measure the points, the two ends like the others, and find the barriers.

    The arrays are alpha, test_error and test_loss (and train_error, train_loss), one value a point; errors are
    fractions, losses are in nats. In the adaptive mode they hold the points that were measured,
    and the interval barrier_test_low to barrier_test_high speaks of these alone.

    Raises:
        BadInput: a stored network has other tensors than its question says, there are no images, or a batch is too
            small for its statistics to be taken.
        Cancelled: the user asked to stop; the points measured so far are in the checkpoint.
        NonFinite: a weight at an end, or a point of the curve, is NaN or infinite.
    """
    dense = question.first.ticket.dense
    images = material(dense.data, bench)
    _require_images(question, images)
    example = _example(images)
    model = network(dense.model, images.facts, dense.init_seed, bench.device).eval()
    use_threads(model, images.facts, images.test.evaluation_batch)
    between = ends(question, inputs, model, example)
    line = Line(model, between.first, between.second)
    work = _Work(bench)
    test, train = shown_again([Mixed(images.test), Mixed(images.train)], work.saw)
    parts = {"test": test} | ({"train": train} if question.training_images else {})
    recalibrated = question.norm_statistics == "recalibrated"
    require_room(question.norm_statistics, model, example,
                 {"training": train} if recalibrated else {"test": test} | parts)
    a_point = sum(map(len, parts.values())) + (recalibrated and bool(tracking(model))) * len(train)
    settle = protocol(question.norm_statistics, model, train)

    def measure(alpha: float) -> list[float]:
        work.message = f"alpha {alpha:.3g}"
        line.put(alpha)
        settle()
        scores = {name: score(model, part) for name, part in parts.items()}
        wrong[curve.at] = np.packbits(scores["test"].wrong.numpy())
        return [value for found in scores.values() for value in (found.error, found.loss)]

    alpha = np.arange(question.points) / (question.points - 1)
    wrong = np.zeros((question.points, -(-len(test) // 8)), dtype=np.uint8)
    columns = [f"{part}_{what}" for part in parts for what in ("error", "loss")]
    curve = Curve(alpha, columns, bench, {"wrong": wrong})
    work.done, work.total = curve.done * a_point, question.evaluations * a_point
    curve.fill(measure, partial(next_place, most=question.evaluations) if question.adaptive else in_order)
    found = {"alpha": alpha[curve.measured]} | curve.arrays()
    facts: dict[str, Scalar] = {f"{part}_images": len(shown) for part, shown in parts.items()}
    facts |= {"evaluations": curve.done, "images_a_batch": len(test.parts[0])}
    facts["both_guess"] = bool(min(found["test_error"][[0, -1]]) >= GUESSING * (1 - 1 / images.facts.num_classes))
    interval = barrier_interval(wrong[curve.measured], len(test), question.resamples, question.seed) \
        if question.resamples else None
    return Answer(found, _summary(found["alpha"], curve.arrays(), interval) | facts | between.facts)


def _require_images(question: Connectivity, images: Material) -> None:
    used = {"test": images.test}
    if question.training_images or question.norm_statistics == "recalibrated":
        used["training"] = images.train
    empty = [name for name, part in used.items() if len(part) == 0]
    if empty:
        raise BadInput(f"A line needs images, but the {empty[0]} part of this set is empty: choose runs on another.")


def _example(images: Material) -> torch.Tensor:
    """One normalised image, 1 x C x H x W."""
    return next(iter(images.test.in_parts([torch.zeros(1, dtype=torch.int64)])))[0]


def _summary(alpha: Array, curves: Mapping[str, Array], interval: tuple[float, float] | None) -> dict[str, Scalar]:
    """Barriers and ends of the curves; `barrier_alpha` is where the test error is highest, the verdict that of
    :func:`connected`."""
    barriers = {name: error_barrier(alpha, curve) for name, curve in curves.items()}
    low, high = interval or (None, None)
    found: dict[str, Scalar] = {"barrier_test": barriers["test_error"].height,
                                "barrier_alpha": barriers["test_error"].alpha,
                                "verdict": connected(barriers["test_error"].height, low, high)}
    if interval is not None:
        found |= {"barrier_test_low": low, "barrier_test_high": high}
    if "train_error" in barriers:
        found["barrier_train"] = barriers["train_error"].height
        found["barrier_alpha_train"] = barriers["train_error"].alpha
    for name, curve in curves.items():
        found |= {f"first_{name}": float(curve[0]), f"second_{name}": float(curve[-1])}
        if name.endswith("_loss"):
            found[f"loss_barrier_{name.removesuffix('_loss')}"] = barriers[name].height
    return found


@dataclass
class _Work:
    """The images that were shown, of all that will be."""

    bench: Workbench
    total: int = 0
    done: int = 0
    message: str = ""

    def __post_init__(self) -> None:
        self._meter = Meter(lambda: self.bench.report(Progress(self.done, self.total, self.message)))

    def saw(self, images: int) -> None:
        """Count a batch; raises Cancelled if the user asked to stop."""
        self._meter.tell()
        self.done += images
