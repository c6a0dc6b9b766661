"""Questions that set methods of finding a ticket side by side: what their tickets reach, and what their masks do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec, catalogue
from lth_engine.specs.methods import METHODS, NEAR_START, with_method
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.tickets import Run, TicketSpec

OBJECTIVES = tuple(catalogue("objective"))
"""Names of the objectives."""

EPOCH = 50_000
"""Images in an epoch, for the progress bar: those of CIFAR-10."""


@dataclass(frozen=True, kw_only=True)
class OfMethods(Question):
    """Tickets of several methods; network, images, training, densities and seeds are those of a search."""

    of: TicketSearch = knob(TicketSearch(), "Search that gives network, images, training, fraction and seeds; its own "
                            "method plays no part.")
    methods: tuple[str, ...] = knob(("random", "snip", "grasp", "synflow", "cts"), "Methods, the first of them "
                                    "the reference.", choices=tuple(METHODS))
    near: str = knob("published", "Where masks are drawn: where each paper does, all at initialisation, or all at the "
                     "search's rewind point.", choices=NEAR_START, advanced=True)

    def check(self) -> None:
        """At least one method."""
        if not self.methods:
            raise BadInput(f"{self.name}.methods is empty. Name one method or more.")

    def search(self, method: str) -> TicketSearch:
        """The search of a method."""
        return with_method(method, self.of, self.near)


@dataclass(frozen=True, kw_only=True)
class MethodComparison(OfMethods, name="method_comparison"):
    """Accuracy after training of the tickets of several methods at one density, against what each cost from nothing,
    with a paired test; their layer densities, and the overlap of their masks against chance."""

    title: ClassVar[str] = "Methods compared"
    level: int = knob(19, "Level whose density all have; 19 levels of 0.2 are 1.44%.", low=1, high=200)

    def run(self, method: str, replicate: int) -> Run:
        """The run of a method's ticket."""
        return self.search(method).run(self.level, replicate)

    def dense(self, replicate: int) -> Run:
        """The dense network that all are compared with: from the initialisation, with the whole training."""
        return with_method("random", self.of, "initialisation").run(0, replicate)

    def runs(self) -> dict[tuple[str, int], Run]:
        """Every run by (method, replicate); the dense networks are called "dense"."""
        replicates = range(self.of.replicates)
        dense = {("dense", r): self.dense(r) for r in replicates}
        return dense | {(method, r): self.run(method, r) for method in self.methods for r in replicates}

    def inputs(self) -> tuple[Spec, ...]:
        """The runs, and their tickets."""
        runs = self.runs().values()
        return tuple(dict.fromkeys([*(run.ticket for run in runs), *runs]))


@dataclass(frozen=True, kw_only=True)
class ObjectiveValues(OfMethods, name="objective_values"):
    """The value of each objective for the tickets of several methods as they are drawn, before any training, over
    density (Concrete Ticket Search, figures 1, 7 and 8). The dense network is among them."""

    title: ClassVar[str] = "Objectives of untrained tickets"
    near: str = knob("rewind", "Where all masks are drawn and measured: at the search's rewind point, or at "
                     "initialisation.", choices=("rewind", "initialisation"))
    objectives: tuple[str, ...] = knob(OBJECTIVES, "Objectives that are measured.", choices=OBJECTIVES)
    first_level: int = knob(5, "First level.", low=1, high=200)
    last_level: int = knob(20, "Last level.", low=1, high=200)
    every: int = knob(5, "Distance of two levels.", low=1, high=200)
    images: int = knob(2000, "Training images that are shown; 0 takes all.", low=0, high=10**9)
    batch_size: int = knob(512, "Images in a batch: objectives of gradients, and statistics of a batch, depend on it.",
                           low=2, high=65_536, advanced=True)
    norm_statistics: str = knob("batch", "Statistics of batch normalisation: those of each batch, or the running ones "
                                "of the start.", choices=("batch", "running"), advanced=True)

    def check(self) -> None:
        """At least one objective and level."""
        super().check()
        if not self.objectives:
            raise BadInput("objective_values.objectives is empty. Name one objective or more.")
        if self.last_level < self.first_level:
            raise BadInput(f"objective_values.last_level ({self.last_level}) lies before first_level "
                           f"({self.first_level}). Exchange them.")

    @property
    def epochs(self) -> float:
        """Passes through the images that are shown: of a training set as large as CIFAR-10's, if all are."""
        shown = self.images / EPOCH if self.images else 1.0
        tickets = self.of.replicates * (1 + len(self.methods) * len(self.levels))
        return min(1.0, shown) * tickets * len(self.objectives)

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels that are measured."""
        return tuple(range(self.first_level, self.last_level + 1, self.every))

    def tickets(self) -> dict[tuple[str, int, int], TicketSpec]:
        """Every ticket by (method, level, replicate); the dense networks are ("dense", 0, replicate)."""
        found: dict[tuple[str, int, int], TicketSpec] = {}
        dense = with_method("random", self.of, self.near)
        for replicate in range(self.of.replicates):
            found["dense", 0, replicate] = dense.dense(replicate)
            found |= {(method, level, replicate): self.search(method).found(level, replicate)
                      for method in self.methods for level in self.levels}
        return found

    def inputs(self) -> tuple[Spec, ...]:
        """The tickets, and the dense networks that they descend from."""
        tickets = self.tickets().values()
        return tuple(dict.fromkeys([*(ticket.dense for ticket in tickets), *tickets]))
