"""What is done at each step to end in a flat minimum (PAC-Bayesian view, section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec


@dataclass(frozen=True, kw_only=True)
class FlatnessSpec(Spec, family="flatness", package="lth_engine.training.flatness"):
    """Where the gradient of a step is taken, and what is added to the weights after it."""

    passes: ClassVar[int] = 1
    """Forward and backward passes of one step."""


@dataclass(frozen=True, kw_only=True)
class NoFlatness(FlatnessSpec, name="none"):
    """Nothing: the gradient at the weights themselves."""

    title: ClassVar[str] = "None"


@dataclass(frozen=True, kw_only=True)
class Sam(FlatnessSpec, name="sam"):
    """Sharpness-aware minimisation: the gradient is taken at the worst point within `rho`, to first order
    (Foret et al. 2021). Pruned weights stay zero at that point too; normalisation and biases take part."""

    title: ClassVar[str] = "SAM"
    passes: ClassVar[int] = 2
    rho: float = knob(0.05, "Radius: L2 norm of the step to the worst point.", low=0, open_low=True, high=100,
                      source="Foret et al. 2021; PAC-Bayesian view picks among 0.05, 0.1, 0.2, 0.5")


@dataclass(frozen=True, kw_only=True)
class Nvrm(FlatnessSpec, name="nvrm"):
    """Neural variable risk minimisation: Gaussian noise on the weights, drawn anew at each step and taken away at the
    end of each epoch and before each evaluation (Xie et al. 2021). Pruned weights get none."""

    title: ClassVar[str] = "NVRM"
    scale: float = knob(0.018, "Standard deviation b of the noise.", low=0, open_low=True, high=10,
                        source="PAC-Bayesian view, section 4.2: among 0.014, 0.018, 0.022, 0.026")
