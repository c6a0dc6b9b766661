"""Objectives: what a masked network near its start should do well, as a number of a batch that is to be small.

`student` is the masked network, `teacher` the same network with all weights (Concrete Ticket Search, section IV-C).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec


@dataclass(frozen=True, kw_only=True)
class ObjectiveSpec(Spec, family="objective", package="lth_engine.objectives"):
    """A number of a masked network on a batch; lower is better."""

    compares: ClassVar[bool] = False
    """Whether the dense network is shown the batch too."""
    passes: ClassVar[int] = 3
    """What its value and gradient cost, in forward passes: a backward pass is two, a gradient of a gradient six."""


@dataclass(frozen=True, kw_only=True)
class TaskLoss(ObjectiveSpec, name="task_loss"):
    """Cross-entropy of the masked network, in nats."""

    title: ClassVar[str] = "Task loss"


@dataclass(frozen=True, kw_only=True)
class LossChange(ObjectiveSpec, name="loss_change"):
    """Relative change of the loss, |L / L_dense - 1|."""

    title: ClassVar[str] = "Relative change of the loss"
    passes: ClassVar[int] = 4
    compares: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class GradientNorm(ObjectiveSpec, name="gradient_norm"):
    """Minus the norm of the gradient of the loss, -|dL/dw|."""

    title: ClassVar[str] = "Negative gradient norm"
    passes: ClassVar[int] = 9
    of: str = knob("weights", "With respect to the weights w under the mask, so that what is masked has no gradient, "
                   "or to the masked weights s w themselves.", choices=("weights", "masked"), advanced=True,
                   source="not said in the paper; weights is closest to GraSP")


@dataclass(frozen=True, kw_only=True)
class ReverseKl(ObjectiveSpec, name="reverse_kl"):
    """Reverse divergence KL(student || teacher) of the predicted classes, in nats, mean over the batch."""

    title: ClassVar[str] = "Reverse KL divergence"
    passes: ClassVar[int] = 4
    compares: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class FeatureMatching(ObjectiveSpec, name="feature_matching"):
    """Mean square difference of the normalised features of student and teacher, mean over layers."""

    title: ClassVar[str] = "Feature matching"
    passes: ClassVar[int] = 4
    compares: ClassVar[bool] = True
    layers: str = knob("normalised", "What counts as the features of a layer: its output after the normalisation that "
                       "follows (if one does), or before it.", choices=("normalised", "raw"), advanced=True,
                       source="not said in the paper")


@dataclass(frozen=True, kw_only=True)
class GradientMatching(ObjectiveSpec, name="gradient_matching"):
    """Mean square difference of the normalised gradients of student and teacher, mean over layers."""

    title: ClassVar[str] = "Gradient matching"
    passes: ClassVar[int] = 12
    compares: ClassVar[bool] = True
    of: str = knob("weights", "With respect to the weights w under the mask, or to the masked weights s w themselves.",
                   choices=("weights", "masked"), advanced=True, source="not said in the paper")
