"""Terms that are added to the training loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec


@dataclass(frozen=True, kw_only=True)
class TermSpec(Spec, family="term", package="lth_engine.training.terms"):
    """A term of the loss over the kept prunable weights; biases and normalisation are left out."""

    anchor: ClassVar[str] = ""
    """What the weights are compared with: "initial" weights, those at the "rewind" point, or nothing."""


@dataclass(frozen=True, kw_only=True)
class NoTerm(TermSpec, name="none"):
    """Cross-entropy alone."""

    title: ClassVar[str] = "None"


@dataclass(frozen=True, kw_only=True)
class L2Init(TermSpec, name="l2_init"):
    """strength x squared L2 distance of the kept weights from their initial values
    (PAC-Bayesian view, section 4.3)."""

    title: ClassVar[str] = "L2 distance from the initialisation"
    anchor: ClassVar[str] = "initial"
    strength: float = knob(2e-4, "Factor lambda of the squared distance.", low=0, high=1000,
                           source="PAC-Bayesian view, section 4.3: about 2e-4 at a learning rate of 0.1")


@dataclass(frozen=True, kw_only=True)
class L2Norm(TermSpec, name="l2_norm"):
    """strength x squared L2 norm of the kept weights (PAC-Bayesian view, section 4.3): weight decay of
    2 x strength on prunable weights."""

    title: ClassVar[str] = "L2 norm"
    strength: float = knob(2e-4, "Factor lambda of the squared norm.", low=0, high=1000,
                           source="PAC-Bayesian view, section 4.3: about 2e-4 at a learning rate of 0.1")


@dataclass(frozen=True, kw_only=True)
class LearningDistance(TermSpec, name="learning_distance"):
    """tau x L2 distance (not squared) of the kept weights from the rewind point
    (Pruning Close to Home, section 6, with equation 2)."""

    title: ClassVar[str] = "Learning distance"
    anchor: ClassVar[str] = "rewind"
    tau: float = knob(0.01, "Factor tau of the distance.", low=0, high=1000,
                      source="Pruning Close to Home, section 6: among 0.001, 0.005, 0.01, 0.05")
