"""How a ticket is found: what is done in each round. Searches that learn their mask are in `mask_learners`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.core.step import Step
from lth_engine.specs.scorers import AtStart, Magnitude, ScorerSpec
from lth_engine.specs.training import Training


@dataclass(frozen=True, kw_only=True)
class SearchSpec(Spec, family="search", package="lth_engine.specs.finding"):
    """A way to find tickets. Level 0 is dense; level L keeps round(N (1 - fraction)^L) of N weights."""

    fraction: float = knob(0.2, "Fraction of the remaining weights that each level removes.", low=0, open_low=True,
                           high=1, open_high=True, source="Frankle & Carbin 2019 and all four papers: 0.2")
    scope: str = knob(
        "global", "Rank all layers together (global), prune each by the same fraction (layerwise), or share the kept "
        "weights out among the layers beforehand: erk by the sizes of their sides, balanced the same number for each, "
        "smart_ratio at a density that falls from layer to layer (smart_ratio_vgg faster, for networks without "
        "shortcuts).",
        choices=("global", "layerwise", "erk", "balanced", "smart_ratio", "smart_ratio_vgg"),
        source="erk: Evci et al. 2020; smart_ratio: Su et al. 2020, section 4")
    ignore: tuple[str, ...] = knob((), "Parameters that stay dense, by name (e.g. fc.weight).", advanced=True)
    rewind: Step = knob(Step(0, "it"), "Point of the dense training that each level starts from; 0it is the "
                        "initialisation.", source="Frankle et al. 2020; Pruning Close to Home uses 2ep of 200")
    rule: str = knob("exact", "How many weights a level keeps: the exact count of this lab, or those of public code: "
                     "open_lth removes one more a round, aws rounds each round down, kthvalue rounds the total down.",
                     choices=("exact", "open_lth", "aws", "kthvalue"), advanced=True, added=True)

    continues: ClassVar[bool] = False
    """Whether the kept weights go on from the end of the level before, rather than back to the rewind point."""
    learns: ClassVar[bool] = False
    """Whether the mask is learned in a search of its own (see `mask_learners`)."""
    brought: ClassVar[bool] = False
    """Whether the tickets come from files (see `imported`), so that nobody chooses it in a form."""

    def check(self) -> None:
        """Shares are exact counts, so no other rule goes with them."""
        if self.shares_out and self.rule != "exact":
            raise BadInput(f"search.scope {self.scope} gives each layer an exact count, with which search.rule "
                           f"{self.rule} does not go. Choose search.rule exact, or search.scope global or layerwise.")

    @property
    def shares_out(self) -> bool:
        """Whether each layer has a count of its own, given beforehand."""
        return self.scope not in ("global", "layerwise")

    @property
    def independent(self) -> bool:
        """Whether the mask depends on no training but that to the rewind point."""
        return self.learns

    def density(self, level: int) -> float:
        """Fraction kept at a level, in (0, 1]."""
        return float(self.exact_density(level))

    def kept(self, level: int, prunable: int) -> int:
        """Exact number of weights kept at a level out of `prunable`: absolute, so that rounding does
        not add up over the levels."""
        return round(self.exact_density(level) * prunable)

    def reads_level(self, level: int) -> int | None:
        """The level whose trained weights decide the mask of `level`; None if no training does."""
        raise NotImplementedError

    def search_training(self, training: Training) -> Training:
        """The training of the mask search, given the one that was asked for."""
        return training

    def exact_density(self, level: int) -> Fraction:
        """Fraction kept at a level, without rounding."""
        return (1 - Fraction(str(self.fraction))) ** level


@dataclass(frozen=True, kw_only=True)
class Ranking(SearchSpec):
    """A search that ranks weights by a score."""

    scorer: ScorerSpec = knob(Magnitude(), "What ranks the weights.")

    @property
    def independent(self) -> bool:
        """Where the score looks at the network as it starts."""
        return isinstance(self.scorer, AtStart) and not self.continues


@dataclass(frozen=True, kw_only=True)
class Imp(Ranking, name="imp"):
    """Iterative magnitude pruning: train, remove the smallest weights, put the rest back to their
    values at the rewind point, and repeat (Frankle & Carbin 2019; rewinding: Frankle et al. 2020)."""

    title: ClassVar[str] = "Iterative magnitude pruning (IMP)"
    scorer: ScorerSpec = knob(Magnitude(), "What ranks the weights.", added=True, advanced=True,
                              source="PAC-Bayesian view, table 2: large_final, small_final, random")

    def reads_level(self, level: int) -> int | None:
        """The level before, if the score is read from a trained network."""
        return level - 1 if self.scorer.needs_training else None


@dataclass(frozen=True, kw_only=True)
class Lrr(Ranking, name="lrr"):
    """Learning-rate rewinding: train, remove the smallest weights, and train on from where they are, with the learning
    rate back at the rewind point (Renda et al. 2020). A mask search of its own with a constant rate is the form that
    Find a Winning Sign uses: a warm-up, a short training a level, then sparse training from the last weights."""

    title: ClassVar[str] = "Learning-rate rewinding (LRR)"
    continues: ClassVar[bool] = True
    scorer: ScorerSpec = knob(Magnitude(), "What ranks the weights.", advanced=True)

    def reads_level(self, level: int) -> int | None:
        """The level before, whose weights go on."""
        return level - 1


@dataclass(frozen=True, kw_only=True)
class Aws(Lrr, name="aws"):
    """Find a Winning Sign: learning-rate rewinding in which each step of the mask search sees the normalisation
    parameters at a random point between their own values and their initial ones (algorithm 1). The paper trains with a
    constant rate, for 10 epochs before the first level and at each level: a mask search of its own."""

    title: ClassVar[str] = "Find a Winning Sign (AWS)"

    def search_training(self, training: Training) -> Training:
        """With interpolated normalisation parameters (equation 2)."""
        return training.replace(interpolate_norms=True)


@dataclass(frozen=True, kw_only=True)
class OneShot(Ranking, name="one_shot"):
    """All weights are removed at once, by the chosen score, from one dense training (or none)."""

    title: ClassVar[str] = "One-shot pruning"

    def reads_level(self, level: int) -> int | None:
        """The dense network, if the score is read from a trained one."""
        return 0 if self.scorer.needs_training else None
