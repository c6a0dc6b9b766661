"""The question whether a ticket needs what makes it this ticket: one thing about it is destroyed at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.specs.imported import start_known
from lth_engine.specs.narrow import narrowed
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.tickets import DenseTicket, Run

CHECKS = ("shuffled_mask", "redrawn", "inverted_mask", "random_mask", "small_dense")
"""Names of the checks; small_dense is a narrow dense network of about as many weights."""


def unknown(of: TicketSearch, level: int) -> dict[str, str]:
    """Checks that a ticket which was brought does not allow, with what is not known of it."""
    lost = {"inverted_mask": "what ranked its weights"} if of.search.brought else {}
    if not start_known(of.search, level, of.replicates):
        lost["redrawn"] = "what its training started from"
    return lost


@dataclass(frozen=True, kw_only=True)
class SanityChecks(Question, name="sanity_checks"):
    """A ticket beside what is left of it when one thing about it is destroyed: its mask shuffled in each layer, its
    weights drawn anew, the lowest scores kept, a random mask of the same density, a narrow dense network of as many
    weights (Frankle et al. 2021; Su et al. 2020). It passes a check if it is better, by a paired test."""

    title: ClassVar[str] = "Sanity checks"
    of: TicketSearch = knob(TicketSearch(), "Search that finds the ticket.")
    level: int = knob(1, "Level of the ticket.", low=1, high=200)
    checks: tuple[str, ...] = knob(CHECKS, "Checks.", choices=CHECKS)

    def check(self) -> None:
        """At least one check, and a narrow network where one is asked for."""
        if not self.checks:
            raise BadInput("sanity_checks.checks is empty. Name one check or more.")
        if "small_dense" in self.checks:
            self.small_dense(0)
        self._require_known()

    def _require_known(self) -> None:
        """Refuse checks that need what nobody knows of a ticket that was brought. Raises BadInput."""
        lost = unknown(self.of, self.level)
        for name in self.checks:
            if name in lost:
                raise BadInput(f"This ticket was brought and {lost[name]} is not known, so that the check {name} has "
                               "nothing to change. Leave it out of the checks.")

    def small_dense(self, replicate: int) -> Run:
        """A narrow network with about as many weights as the ticket keeps, trained like it."""
        seed = self.of.seed + replicate
        narrow = narrowed(self.of.model, self.of.data, self.of.search.density(self.level),
                          self.of.search.ignore)
        return Run(ticket=DenseTicket(model=narrow, data=self.of.data, init_seed=seed), training=self.of.training,
                   order_seed=seed)

    def runs(self) -> dict[tuple[str, int], Run]:
        """Every run by (variant, replicate): "dense", "ticket", and the checks."""
        found: dict[tuple[str, int], Run] = {}
        for replicate in range(self.of.replicates):
            found["dense", replicate] = self.of.run(0, replicate).trained_here
            found["ticket", replicate] = self.of.run(self.level, replicate).trained_here
            for variant in self.checks:
                found[variant, replicate] = (self.small_dense(replicate) if variant == "small_dense"
                                             else self.of.run(self.level, replicate, variant))
        return found

    def inputs(self) -> tuple[Spec, ...]:
        """The runs."""
        return tuple(dict.fromkeys(self.runs().values()))
