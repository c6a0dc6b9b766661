"""One sitting of training: runs the loop, records history, saves the exact state, stops when asked.

A session that was killed continues from its last checkpoint and ends with the same bits (on a CPU with the same number
of threads), because the checkpoint holds everything that the next step depends on: weights, buffers, optimizer state,
the step (which fixes order and augmentation, see `batches`), and torch's random state.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.errors import Cancelled, NonFinite
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.masking.applied import AppliedMask
from lth_engine.specs.training import Training
from lth_engine.training.batches import Batches
from lth_engine.training.evaluate import evaluate
from lth_engine.training.loop import make_optimizer, train
from lth_engine.training.material import Material, put_weights, take_weights

COLUMNS = ("step", "epoch", "learning_rate", "train_loss", "validation_accuracy", "validation_loss", "test_accuracy",
           "test_loss")
"""Columns of a history: one row an evaluation; `train_loss` is the mean since the row before (nats)."""

REPORT_SECONDS = 0.2
"""Time between two reports: often enough for a live page."""


@dataclass
class Session:
    """The training of one model from step `start` to step `stop` of a schedule of `total` steps."""

    model: nn.Module
    mask: AppliedMask
    images: Material
    training: Training
    batches: Batches
    start: int
    stop: int
    total: int
    bench: Workbench
    message: str
    rows: list[dict[str, float]] = field(default_factory=list)
    losses: list[torch.Tensor] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    step: int = 0
    train_seconds: float = 0.0
    trained_images: int = 0
    masked_nonzero: int = 0
    report_every: float = REPORT_SECONDS

    def run(self) -> None:
        """Train to the end; the model then holds the final weights.

        Raises:
            Cancelled: the user asked to stop; the state is in the checkpoint.
            NonFinite: the loss became NaN; the last finite state is in the checkpoint.
        """
        optimizer = make_optimizer(self.training.optimizer, self.model)
        self.step = self.start
        if not self._resume(optimizer):
            self._record()
        try:
            self._train(optimizer)
        except (Cancelled, NonFinite):
            self._save(optimizer)
            raise

    def _train(self, optimizer: torch.optim.Optimizer) -> None:
        every = self.training.evaluate_every.iterations(self.batches.steps_per_epoch)
        clock = reported = saved = time.perf_counter()
        for done in train(self.model, self.batches, self.training, optimizer, self.mask, start=self.step,
                          stop=self.stop, total=self.total):
            self.step = done.step
            self.losses.append(done.loss)
            self.counts.append(done.images)
            self.trained_images += done.images
            now = time.perf_counter()
            self.train_seconds += now - clock
            if done.step == self.stop or (every and done.step % every == 0):
                self._record()
            if now - reported > self.report_every or done.step == self.stop:
                self._report()
                reported = now
            if now - saved > self.bench.checkpoint_seconds:
                self._save(optimizer)
                saved = now
            clock = time.perf_counter()

    @property
    def images_per_second(self) -> float:
        """Throughput of the training loop, evaluation excluded."""
        return self.trained_images / self.train_seconds if self.train_seconds else 0.0

    def history(self) -> dict[str, Array]:
        """Column name -> one value a row; see :data:`COLUMNS`."""
        return {name: np.array([row[name] for row in self.rows], np.int64 if name == "step" else np.float64)
                for name in COLUMNS}

    def _record(self) -> None:
        validation, test = evaluate(self.model, self.images.validation), evaluate(self.model, self.images.test)
        per_epoch = self.batches.steps_per_epoch
        self.rows.append({
            "step": self.step, "epoch": self.step / per_epoch,
            "learning_rate": self.training.learning_rate(min(self.step, self.total - 1), self.total, per_epoch),
            "train_loss": self._mean_loss(), "validation_accuracy": validation.accuracy,
            "validation_loss": validation.loss, "test_accuracy": test.accuracy, "test_loss": test.loss})
        self.masked_nonzero = max(self.masked_nonzero, self.mask.count_nonzero())
        self.losses.clear()
        self.counts.clear()

    def _mean_loss(self) -> float:
        if not self.losses:
            return float("nan")
        weights = torch.tensor(self.counts, dtype=torch.float64)
        return float((torch.stack(self.losses).double().cpu() * weights).sum() / weights.sum())

    def _report(self) -> None:
        per_epoch = self.batches.steps_per_epoch
        last = {name: self.rows[-1][name] for name in ("test_accuracy", "validation_accuracy", "train_loss")}
        self.bench.report(Progress((self.step - self.start) / per_epoch, (self.stop - self.start) / per_epoch,
                                   self.message, self.images_per_second,
                                   last | {"masked_nonzero": self.masked_nonzero}))

    def _save(self, optimizer: torch.optim.Optimizer) -> None:
        arrays: dict[str, Array] = {f"model/{name}": value for name, value in take_weights(self.model).items()}
        names = {id(p): name for name, p in self.model.named_parameters()}
        for parameter, state in optimizer.state.items():
            for slot, value in state.items():
                if isinstance(value, torch.Tensor):
                    arrays[f"optimizer/{slot}/{names[id(parameter)]}"] = np.array(value.cpu().numpy(), order="C")
        arrays["rng/torch"] = torch.get_rng_state().numpy()
        arrays["pending/loss"] = torch.stack(self.losses).cpu().numpy() if self.losses else np.zeros(0, np.float32)
        arrays["pending/count"] = np.array(self.counts, dtype=np.int64)
        arrays |= {f"history/{name}": column for name, column in self.history().items()}
        scalars: dict[str, Scalar] = {
            "step": self.step, "train_seconds": self.train_seconds, "trained_images": self.trained_images,
            "masked_nonzero": self.masked_nonzero}
        self.bench.checkpoint.save(arrays, scalars)

    def _resume(self, optimizer: torch.optim.Optimizer) -> bool:
        """Continue from the checkpoint; False if there is none."""
        saved = self.bench.checkpoint.load()
        if saved is None:
            return False
        arrays, scalars = saved
        groups: dict[str, dict[str, Array]] = {}
        for path, value in arrays.items():
            head, _, name = path.partition("/")
            groups.setdefault(head, {})[name] = value
        put_weights(self.model, groups["model"])
        parameters = dict(self.model.named_parameters())
        for path, value in groups.get("optimizer", {}).items():
            slot, _, name = path.partition("/")
            like = torch.empty_like(parameters[name]) if value.shape == parameters[name].shape else None
            tensor = torch.tensor(value)
            optimizer.state[parameters[name]][slot] = tensor if like is None else like.copy_(tensor).detach()
        torch.set_rng_state(torch.tensor(groups["rng"]["torch"]))
        device = self.batches.images.x.device
        self.losses = list(torch.tensor(groups["pending"]["loss"], device=device).unbind())
        self.counts = [int(c) for c in groups["pending"]["count"]]
        history = groups["history"]
        self.rows = [{name: float(history[name][i]) for name in COLUMNS} for i in range(len(history["step"]))]
        self.step, self.trained_images = int(_number(scalars, "step")), int(_number(scalars, "trained_images"))
        self.train_seconds = _number(scalars, "train_seconds")
        self.masked_nonzero = int(_number(scalars, "masked_nonzero"))
        return True


def _number(scalars: dict[str, Scalar], name: str) -> float:
    value = scalars[name]
    assert isinstance(value, int | float)
    return value
