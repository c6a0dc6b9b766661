"""Optimizers: what turns gradients into steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec


@dataclass(frozen=True, kw_only=True)
class OptimizerSpec(Spec, family="optimizer", package="lth_engine.training.optimizers"):
    """Turns gradients into steps."""

    lr: float = knob(0.1, "Learning rate at the top of the schedule.", low=0, open_low=True, high=1000,
                     source="Pruning Close to Home, section 4: 0.1")


@dataclass(frozen=True, kw_only=True)
class Sgd(OptimizerSpec, name="sgd"):
    """Stochastic gradient descent with momentum, in torch's form or the paper's."""

    title: ClassVar[str] = "SGD"
    momentum: float = knob(0.9, "Momentum mu.", low=0, high=1, open_high=True)
    weight_decay: float = knob(1e-4, "Weight decay, on all parameters.", low=0, high=10,
                               source="Pruning Close to Home, section 4: 1e-4")
    nesterov: bool = knob(False, "Nesterov's form of momentum.", advanced=True)
    form: str = knob("torch", "Where the learning rate stands: v = mu v + g, w -= lr v (torch), or v = mu v - lr g, "
                     "w += v (paper); they differ only while the rate changes.", choices=("torch", "paper"),
                     source="Pruning Close to Home, equations 3 and 4", advanced=True, added=True)

    def check(self) -> None:
        """Nesterov needs momentum, and stands in torch's form."""
        if self.nesterov and self.momentum == 0:
            raise BadInput("sgd.nesterov needs sgd.momentum above 0. Raise the momentum or switch nesterov off.")
        if self.nesterov and self.form == "paper":
            raise BadInput('sgd.nesterov is defined in the form "torch" only. Got "paper". Switch nesterov off.')


@dataclass(frozen=True, kw_only=True)
class Adam(OptimizerSpec, name="adam"):
    """Adam (Kingma & Ba 2015) with weight decay in the gradient, as Find a Winning Sign uses it on ImageNet."""

    title: ClassVar[str] = "Adam"
    lr: float = knob(1e-3, "Learning rate at the top of the schedule.", low=0, open_low=True, high=1000,
                     source="Kingma & Ba 2015; AWS code, optim/utils.py: 1e-3")
    beta1: float = knob(0.9, "Decay of the mean of the gradient.", low=0, high=1, open_high=True, advanced=True)
    beta2: float = knob(0.999, "Decay of the mean of its square.", low=0, high=1, open_high=True, advanced=True)
    epsilon: float = knob(1e-8, "Added to the denominator.", low=0, open_low=True, high=1, advanced=True)
    weight_decay: float = knob(0.0, "Weight decay, added to the gradient of all parameters.", low=0, high=10)
