"""Searches that learn a mask over frozen weights (or beside them), near the start of training.

Each learns one score a weight (:class:`lth_engine.specs.tickets.LearnedMask`); a level keeps the weights of the
highest scores, exactly as many as its density says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.step import Step
from lth_engine.specs.finding import SearchSpec
from lth_engine.specs.objectives import ObjectiveSpec, ReverseKl


@dataclass(frozen=True, kw_only=True)
class MaskLearner(SearchSpec, package="lth_engine.finders"):
    """A search that learns its mask by gradient descent."""

    learns: ClassVar[bool] = True
    each_level: ClassVar[bool] = True
    """Whether every level is a search of its own; else one search is cut at all densities."""

    length: Step = knob(Step(20), "Length of the search, like 20ep or 5000it.")
    batch_size: int = knob(512, "Images in a step of the search.", low=1, high=65_536)
    lr: float = knob(0.1, "Learning rate of what is learned.", low=0, open_low=True, high=1000)
    flip: bool = knob(False, "Mirror each image left to right with probability 1/2 during the search.", advanced=True)
    crop: int = knob(0, "Shift each image by up to this many pixels during the search.", low=0, high=64, unit="pixels",
                     advanced=True)

    def check(self) -> None:
        """A search has at least one step."""
        super().check()
        if self.length.count == 0:
            raise BadInput(f'{self.name}.length must be at least "1it". Got 0.')

    def require_length(self, steps_per_epoch: int) -> None:
        """Refuse a length in which the search cannot do its work. Raises BadInput."""

    def reads_level(self, level: int) -> int | None:
        """None: no training decides the mask, but that to the rewind point."""
        return None

    @property
    def passes(self) -> int:
        """What a step costs, in forward passes of its batch: one forward and one backward, which is two."""
        return 3


@dataclass(frozen=True, kw_only=True)
class Cts(MaskLearner, name="cts"):
    """Concrete Ticket Search: the weights stay frozen, and the probability to keep each is learned through a concrete
    relaxation of the mask, until as many are likely to be kept as the density says (algorithms 1 to 3)."""

    title: ClassVar[str] = "Concrete ticket search (CTS)"
    length: Step = knob(Step(20), "Length of the search. CTS takes as long as training (160ep), Quick CTS an eighth "
                        "of it (20ep), Half CTS a half.", source="Concrete Ticket Search, section V-A")
    objective: ObjectiveSpec = knob(ReverseKl(), "What the ticket should do well.",
                                    source="Concrete Ticket Search: reverse KL is best")
    balance: str = knob("gradbalance", "How the density is held: by balancing the gradients of objective and density "
                        "(GradBalance), or by a Lagrange multiplier.", choices=("gradbalance", "lagrange"))
    smoothing: float = knob(0.9, "GradBalance: share of the balancer before that each step keeps.", low=0, high=1,
                            open_high=True, advanced=True, source="not said in the paper; as momentum")
    multiplier_lr: float = knob(0.01, "Lagrange: learning rate of the multiplier (Adam).", low=0, open_low=True,
                                high=100, advanced=True, source="not said in the paper: tuned there")
    temperature: float = knob(2 / 3, "Temperature of the concrete distribution.", low=0, open_low=True, high=100,
                              advanced=True, source="Concrete Ticket Search, section V-A: 2/3, never annealed")
    slack: float = knob(1.1, "The search is held at this times the density, so that the constraint is not too rigid; "
                        "the mask has the density itself.", low=1, high=10, advanced=True,
                        source="Concrete Ticket Search, section IV-B: kappa_eff = 1.1 kappa")
    begin: str = knob("density", "Probability to keep that every weight begins with: the density (algorithm 3), or "
                      "that times the slack, so that the constraint begins at zero (as the text says).",
                      choices=("density", "held"), advanced=True)
    drop_at: float = knob(0.9, "Share of the search after which the learning rate drops to a tenth.", low=0, high=1,
                          advanced=True, source="Concrete Ticket Search, section V-A")
    norm_statistics: str = knob("batch", "Statistics of batch normalisation during the search: those of each batch, "
                                "or the running ones of the start.", choices=("batch", "running"), advanced=True,
                                source="Concrete Ticket Search, section V-A: no running statistics")

    @property
    def passes(self) -> int:
        """See :attr:`MaskLearner.passes`."""
        return self.objective.passes


@dataclass(frozen=True, kw_only=True)
class EdgePopup(MaskLearner, name="edge_popup"):
    """Edge-popup: a score for each frozen weight, learned straight through the mask of the highest scores of each
    layer (Ramanujan et al. 2020). It looks for a network that works untrained; with model.init signed_constant it is
    theirs."""

    title: ClassVar[str] = "Edge-popup"
    batch_size: int = knob(256, "Images in a step of the search.", low=1, high=65_536)
    scope: str = knob("layerwise", "Rank all layers together, or keep the same share of each layer (as published).",
                      choices=("layerwise", "global"))
    weight_decay: float = knob(5e-4, "Weight decay of the scores.", low=0, high=10, advanced=True,
                               source="Sreenivasan et al. 2022, their configuration of edge-popup")
    momentum: float = knob(0.9, "Momentum.", low=0, high=1, open_high=True, advanced=True)
    scale_fan: bool = knob(True, "Weights count as larger by 1 / sqrt(density) during the search, since fewer inputs "
                           "are left.", advanced=True, source="Ramanujan et al. 2020: scaled Kaiming constant")


@dataclass(frozen=True, kw_only=True)
class GemMiner(MaskLearner, name="gem_miner"):
    """Gem-Miner: scores in [0, 1] over frozen weights, rounded to a mask in the forward pass; the lowest are frozen
    out every few epochs until the density is reached (Sreenivasan et al. 2022, algorithm 1)."""

    title: ClassVar[str] = "Gem-Miner"
    length: Step = knob(Step(20), "Length of the search (150ep in the paper).")
    batch_size: int = knob(128, "Images in a step of the search.", low=1, high=65_536)
    period: Step = knob(Step(1), "How often the lowest scores are frozen out (5ep of 150 in the paper).",
                        source="Sreenivasan et al. 2022: every 5 epochs")
    penalty: float = knob(1e-4, "Factor of the squared norm of the scores in the loss.", low=0, high=10, advanced=True,
                          source="Sreenivasan et al. 2022, their code")
    momentum: float = knob(0.9, "Momentum.", low=0, high=1, open_high=True, advanced=True)

    def check(self) -> None:
        """A period is some steps."""
        super().check()
        if self.period.count == 0:
            raise BadInput('gem_miner.period must be at least "1it". Got 0.')

    def times(self, steps_per_epoch: int) -> int:
        """How often scores are frozen out: after every period that ends before the search does."""
        return (self.length.iterations(steps_per_epoch) - 1) // self.period.iterations(steps_per_epoch)

    def require_length(self, steps_per_epoch: int) -> None:
        """See :meth:`MaskLearner.require_length`."""
        if self.times(steps_per_epoch) == 0:
            raise BadInput(f"gem_miner freezes weights out after every {self.period}, but the search of {self.length} "
                           "ends before the first time. Make search.length longer than search.period.")


@dataclass(frozen=True, kw_only=True)
class ContinuousSparsification(MaskLearner, name="continuous_sparsification"):
    """Continuous sparsification: weights and a soft mask sigmoid(beta s) are trained together while beta grows, in
    rounds that keep what the round before suppressed; then the weights go back to the start (Savarese et al. 2020)."""

    title: ClassVar[str] = "Continuous sparsification"
    each_level: ClassVar[bool] = False
    batch_size: int = knob(128, "Images in a step of the search.", low=1, high=65_536)
    rounds: int = knob(3, "Rounds; the length is that of each.", low=1, high=100, source="Savarese et al. 2020: 3")
    begin: float = knob(0.0, "Score s that every weight begins with: lower ones give sparser soft masks.", low=-20,
                        high=20, source="Savarese et al. 2020: -0.3 to 0.3")
    hardness: float = knob(200.0, "beta in the last epoch of a round; it grows from 1 by the same factor each epoch.",
                           low=1, high=1e6, advanced=True, source="Savarese et al. 2020")
    penalty: float = knob(1e-8, "Factor of the sum of the soft mask in the loss.", low=0, high=10, advanced=True,
                          source="Savarese et al. 2020")
    weight_decay: float = knob(1e-4, "Weight decay of the weights (not of the scores).", low=0, high=10, advanced=True)
    momentum: float = knob(0.9, "Momentum, in Nesterov's form.", low=0, high=1, open_high=True, advanced=True)
