"""Tickets, and the runs that train them.

A ticket is a mask with the weights that training starts from; a run trains one ticket. Because a question's key covers
only what it depends on, two searches share every ticket and run that they have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.seeds import derive
from lth_engine.core.spec import Spec
from lth_engine.core.step import Step
from lth_engine.specs.data import SEED_HIGH, DataSpec, Digits
from lth_engine.specs.finding import Imp, Ranking, SearchSpec
from lth_engine.specs.mask_learners import Cts, MaskLearner
from lth_engine.specs.models import Lenet300100, ModelSpec
from lth_engine.specs.question import Question
from lth_engine.specs.training import Training

DERIVED_HIGH = 4 * SEED_HIGH
"""Greatest seed of a part of a search: room for replicates, and for networks that are re-drawn."""


def about_epochs(step: Step) -> float:
    """A point of training in epochs, where the number of steps in one is not known: a hundred."""
    return step.count if step.unit == "ep" else step.count / 100


@dataclass(frozen=True, kw_only=True)
class TicketSpec(Question, family="ticket", package="lth_engine.finders"):
    """A mask with the weights that training starts from."""

    @property
    def dense(self) -> DenseTicket:
        """The dense network at the rewind point that this ticket descends from."""
        raise NotImplementedError

    @property
    def level(self) -> int:
        """The level of the search, 0 for the dense network."""
        raise NotImplementedError

    @property
    def rewind(self) -> Step:
        """The point of the schedule at which its training goes on."""
        return self.dense.rewind

    def origin(self) -> tuple[Question, str]:
        """The question whose answer holds the weights that the ticket's kept weights must equal, and in which of its
        groups: "start" of a ticket, "final" of a run."""
        return self.dense, "start"

    def ancestor(self) -> Run | None:
        """The run whose trained weights made the ticket, if any: signs are compared with its end."""
        return None

    def inputs(self) -> tuple[Spec, ...]:
        """What the ticket is made from."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class DenseTicket(TicketSpec, name="dense"):
    """The whole network at the rewind point: initialised, and trained for `rewind` (often not at all)."""

    title: ClassVar[str] = "Dense network at the rewind point"
    model: ModelSpec = knob(Lenet300100(), "Network.")
    data: DataSpec = knob(Digits(), "Images.")
    training: Training = knob(Training(), "Training whose beginning leads to the rewind point.")
    rewind: Step = knob(Step(0, "it"), "The rewind point; 0it is the initialisation.")
    init_seed: int = knob(0, "Seed of the initial weights.", low=0, high=DERIVED_HIGH)
    order_seed: int = knob(0, "Seed of the order of the images and of their augmentation.", low=0, high=DERIVED_HIGH)

    def check(self) -> None:
        """The rewind point must not lie behind the end of training."""
        self.training.require_reaches(self.rewind)

    @property
    def trains(self) -> bool:
        """Whether the rewind point lies behind the initialisation."""
        return self.rewind.count > 0

    def drawn(self, init_seed: int) -> DenseTicket:
        """The same network with other initial weights."""
        return self.replace(init_seed=init_seed)

    @property
    def epochs(self) -> float:
        """Those to the rewind point; steps count as a hundredth of an epoch."""
        return about_epochs(self.rewind) * self.training.flatness.passes

    @property
    def dense(self) -> DenseTicket:
        """Itself."""
        return self

    @property
    def level(self) -> int:
        """Level 0."""
        return 0

    def inputs(self) -> tuple[Spec, ...]:
        """Nothing."""
        return ()


@dataclass(frozen=True, kw_only=True)
class LearnedMask(Question, name="learned_mask", package="lth_engine.finders"):
    """The search of a learned mask: one score a weight, of which a ticket keeps the highest.

    The whole of it is stored, so that a ticket, its inverse and another cut of the same scores cost nothing more.
    """

    title: ClassVar[str] = "Search near initialisation"
    start: DenseTicket = knob(DenseTicket(), "The dense network at the rewind point, whose weights are searched.")
    search: SearchSpec = knob(Cts(), "Search that learns its mask (cts, edge_popup, gem_miner, "
                              "continuous_sparsification).")
    at_level: int = knob(19, "Level whose density is searched for; 19 levels of 0.2 are 1.44%.", low=1, high=200)
    seed: int = knob(0, "Seed of the search: the order of the images and every draw.", low=0, high=DERIVED_HIGH)

    def check(self) -> None:
        """The search must learn, and start where the network stands."""
        if not isinstance(self.search, MaskLearner):
            raise BadInput(f"The search {self.search.name} learns no mask. Choose cts, edge_popup, gem_miner or "
                           "continuous_sparsification.")
        require_same_rewind(self.search, self.start)

    @property
    def learner(self) -> MaskLearner:
        """The search."""
        assert isinstance(self.search, MaskLearner)
        return self.search

    @property
    def rounds(self) -> int:
        """How often the length of the search is run through."""
        return getattr(self.learner, "rounds", 1)

    @property
    def density(self) -> float:
        """The density that is searched for, in (0, 1]."""
        return self.learner.density(self.at_level)

    @property
    def epochs(self) -> float:
        """Those of all rounds; an epoch of training is three passes, forward and back."""
        return self.rounds * about_epochs(self.learner.length) * self.learner.passes / 3

    def inputs(self) -> tuple[Spec, ...]:
        """The dense network at the rewind point."""
        return (self.start,)


def require_same_rewind(search: SearchSpec, start: DenseTicket) -> None:
    """Refuse a search that rewinds elsewhere than to the network that it starts from. Raises BadInput."""
    if search.rewind != start.rewind:
        raise BadInput(f"The search rewinds to {search.rewind} but the ticket starts at {start.rewind}. Give both the "
                       "same rewind point.")


@dataclass(frozen=True, kw_only=True)
class FoundTicket(TicketSpec, name="found"):
    """The ticket that a search finds at one level."""

    title: ClassVar[str] = "Ticket found by a search"
    of_files: ClassVar[bool] = False
    """Whether its search says what was brought."""
    start: DenseTicket = knob(DenseTicket(), "The dense network at the rewind point.")
    training: Training = knob(Training(), "Training of the mask search.")
    order_seed: int = knob(0, "Seed of the order of the images during the mask search.", low=0, high=DERIVED_HIGH)
    search: SearchSpec = knob(Imp(), "Search.")
    at_level: int = knob(1, "Level of the search.", low=1, high=200)
    mask_seed: int = knob(0, "Seed of random choices of the search.", low=0, high=DERIVED_HIGH)

    def check(self) -> None:
        """The search and the start must agree on the rewind point; what was brought is a ticket of another name."""
        require_same_rewind(self.search, self.start)
        if self.search.brought != self.of_files:
            raise BadInput(f"A ticket of the search {self.search.name} is not called {self.name}. Ask for a ticket "
                           "search with it instead.")

    @property
    def dense(self) -> DenseTicket:
        """See :attr:`TicketSpec.dense`."""
        return self.start

    @property
    def level(self) -> int:
        """See :attr:`TicketSpec.level`."""
        return self.at_level

    def reads(self) -> Run | None:
        """The run whose trained weights decide the mask, if any."""
        level = self.search.reads_level(self.at_level)
        ticket = self.replace(at_level=level) if level else self.start
        return None if level is None else Run(ticket=ticket, training=self.training, order_seed=self.order_seed)

    def dense_run(self) -> Run | None:
        """The run of the whole network with which a mask search by trained weights begins, if it is one."""
        return None if self.reads() is None else self.replace(at_level=1).reads()

    def learned(self) -> LearnedMask | None:
        """The search of the mask that is cut at this level, if the mask is learned."""
        if not isinstance(self.search, MaskLearner):
            return None
        return LearnedMask(start=self.start, search=self.search, seed=self.mask_seed,
                           at_level=self.at_level if self.search.each_level else 1)

    @property
    def shows_images(self) -> bool:
        """Whether the network is shown images to score its weights, which costs passes of its own."""
        return isinstance(self.search, Ranking) and self.search.scorer.passes > 0

    def ancestor(self) -> Run | None:
        """See :attr:`TicketSpec.ancestor`."""
        return self.reads()

    def inputs(self) -> tuple[Spec, ...]:
        """The dense network, and the run or the learned mask that is read."""
        return tuple(q for q in (self.start, self.reads() or self.learned()) if q is not None)

    def origin(self) -> tuple[Question, str]:
        """The end of the run that is read, if the search goes on from there; else the rewind point."""
        run = self.reads()
        return (run, "final") if self.search.continues and run is not None else (self.start, "start")


@dataclass(frozen=True, kw_only=True)
class Run(Question, name="run", package="lth_engine.training"):
    """One training of one ticket, from the rewind point to the end of the schedule.

    The optimizer starts fresh at the rewind point, for tickets and for the dense network alike (as open_lth does), so
    that a ticket and the dense network that it is compared with differ in the mask alone.
    """

    title: ClassVar[str] = "Training of a ticket"
    ticket: TicketSpec = knob(DenseTicket(), "The ticket.")
    training: Training = knob(Training(), "Training; its first `rewind` steps are the ticket's own past.")
    order_seed: int = knob(0, "Seed of the order of the images; runs that differ in it alone are siblings.", low=0,
                           high=DERIVED_HIGH)
    whole: bool = knob(False, "Train the whole length from the rewind point, with the schedule from its beginning.",
                       added=True, advanced=True)

    def check(self) -> None:
        """The rewind point must lie before the end of training."""
        self.training.require_before_end(self.begin)

    @property
    def trains(self) -> bool:
        """A training."""
        return True

    @property
    def trained_here(self) -> Run:
        """The training of its ticket by the lab: itself, unless its network was brought."""
        return self

    @property
    def epochs(self) -> float:
        """Those of the whole schedule; steps count as a hundredth of an epoch."""
        return about_epochs(self.training.length) * self.training.flatness.passes

    @property
    def begin(self) -> Step:
        """The point of the schedule at which this training begins."""
        return Step(0, "it") if self.whole else self.ticket.rewind

    @property
    def draw_seed(self) -> int:
        """What order, augmentation and noise are drawn from: another stream than that of the training which the
        weights have behind them, where the schedule begins anew after one."""
        trained = (self.whole and self.ticket.rewind.count) or isinstance(self.ticket, Trained)
        return derive(self.order_seed, "anew") if trained else self.order_seed

    def joins(self, other: Run) -> bool:
        """Whether both train networks of one kind in one way, so that they can be trained side by side."""
        mine, theirs = self.ticket.dense, other.ticket.dense
        alike = (mine.model, mine.data, self.training) == (theirs.model, theirs.data, other.training)
        return alike and self.trains and other.trains

    def inputs(self) -> tuple[Spec, ...]:
        """The ticket, the weights that it must start from, the dense network at the rewind point, and the ancestor."""
        ancestor = self.ticket.ancestor()
        known = (self.ticket, self.ticket.origin()[0], self.ticket.dense)
        return tuple(dict.fromkeys(known if ancestor is None else (*known, ancestor)))


@dataclass(frozen=True, kw_only=True)
class Trained(TicketSpec, name="trained"):
    """The network that a run ended with, to be trained once more from the beginning of a schedule."""

    title: ClassVar[str] = "Network at the end of a run"
    of: Run = knob(Run(), "The run.")

    @property
    def dense(self) -> DenseTicket:
        """See :attr:`TicketSpec.dense`."""
        return self.of.ticket.dense

    @property
    def level(self) -> int:
        """See :attr:`TicketSpec.level`."""
        return self.of.ticket.level

    @property
    def rewind(self) -> Step:
        """The beginning of the schedule."""
        return Step(0, "it")

    def origin(self) -> tuple[Question, str]:
        """The end of the run."""
        return self.of, "final"

    def ancestor(self) -> Run | None:
        """The run."""
        return self.of

    def inputs(self) -> tuple[Spec, ...]:
        """The run."""
        return (self.of,)
