"""Controls: what a search trains beside its tickets, each with one thing about the ticket destroyed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.specs.tickets import DERIVED_HIGH, DenseTicket, FoundTicket, TicketSpec


@dataclass(frozen=True, kw_only=True)
class ControlTicket(TicketSpec, family="ticket", package="lth_engine.finders"):
    """A found ticket with one thing about it destroyed."""

    of: FoundTicket = knob(FoundTicket(), "The ticket that it is a control of.")
    seed: int = knob(0, "Seed of what is drawn anew.", low=0, high=DERIVED_HIGH)

    @property
    def dense(self) -> DenseTicket:
        """See :attr:`TicketSpec.dense`."""
        return self.of.start

    @property
    def level(self) -> int:
        """See :attr:`TicketSpec.level`."""
        return self.of.at_level

    def inputs(self) -> tuple[Spec, ...]:
        """The dense network and the ticket."""
        return (self.dense, self.of)


@dataclass(frozen=True, kw_only=True)
class RandomMask(ControlTicket, name="random_mask"):
    """The weights of the rewind point (those of the ticket, unless its search goes on from trained ones) under a
    random mask of the same density, drawn over the whole network."""

    title: ClassVar[str] = "Same-density random mask"


@dataclass(frozen=True, kw_only=True)
class ShuffledMask(ControlTicket, name="shuffled_mask"):
    """The weights of the rewind point (those of the ticket, unless its search goes on from trained ones) under the
    ticket's mask shuffled within each layer."""

    title: ClassVar[str] = "Mask shuffled in each layer"


@dataclass(frozen=True, kw_only=True)
class InvertedMask(ControlTicket, name="inverted_mask"):
    """The weights of the rewind point (those of the ticket, unless its search goes on from trained ones) under the
    mask of the lowest scores instead of the highest, as many as the ticket keeps. Of a search that reads its scores
    from trained networks, those are the scores of the dense one: they rank all weights, not only what a level before
    has left."""

    title: ClassVar[str] = "Mask of the lowest scores"

    def inputs(self) -> tuple[Spec, ...]:
        """What is scored, too: the trained dense network, or what the ticket was scored from."""
        run = self.of.dense_run()
        return tuple(dict.fromkeys((self.dense, self.of, *(self.of.inputs() if run is None else (run,)))))


@dataclass(frozen=True, kw_only=True)
class Redrawn(ControlTicket, name="redrawn"):
    """The ticket's mask on other initial weights (trained to the rewind point, if there is one)."""

    title: ClassVar[str] = "Same mask, weights re-drawn"

    def check(self) -> None:
        """The other draw must have a seed that is allowed too."""
        _ = self.dense

    @property
    def dense(self) -> DenseTicket:
        """Another draw of the dense network."""
        return redrawn(self.of.start, self.seed)


REDRAWN_SEED = 1_000_003
"""Added to the init seed of a re-drawn network; far from the seeds that people type."""


def redrawn(dense: DenseTicket, seed: int) -> DenseTicket:
    """Another draw of a dense network."""
    return dense.drawn(dense.init_seed + REDRAWN_SEED + seed)


@dataclass(frozen=True, kw_only=True)
class SignTransfer(TicketSpec, name="sign_transfer"):
    """A ticket's signed mask on other initial weights: their magnitudes under the ticket's mask and signs, with
    normalisation parameters and buffers as they are drawn (Find a Winning Sign, section 3.2). It is trained from the
    beginning of the schedule, whatever point the search rewinds to.

    Mask, signs and normalisation parameters can each be the ticket's or drawn anew. A mask that is drawn anew is the
    ticket's, shuffled in each layer; a weight that it keeps and the ticket pruned takes the sign of the network that
    the ticket descends from."""

    title: ClassVar[str] = "Signed mask, magnitudes re-drawn"
    of: TicketSpec = knob(DenseTicket(), "The ticket whose signs are taken.")
    seed: int = knob(0, "Seed of the other initial weights.", low=0, high=DERIVED_HIGH)
    mask: bool = knob(True, "Keep the ticket's mask; else it is shuffled in each layer.", added=True)
    signs: bool = knob(True, "Keep the ticket's signs; else those of the other weights.", added=True)
    norms: bool = knob(False, "Keep the ticket's factors and shifts of normalisation; else those of the other "
                       "network.", added=True, source="Find a Winning Sign, figure 2: LRR's signs need them")

    def check(self) -> None:
        """The other draw must have a seed that is allowed too."""
        _ = self.dense

    @property
    def dense(self) -> DenseTicket:
        """Another draw of the network, untrained."""
        other = redrawn(self.of.dense, self.seed)
        return DenseTicket(model=other.model, data=other.data, init_seed=other.init_seed)

    @property
    def level(self) -> int:
        """See :attr:`TicketSpec.level`."""
        return self.of.level

    def inputs(self) -> tuple[Spec, ...]:
        """The other dense network and the ticket; the network that the ticket descends from, where its signs count."""
        own = () if self.mask or not self.signs else (self.of.dense,)
        return tuple(dict.fromkeys((self.dense, self.of, *own)))
