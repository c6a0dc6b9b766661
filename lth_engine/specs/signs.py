"""The question what a signed mask carries: the ticket's mask, signs and normalisation on another initialisation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.specs.connecting import Connectivity, sibling
from lth_engine.specs.controls import SignTransfer
from lth_engine.specs.imported import start_known
from lth_engine.specs.models import Conv, Lenet300100
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.tickets import Run, TicketSpec, Trained

Cell = tuple[bool, bool, bool]
"""(mask, signs, norms): which of them is the ticket's; the others are drawn anew."""

SIGNED: Cell = (True, True, False)
"""Mask and signs: what Find a Winning Sign transfers."""

MASK_ALONE: Cell = (True, False, False)
"""The case that the others are compared with."""


@dataclass(frozen=True, kw_only=True)
class SignPanel(Question, name="sign_panel"):
    """A ticket's mask, signs and normalisation parameters on fresh initialisations, each kept or drawn anew: accuracy
    after training in every case, and for those that keep the mask, if wanted, the barrier between siblings and to the
    ticket's own solution (Find a Winning Sign, figures 2 and 3)."""

    title: ClassVar[str] = "Signed mask on other weights"
    of: TicketSearch = knob(TicketSearch(), "Search that finds the ticket.")
    level: int = knob(1, "Level of the ticket.", low=1, high=200)
    source: str = knob("ticket", "Whose signs and normalisation parameters are taken: those that the ticket's "
                       "training starts from (for LRR and AWS the end of the mask search), or that it ends with.",
                       choices=("ticket", "solution"))
    lines: bool = knob(False, "Measure the barriers too; each case that keeps the mask is then trained once more, on "
                       "images in another order.")
    points: int = knob(11, "Points on each line.", low=3, high=2001,
                       source="Find a Winning Sign: 11 in the code of its authors")

    def check(self) -> None:
        """The search must have the level."""
        if self.level > self.of.levels:
            raise BadInput(f"sign_panel.level must be a level of the search, 1 to {self.of.levels}. Got {self.level}. "
                           "Choose one of them, or a search with more levels.")
        if self.source == "ticket" and not start_known(self.of.search, self.level, self.of.replicates):
            raise BadInput("This ticket was brought and what its training started from is not known, so it has signs "
                           "at its end alone. Set sign_panel.source to solution.")

    def cells(self) -> tuple[Cell, ...]:
        """The cases: eight, or four for a network without normalisation."""
        norms = (True, False) if not isinstance(self.of.model, Lenet300100 | Conv) else (False,)
        return tuple(product((True, False), (True, False), norms))

    def solution(self, replicate: int) -> Run:
        """The ticket's own training, or its network that was brought."""
        return self.of.run(self.level, replicate)

    def own(self, level: int, replicate: int) -> Run:
        """The training of the ticket, or of the dense network (level 0), that the cases are compared with."""
        return self.of.run(level, replicate).trained_here

    def run(self, cell: Cell, replicate: int) -> Run:
        """The training of one case."""
        mask, signs, norms = cell
        seed = self.of.seed + replicate
        ticket: TicketSpec = self.of.ticket(self.level, replicate)
        if self.source == "solution":
            ticket = Trained(of=self.solution(replicate))
        moved = SignTransfer(of=ticket, seed=seed, mask=mask, signs=signs, norms=norms)
        return Run(ticket=moved, training=self.of.training, order_seed=seed)

    def runs(self) -> dict[tuple[Cell, int], Run]:
        """Every case's training by (case, replicate)."""
        return {(cell, r): self.run(cell, r) for cell in self.cells() for r in range(self.of.replicates)}

    def line_pairs(self) -> dict[tuple[Cell, int, str], Connectivity]:
        """Lines by (case, replicate, "siblings" or "solution"), of the cases that keep the mask; empty if not
        wanted."""
        if not self.lines:
            return {}
        found: dict[tuple[Cell, int, str], Connectivity] = {}
        for (cell, replicate), run in self.runs().items():
            if cell[0]:
                for what, other in (("siblings", sibling(run, 1)), ("solution", self.solution(replicate))):
                    found[cell, replicate, what] = Connectivity(first=run, second=other, points=self.points,
                                                                training_images=False)
        return found

    def inputs(self) -> tuple[Spec, ...]:
        """The trainings, dense and the ticket's own among them, and the lines."""
        own = [self.own(level, r) for r in range(self.of.replicates) for level in (0, self.level)]
        return tuple(dict.fromkeys([*own, *self.runs().values(), *self.line_pairs().values()]))
