"""A linear classifier trained on the features of a frozen network, by the lab's own training loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from lth_engine.analysis.features.frozen import Frozen, frozen
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar
from lth_engine.core.mask import Mask
from lth_engine.core.seeds import derive
from lth_engine.core.step import Step
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.masking.applied import AppliedMask
from lth_engine.specs.features import OnFeatures
from lth_engine.training.evaluate import evaluate
from lth_engine.training.material import Facts, Material, take_weights
from lth_engine.training.session import Session
from lth_engine.training.stepper import Stepper

EXTRACTION = 0.5
"""Share of the progress that is the computation of features."""

_HISTORY = ("step", "epoch", "learning_rate", "train_loss", "test_accuracy", "test_loss")


def trained(question: OnFeatures, inputs: Inputs, bench: Workbench) -> tuple[Answer, Frozen]:
    """The answer of a classifier, and the features that it was trained on.

    Arrays history/step, epoch, learning_rate, train_loss (nats), test_accuracy (fraction), test_loss (nats), a row an
    evaluation. The summary says test_accuracy, train_accuracy, test_loss, features, train_images, test_images, chance
    and dead_features (constant on all training images). The classifier begins with torch's own initialisation of a
    linear layer, drawn from the seed; the training is in the checkpoint and goes on from there.

    Raises:
        Cancelled: the user asked to stop.
        NonFinite, BadInput: see :func:`frozen`; or the training diverges.
    """
    found = frozen(question, inputs, replace(bench, report=_part(bench, 0.0, EXTRACTION)))
    session = _session(question, found, replace(bench, report=_part(bench, EXTRACTION, 1.0)))
    session.run()
    with session.stepper.flatness.clean():
        train = evaluate(session.model, found.train)
    last, history = session.rows[-1], session.history()
    arrays: dict[str, Array] = {f"history/{name}": history[name] for name in _HISTORY}
    summary: dict[str, Scalar] = {
        "test_accuracy": last["test_accuracy"], "train_accuracy": train.accuracy, "test_loss": last["test_loss"],
        "features": found.train.extract.count, "train_images": len(found.train), "test_images": len(found.test),
        "chance": 1 / found.classes, "dead_features": found.train.dead}
    return Answer(arrays, summary), found


def classifier(features: int, classes: int, seed: int) -> nn.Linear:
    """A dense linear layer as torch draws it, from the seed alone; no global generator moves."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(seed, "classifier"))
        return nn.Linear(features, classes)


def _session(question: OnFeatures, found: Frozen, bench: Workbench) -> Session:
    """The training: to the loop, features are images of one row."""
    head, size = question.head, found.train.extract.count
    layer = classifier(size, found.classes, question.seed).to(bench.device)
    whole = Mask({"weight": np.ones((found.classes, size), bool)})
    stepper = Stepper(layer, AppliedMask(layer, whole), head, derive(question.seed, "noise"), take_weights(layer))
    facts = Facts(1, 1, size, found.classes, (0.0,), (1.0,))
    nothing = _Nothing(found.test.y[:0])
    images = Material(facts, found.train, nothing, found.test)  # type: ignore[arg-type]
    start, total = head.span(Step(0, "it"), found.batches.steps_per_epoch)
    return Session(stepper, images, found.batches, start, total, total, bench, "training the classifier")


class _Nothing:
    """No images: the classifier has nothing to select."""

    def __init__(self, y: torch.Tensor) -> None:
        self.y = y

    def __len__(self) -> int:
        return 0


def _part(bench: Workbench, low: float, high: float) -> Callable[[Progress], None]:
    """A report whose progress fills the part of the whole from `low` to `high`."""
    def report(progress: Progress) -> None:
        share = progress.done / progress.total if progress.total else 0.0
        bench.report(replace(progress, done=low + share * (high - low), total=1.0))
    return report
