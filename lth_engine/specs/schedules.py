"""Schedules: the learning rate over training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.core.step import Step


@dataclass(frozen=True, kw_only=True)
class ScheduleSpec(Spec, family="schedule", package="lth_engine.specs.schedules"):
    """The learning rate over training, as a factor of its top value."""

    def factor(self, step: int, total: int, steps_per_epoch: int) -> float:
        """Factor on the learning rate at optimizer step `step` (from 0) of `total`."""
        raise NotImplementedError

    def stretched(self, by: float) -> ScheduleSpec:
        """The schedule of a training of `by` times as many epochs."""
        return self


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

    def stretched(self, by: float) -> MultiStep:
        """See :meth:`ScheduleSpec.stretched`."""
        return self.replace(milestones=tuple(m.stretched(by) for m in self.milestones))


@dataclass(frozen=True, kw_only=True)
class Constant(ScheduleSpec, name="constant"):
    """The same rate throughout."""

    title: ClassVar[str] = "Constant"

    def factor(self, step: int, total: int, steps_per_epoch: int) -> float:
        """See :meth:`ScheduleSpec.factor`."""
        return 1.0
