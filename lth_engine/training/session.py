"""One sitting of training: runs the loop, records history, saves the exact state, stops when asked.

A session that was killed continues from its last checkpoint and ends with the same bits (on a CPU; it takes over the
number of threads), because the checkpoint holds everything that the next step depends on: what `state` takes, and the
step, which fixes order and augmentation (see `batches`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.errors import Cancelled, NonFinite
from lth_engine.core.meter import REPORT_SECONDS
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.training import Training
from lth_engine.training.batches import Batches
from lth_engine.training.captured import Captured
from lth_engine.training.evaluate import evaluate
from lth_engine.training.loop import StepDone, train
from lth_engine.training.material import Material
from lth_engine.training.mean_loss import MeanLoss
from lth_engine.training.mixed import shown
from lth_engine.training.repeatable import set_deterministic
from lth_engine.training.state import first_not_finite, fits, put_state, state_arrays
from lth_engine.training.stepper import Stepper
from lth_engine.training.threads import use_threads

COLUMNS = ("step", "epoch", "learning_rate", "train_loss", "validation_accuracy", "validation_loss", "test_accuracy",
           "test_loss")
"""Columns of a history: one row an evaluation; `train_loss` is the mean since the row before (nats)."""

_LIVE = ("test_accuracy", "validation_accuracy", "train_loss")
"""Columns that are reported while a session runs."""

_FORMAT = 2
"""Of the checkpoint; one of another format is left alone and the training starts anew."""


@dataclass
class Pauses:
    """Seconds that were spent on evaluation so far, by all sessions that are trained side by side."""

    seconds: float = 0.0


@dataclass
class Session:
    """The training of one model from step `start` to step `stop` of a schedule of `total` steps.

    `lanes` sessions run in turn: each then counts its share of the time that passes, whoever used it.
    """

    stepper: Stepper | Captured
    images: Material
    batches: Batches
    start: int
    stop: int
    total: int
    bench: Workbench
    message: str
    report_every: float = REPORT_SECONDS
    lanes: int = 1
    pauses: Pauses = field(default_factory=Pauses)
    rows: list[dict[str, float]] = field(default_factory=list)
    loss: MeanLoss = field(default_factory=MeanLoss)
    step: int = 0
    train_seconds: float = 0.0
    trained_images: int = 0
    masked_nonzero: int = 0

    def run(self) -> None:
        """Train to the end; the model then holds the final weights.

        Raises:
            Cancelled: the user asked to stop; the state is in the checkpoint.
            NonFinite: the loss or a weight became NaN or infinite; the checkpoint holds the last finite state.
        """
        for _ in self.steps():
            pass

    def steps(self) -> Iterator[None]:
        """:meth:`run`, a training step at a time, for whoever runs several sessions in turn."""
        use_threads(self.model, self.images.facts, self.training.batch_size)
        set_deterministic(self.training.deterministic)
        self.step = self.start
        if not self._resume():
            self._record()
        try:
            yield from self._train()
        except (Cancelled, NonFinite):
            self._save()
            raise

    @property
    def model(self) -> nn.Module:
        """The network; it holds the final weights at the end."""
        return self.stepper.model

    @property
    def training(self) -> Training:
        """How it is trained."""
        return self.batches.training

    def cost(self) -> dict[str, Scalar]:
        """Epochs, optimizer steps, seconds and throughput of this training, evaluation excluded."""
        steps = self.stop - self.start
        return {"epochs": steps / self.batches.steps_per_epoch, "steps": steps, "train_seconds": self.train_seconds,
                "images_per_second": self.images_per_second}

    @property
    def images_per_second(self) -> float:
        """Throughput of the training loop, evaluation excluded."""
        return self.trained_images / self.train_seconds if self.train_seconds else 0.0

    def history(self) -> dict[str, Array]:
        """Column name -> one value a row; see :data:`COLUMNS`."""
        return {name: np.array([row[name] for row in self.rows], np.int64 if name == "step" else np.float64)
                for name in COLUMNS}

    def _train(self) -> Iterator[None]:
        every = self.training.evaluate_every.iterations(self.batches.steps_per_epoch)
        clock = reported = saved = time.perf_counter()
        paused = self.pauses.seconds
        for done in train(self.stepper, self.batches, start=self.step, stop=self.stop, total=self.total):
            self._count(done)
            recording = done.step == self.stop or (every and done.step % every == 0)
            if recording and self.bench.device == "cuda":
                torch.cuda.current_stream().synchronize()  # queued steps belong to the training, not to the evaluation
            now = time.perf_counter()
            self.train_seconds += (now - clock - self.pauses.seconds + paused) / self.lanes
            if recording:
                self._record()
            if now - reported > self.report_every or done.step == self.stop:
                self._report()
                reported = now
            if now - saved > self.bench.checkpoint_seconds:
                self._save()
                saved = now
            if self.lanes > 1:
                clock, paused = time.perf_counter(), self.pauses.seconds
            yield
            if self.lanes == 1:
                clock, paused = time.perf_counter(), self.pauses.seconds

    def _count(self, done: StepDone) -> None:
        self.step = done.step
        self.loss.add(done.loss, done.images)
        self.trained_images += done.images

    def _record(self) -> None:
        began = time.perf_counter()
        culprit = first_not_finite(self.model)
        if culprit is not None:
            raise NonFinite(f"{culprit} became NaN or infinite by step {self.step} of {self.total}. Everything before "
                            "it is kept. Lower the learning rate of this training (it is "
                            f"{self.training.optimizer.lr:g}).")
        with self.stepper.flatness.clean():
            validation, test = (evaluate(self.model, shown(self.model, part))
                                for part in (self.images.validation, self.images.test))
        per_epoch = self.batches.steps_per_epoch
        self.rows.append({
            "step": self.step, "epoch": self.step / per_epoch,
            "learning_rate": self.training.learning_rate(min(self.step, self.total - 1), self.total, per_epoch),
            "train_loss": self.loss.take(), "validation_accuracy": validation.accuracy,
            "validation_loss": validation.loss, "test_accuracy": test.accuracy, "test_loss": test.loss})
        self.masked_nonzero = max(self.masked_nonzero, self.stepper.mask.count_nonzero())
        self.pauses.seconds += time.perf_counter() - began

    def _report(self) -> None:
        per_epoch = self.batches.steps_per_epoch
        last: dict[str, Scalar] = {name: self.rows[-1][name] for name in _LIVE if np.isfinite(self.rows[-1][name])}
        self.bench.report(Progress((self.step - self.start) / per_epoch, (self.stop - self.start) / per_epoch,
                                   self.message, self.images_per_second,
                                   last | {"masked_nonzero": self.masked_nonzero}))

    def _save(self) -> None:
        """Replace the checkpoint, unless the weights are no longer finite: then the last one is worth more."""
        if first_not_finite(self.model) is not None:
            return
        arrays = state_arrays(self.model, self.stepper.optimizer)
        arrays |= {f"history/{name}": column for name, column in self.history().items()}
        arrays["pending/loss"] = self.loss.to_array()
        scalars: dict[str, Scalar] = {
            "format": _FORMAT, "start": self.start, "stop": self.stop, "threads": torch.get_num_threads(),
            "step": self.step, "train_seconds": self.train_seconds, "trained_images": self.trained_images,
            "masked_nonzero": self.masked_nonzero}
        self.bench.checkpoint.save(arrays, scalars)

    def _resume(self) -> bool:
        """Continue from the checkpoint; False if there is none of this format for this training."""
        saved = self.bench.checkpoint.load()
        if saved is None:
            return False
        arrays, scalars = saved
        wanted = {"format": _FORMAT, "start": self.start, "stop": self.stop}
        if {name: scalars.get(name) for name in wanted} != wanted or not fits(self.model, arrays):
            return False
        torch.set_num_threads(int(_number(scalars, "threads")))
        put_state(self.model, self.stepper.optimizer, arrays)
        self.loss = MeanLoss.from_array(arrays["pending/loss"], self.bench.device)
        columns = {name: arrays[f"history/{name}"] for name in COLUMNS}
        self.rows = [{name: float(column[i]) for name, column in columns.items()} for i in range(len(columns["step"]))]
        self.step, self.trained_images = int(_number(scalars, "step")), int(_number(scalars, "trained_images"))
        self.train_seconds = _number(scalars, "train_seconds")
        self.masked_nonzero = int(_number(scalars, "masked_nonzero"))
        self.stepper.flatness.resume(self.step, self.batches.steps_per_epoch)
        return True


def _number(scalars: dict[str, Scalar], name: str) -> float:
    value = scalars[name]
    assert isinstance(value, int | float)
    return value
