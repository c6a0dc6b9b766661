"""How a network is trained: optimizer, schedule, length, augmentation, precision."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.core.step import Step


@dataclass(frozen=True, kw_only=True)
class OptimizerSpec(Spec, family="optimizer", package="lth_engine.training.optimizers"):
    """Turns gradients into steps."""

    lr: float = knob(0.1, "Learning rate at the top of the schedule.", low=0, open_low=True, high=1000,
                     source="Pruning Close to Home, section 4: 0.1")


@dataclass(frozen=True, kw_only=True)
class Sgd(OptimizerSpec, name="sgd"):
    """Stochastic gradient descent with momentum, in torch's form (learning rate outside the buffer)."""

    title: ClassVar[str] = "SGD"
    momentum: float = knob(0.9, "Momentum mu.", low=0, high=1, open_high=True)
    weight_decay: float = knob(1e-4, "Weight decay, on all parameters.", low=0, high=10,
                               source="Pruning Close to Home, section 4: 1e-4")
    nesterov: bool = knob(False, "Nesterov's form of momentum.", advanced=True)

    def check(self) -> None:
        """Nesterov needs momentum."""
        if self.nesterov and self.momentum == 0:
            raise BadInput("sgd.nesterov needs sgd.momentum above 0. Raise the momentum or switch nesterov off.")


@dataclass(frozen=True, kw_only=True)
class ScheduleSpec(Spec, family="schedule", package="lth_engine.specs.training"):
    """The learning rate over training, as a factor of its top value."""

    def factor(self, step: int, total: int, steps_per_epoch: int) -> float:
        """Factor on the learning rate at optimizer step `step` (from 0) of `total`."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Cosine(ScheduleSpec, name="cosine"):
    """Half a cosine from 1 to `floor`, step by step (Loshchilov & Hutter 2017, no restarts)."""

    title: ClassVar[str] = "Cosine"
    floor: float = knob(0.0, "Factor at the end.", low=0, high=1, advanced=True)

    def factor(self, step: int, total: int, steps_per_epoch: int) -> float:
        """See :meth:`ScheduleSpec.factor`."""
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * step / total))


@dataclass(frozen=True, kw_only=True)
class MultiStep(ScheduleSpec, name="multistep"):
    """Multiplied by `gamma` at each milestone."""

    title: ClassVar[str] = "Multi-step"
    milestones: tuple[Step, ...] = knob((Step(80), Step(120)), "Points at which the rate drops, like 80ep 120ep.")
    gamma: float = knob(0.1, "Factor of each drop.", low=0, open_low=True, high=1)

    def factor(self, step: int, total: int, steps_per_epoch: int) -> float:
        """See :meth:`ScheduleSpec.factor`."""
        return float(self.gamma ** sum(step >= m.iterations(steps_per_epoch) for m in self.milestones))


@dataclass(frozen=True, kw_only=True)
class Constant(ScheduleSpec, name="constant"):
    """The same rate throughout."""

    title: ClassVar[str] = "Constant"

    def factor(self, step: int, total: int, steps_per_epoch: int) -> float:
        """See :meth:`ScheduleSpec.factor`."""
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Training(Spec, family="training", name="training", package="lth_engine.training"):
    """One training from start to end."""

    title: ClassVar[str] = "Training"
    length: Step = knob(Step(20), "Length of training, like 20ep or 5000it.")
    batch_size: int = knob(128, "Images in a step; the last step of an epoch may have fewer.", low=1, high=65_536)
    optimizer: OptimizerSpec = knob(Sgd(), "Optimizer.")
    schedule: ScheduleSpec = knob(Cosine(), "Learning-rate schedule.",
                                  source="Pruning Close to Home, section 4: cosine over the training")
    warmup: Step = knob(Step(0, "it"), "Linear rise of the learning rate from 0 at the start.", advanced=True)
    flip: bool = knob(False, "Mirror each image left to right with probability 1/2.")
    crop: int = knob(0, "Shift each image by up to this many pixels, filled with zeros (4 is usual for CIFAR).",
                     low=0, high=64, unit="pixels")
    precision: str = knob("float32", "Number format of the forward pass.", choices=("float32", "bfloat16"),
                          advanced=True)
    compile: bool = knob(False, "Compile the network with torch.compile; needs a C++ compiler on a CPU.",
                         advanced=True)
    evaluate_every: Step = knob(Step(1), "How often validation and test accuracy are measured; 0ep: only at the end.",
                                advanced=True)

    def check(self) -> None:
        """A training has at least one step."""
        if self.length.count == 0:
            raise BadInput('training.length must be at least "1it". Got 0.')
        if self.warmup.unit == self.length.unit and self.warmup.count > self.length.count:
            raise BadInput(f"training.warmup ({self.warmup}) is longer than training.length ({self.length}).")

    def require_before_end(self, rewind: Step) -> None:
        """Refuse a rewind point that is not before the end, as far as that is known without the data."""
        if rewind.unit == self.length.unit and rewind.count >= self.length.count:
            raise _too_late(rewind, self.length)

    def span(self, rewind: Step, steps_per_epoch: int) -> tuple[int, int]:
        """First and last optimizer step of a training that continues at `rewind`.

        Raises:
            BadInput: the rewind point is not before the end, or the warm-up is longer than the training.
        """
        start, total = rewind.iterations(steps_per_epoch), self.length.iterations(steps_per_epoch)
        if start >= total:
            raise _too_late(rewind, self.length)
        if self.warmup.iterations(steps_per_epoch) > total:
            raise BadInput(f"training.warmup ({self.warmup}) is longer than the training ({self.length}). Shorten it.")
        return start, total

    def learning_rate(self, step: int, total: int, steps_per_epoch: int) -> float:
        """Learning rate at optimizer step `step` (from 0) of `total`, warm-up included."""
        warm = self.warmup.iterations(steps_per_epoch)
        rise = min(1.0, (step + 1) / warm) if warm else 1.0
        return self.optimizer.lr * rise * self.schedule.factor(step, total, steps_per_epoch)


def _too_late(rewind: Step, length: Step) -> BadInput:
    return BadInput(f"The rewind point ({rewind}) is not before the end of training ({length}). "
                    "Lower search.rewind or train longer.")
