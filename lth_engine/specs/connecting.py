"""Questions about lines between trained networks: linear mode connectivity (Pruning Close to Home, section 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any, ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob, knobs
from lth_engine.core.seeds import derive
from lth_engine.core.spec import Spec
from lth_engine.specs.question import Question
from lth_engine.specs.questions import CONTROLS, TicketSearch
from lth_engine.specs.tickets import DERIVED_HIGH, Run

FEWEST = 200
"""Bootstrap samples at least: five of them then lie beyond each end of a 95% interval."""


@dataclass(frozen=True, kw_only=True)
class OnLines(Question):
    """How the points of a line are measured; shared by all questions about lines."""

    points: int = knob(101, "Equally spaced points on the line, the two ends included.", low=3, high=2001,
                       source="Pruning Close to Home, Eq. 1")
    adaptive: bool = knob(False, "Measure only those of the points at which the barrier can still be; the others are "
                          "left out of the curve, and the interval of the barrier speaks of those measured alone.")
    norm_statistics: str = knob(
        "recalibrated", "Running statistics of normalisation at each point: re-estimated on the training images "
        "without augmentation, interpolated like weights, or those of each batch that is evaluated.",
        choices=("recalibrated", "interpolated", "batch"),
        source="Find a Winning Sign re-estimates them (on augmented images)")
    training_images: bool = knob(True, "Measure on the training images too, with their true labels.")
    mask: str = knob("union", "Which weights lie on the line: all that one of the two keeps, pruned ones being 0 at "
                     "their end (so it is without masks, too), or only those that both keep.",
                     choices=("union", "intersection"), advanced=True)
    resamples: int = knob(1000, "Bootstrap samples of the test images behind the interval of the barrier.", low=0,
                          high=100_000, advanced=True)
    seed: int = knob(0, "Seed of the bootstrap.", low=0, high=DERIVED_HIGH, advanced=True)

    def check(self) -> None:
        """A handful of resamples has no 2.5% tail."""
        if 0 < self.resamples < FEWEST:
            raise BadInput(f"resamples must be 0 (no interval) or at least {FEWEST}. Got {self.resamples}.")

    @property
    def evaluations(self) -> int:
        """Points of a line that are measured: all, or in the adaptive mode a third of them, but 13 if there are."""
        return max(self.points // 3, min(self.points, 13)) if self.adaptive else self.points

    def line(self, first: Run, second: Run) -> Connectivity:
        """The line between two runs, measured in this way."""
        return Connectivity(first=first, second=second, **{k.name: getattr(self, k.name) for k in knobs(OnLines)})


@dataclass(frozen=True, kw_only=True)
class Connectivity(OnLines, name="connectivity"):
    """Error and loss on the straight line between the networks that two runs ended with, and the barrier.

    The place alpha is the share of the second network: 0 is the first, 1 the second. Weights are interpolated as they
    act, pruned ones as 0, so the two masks may differ; so are all other parameters, those of normalisation included.
    The two ends are measured in the same way as every point between them.
    """

    title: ClassVar[str] = "Linear connectivity"
    revision: ClassVar[int] = 2
    first: Run = knob(Run(), "The run at alpha 0.")
    second: Run = knob(Run(order_seed=1), "The run at alpha 1.")
    matching: str = knob(
        "none", "Whether the units of the second network are put into the order that fits the first best before the "
        "line is drawn; it computes the same function in any order.", choices=("none", "weights"),
        source="Ainsworth et al. 2023, section 3.2: weight matching")

    def check(self) -> None:
        """The two networks must be of one architecture, and of the same images."""
        super().check()
        require_alike(self.first, self.second, "A line", "connectivity.second")

    def inputs(self) -> tuple[Spec, ...]:
        """The two runs."""
        return tuple(dict.fromkeys((self.first, self.second)))

    @property
    def epochs(self) -> float:
        """A forward pass over the training images is a third of an epoch."""
        passes = (self.norm_statistics == "recalibrated") + self.training_images
        return self.evaluations * max(passes, 0.25) / 3


@dataclass(frozen=True, kw_only=True)
class Siblings(OnLines, name="siblings"):
    """Stability to the noise of SGD: runs of one ticket that differ in the order of the images alone, and the barrier
    between each two of them."""

    title: ClassVar[str] = "Stability to SGD noise"
    of: Run = knob(Run(), "The run; its siblings are trained anew.")
    count: int = knob(3, "Siblings, the run itself included.", low=2, high=20,
                      source="Pruning Close to Home, section 4.1: three, pairwise")

    def siblings(self) -> tuple[Run, ...]:
        """The run and those that see the images in other orders."""
        return tuple(sibling(self.of.trained_here, number) for number in range(self.count))

    def lines(self) -> tuple[Connectivity, ...]:
        """The line between each two of them."""
        return tuple(self.line(one, other) for one, other in combinations(self.siblings(), 2))

    def inputs(self) -> tuple[Spec, ...]:
        """The lines."""
        return self.lines()


@dataclass(frozen=True, kw_only=True)
class LevelPath(OnLines, name="level_path"):
    """The lines from each level of a search to the next, as one long curve (Pruning Close to Home, figure 2)."""

    title: ClassVar[str] = "Lines between consecutive levels"
    of: TicketSearch = knob(TicketSearch(), "The search.")
    replicate: int = knob(0, "Replicate of the search.", low=0, high=99)
    variant: str = knob("ticket", "The ticket, or a control of the search.", choices=("ticket", *CONTROLS),
                        advanced=True)

    def check(self) -> None:
        """The replicate and the control must be the search's."""
        super().check()
        if self.replicate >= self.of.replicates:
            raise BadInput(f"The search has the replicates 0 to {self.of.replicates - 1}. Got {self.replicate}.")
        if self.variant not in ("ticket", *self.of.controls):
            raise BadInput(f"The search trains {', '.join(('ticket', *self.of.controls))}. Got {self.variant!r}.")

    def lines(self) -> tuple[Connectivity, ...]:
        """From level 0 to 1, from 1 to 2, and so on."""
        runs = [self.of.run(level, self.replicate, self.variant if level else "ticket")
                for level in range(self.of.levels + 1)]
        return tuple(self.line(one, other) for one, other in pairwise(runs))

    def inputs(self) -> tuple[Spec, ...]:
        """The lines."""
        return self.lines()


def sibling(run: Run, number: int) -> Run:
    """The run itself (number 0), or one that differs in the order of the images alone."""
    if number == 0:
        return run
    return run.replace(order_seed=derive(run.order_seed, "sibling", number) % DERIVED_HIGH)


def require_alike(first: Run, second: Run, what: str, setting: str) -> None:
    """Refuse two runs that are not of one network and one image set.

    Runs that are alike have the same tensors. Answers that were edited may not; what reads them refuses those with the
    names of the tensors (see `analysis.sound_weights`).

    Raises:
        BadInput: they differ; the text says in what, and names `setting` to change.
    """
    ends = (first.ticket.dense, second.ticket.dense)
    for part, one, other in (("network", ends[0].model, ends[1].model), ("image set", ends[0].data, ends[1].data)):
        if one != other:
            raise BadInput(f"{what} needs two runs with the same {part}, but they differ in "
                           f"{_difference(one, other)}. Choose another run for {setting}.")


def _difference(one: Any, other: Any) -> str:
    """In which settings two members of a family differ, in words."""
    if type(one) is not type(other):
        return f"{one.family} ({one.name} and {other.name})"
    return ", ".join(f"{one.name}.{k.name} ({getattr(one, k.name)} and {getattr(other, k.name)})"
                     for k in knobs(type(one)) if getattr(one, k.name) != getattr(other, k.name))
