"""The question how far apart two networks are, weight by weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.specs.connecting import require_alike
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import Run


@dataclass(frozen=True, kw_only=True)
class NetworkComparison(Question, name="network_comparison"):
    """Distance, agreement of signs, overlap of the masks against chance, and effective density without dead units, of
    the networks that two runs ended with, or started from."""

    title: ClassVar[str] = "Two networks, weight by weight"
    quick: ClassVar[bool] = True
    first: Run = knob(Run(), "One run.")
    second: Run = knob(Run(order_seed=1), "The other run.")
    first_at: str = knob("end", "Where the first run ended, or started.", choices=("end", "start"))
    second_at: str = knob("end", "Where the second run ended, or started.", choices=("end", "start"))

    def check(self) -> None:
        """The two networks must be of one architecture, and of the same images."""
        require_alike(self.first, self.second, "A comparison", "network_comparison.second")

    def inputs(self) -> tuple[Spec, ...]:
        """The two runs, and the tickets that they started from."""
        return tuple(dict.fromkeys((self.first, self.second, self.first.ticket, self.second.ticket)))
