"""What ranks the weights of a network: the lowest scores are pruned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.specs.objectives import ObjectiveSpec, ReverseKl


@dataclass(frozen=True, kw_only=True)
class ScorerSpec(Spec, family="scorer", package="lth_engine.scorers"):
    """Ranks weights: the lowest scores are pruned."""

    needs_training: ClassVar[bool]
    """Whether the score is read from a trained network."""

    @property
    def passes(self) -> float:
        """How often its images are shown to the network, forward and backward, for one mask; 0 if it reads weights
        alone."""
        return 0

    @property
    def steps(self) -> int:
        """Rounds in which the mask is reached, each by a score of the network that the round before left."""
        return 1


@dataclass(frozen=True, kw_only=True)
class Magnitude(ScorerSpec, name="magnitude"):
    """The absolute value of the trained weight (Han et al. 2015; "large_final" of Zhou et al. 2019)."""

    title: ClassVar[str] = "Magnitude"
    needs_training: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class SmallMagnitude(ScorerSpec, name="small_magnitude"):
    """Minus the absolute value of the trained weight: the control that keeps the smallest ("small_final" of Zhou et
    al. 2019)."""

    title: ClassVar[str] = "Small magnitude"
    needs_training: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class RandomScore(ScorerSpec, name="random"):
    """A random number for each weight: the control that knows nothing."""

    title: ClassVar[str] = "Random"
    needs_training: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class AtStart(ScorerSpec):
    """Looks at the network where the search starts: at initialisation, or at the rewind point."""

    needs_training: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class StartMagnitude(AtStart, name="start_magnitude"):
    """The absolute value of the weight at the rewind point: the naive baseline of pruning at initialisation."""

    title: ClassVar[str] = "Magnitude at the start"


class InRounds(ScorerSpec):
    """Reaches the mask in several rounds, and shows its images once in each."""

    rounds: int

    @property
    def passes(self) -> float:
        """See :attr:`ScorerSpec.passes`."""
        return self.rounds

    @property
    def steps(self) -> int:
        """See :attr:`ScorerSpec.steps`."""
        return self.rounds


@dataclass(frozen=True, kw_only=True)
class OnImages(InRounds, AtStart):
    """Shows the network some images; it stays as it was, its statistics included."""

    images: int = knob(10, "Images of each class that the score is taken over (all, if a class has fewer).", low=1,
                       high=100_000, source="Ten a class in the code of SynFlow, 25 in that of GraSP")
    norm_statistics: str = knob("running", "Statistics of batch normalisation: the running ones of the start, or "
                                "those of each batch.", choices=("running", "batch"), advanced=True,
                                source="running in the code of SynFlow, batch in that of GraSP and TurboPrune")
    rounds: int = knob(1, "Rounds in which the density is reached, each by a score of what the round before left; the "
                       "density falls by the same factor in each.", low=1, high=10_000, advanced=True,
                       source="Tanaka et al. 2020, algorithm 1; 1 is the score as it was published")


@dataclass(frozen=True, kw_only=True)
class Snip(OnImages, name="snip"):
    """How much the loss changes if the weight goes, to first order: |w dL/dw| (Lee et al. 2019)."""

    title: ClassVar[str] = "SNIP"


@dataclass(frozen=True, kw_only=True)
class Grasp(OnImages, name="grasp"):
    """What the weight does for the flow of the gradient: w (H g), the largest of which stay (Wang et al. 2020).
    Concrete Ticket Search prints it with the other sign, and then removes the largest."""

    title: ClassVar[str] = "GraSP"
    temperature: float = knob(200.0, "The logits are divided by it.", low=0, open_low=True, high=1e6, advanced=True,
                              source="Wang et al. 2020, in their code")

    @property
    def passes(self) -> float:
        """Two gradients and one product with the Hessian, each as much as a pass."""
        return 3 * self.rounds


@dataclass(frozen=True, kw_only=True)
class Synflow(InRounds, AtStart, name="synflow"):
    """Synaptic flow: |w dR/dw| of R, the sum of the outputs for an image of ones with all parameters made positive;
    no data is needed (Tanaka et al. 2020). In float64, and the network stays as it was."""

    title: ClassVar[str] = "SynFlow"
    rounds: int = knob(100, "Rounds in which the density is reached; it falls by the same factor in each.", low=1,
                       high=10_000, source="Tanaka et al. 2020, section 6: 100, exponential schedule")


@dataclass(frozen=True, kw_only=True)
class Saliency(OnImages, name="saliency"):
    """First-order saliency of any objective: |dR/ds| at an overlay s = 1 + noise on the weights, without which an
    objective that compares with the dense network has no gradient (Concrete Ticket Search, section V-E)."""

    title: ClassVar[str] = "Saliency of an objective"
    objective: ObjectiveSpec = knob(ReverseKl(), "Objective R.")
    sigma: float = knob(0.06, "Deviation of the noise on the overlay.", low=0, high=10,
                        source="Concrete Ticket Search, section V-E")

    def check(self) -> None:
        """An objective that compares with the dense network needs a network that differs from it."""
        if self.sigma == 0 and self.objective.compares:
            raise BadInput(f"saliency.sigma must be above 0 for the objective {self.objective.name}, which compares "
                           "with the dense network and has no gradient there. Raise it (0.06 is usual).")

    @property
    def passes(self) -> float:
        """Those of the objective in each round; three forward passes are one forward and backward."""
        return self.rounds * self.objective.passes / 3
