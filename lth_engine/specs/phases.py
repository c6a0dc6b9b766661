"""The phases of a search, and what each trains with.

Sparse training is the training of the tickets that are reported. Pretraining (to the rewind point) and the mask search
(the trainings that the masks are read from) do the same, unless they have settings of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.specs.training import Training


@dataclass(frozen=True, kw_only=True)
class PhaseSpec(Spec, family="phase", package="lth_engine.specs.phases"):
    """How a phase trains."""

    def training_like(self, sparse: Training) -> Training:
        """The training of the phase, given that of the sparse training."""
        raise NotImplementedError

    def setting(self, phase: str) -> str:
        """Under what name the user sets the training of a phase."""
        return "training"


@dataclass(frozen=True, kw_only=True)
class Same(PhaseSpec, name="same"):
    """The same as the training of the tickets that are reported."""

    title: ClassVar[str] = "As in Training"

    def training_like(self, sparse: Training) -> Training:
        """See :meth:`PhaseSpec.training_like`."""
        return sparse


@dataclass(frozen=True, kw_only=True)
class Own(PhaseSpec, name="own"):
    """Settings of its own; a shorter length is a budget, with the schedule compressed to it."""

    title: ClassVar[str] = "Settings of its own"
    training: Training = knob(Training(), "Training of this phase.")

    def training_like(self, sparse: Training) -> Training:
        """See :meth:`PhaseSpec.training_like`."""
        return self.training

    def setting(self, phase: str) -> str:
        """See :meth:`PhaseSpec.setting`."""
        return f"{phase}.training"
