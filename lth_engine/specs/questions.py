"""The questions whose answers are stored: tickets, the runs that train them, and whole searches.

A ticket is a mask with the weights that training starts from. A run trains one ticket. A ticket
search asks for all levels, replicates and controls, and for the verdict. Because a question's key
covers only what it depends on, two searches share every ticket and run that they have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec, catalogue, from_dict
from lth_engine.core.step import Step
from lth_engine.specs.data import SEED_HIGH, DataSpec, Digits
from lth_engine.specs.finding import Imp, SearchSpec
from lth_engine.specs.models import Lenet300100, ModelSpec
from lth_engine.specs.training import Training

DERIVED_HIGH = 4 * SEED_HIGH
"""Greatest seed of a part of a search: room for replicates, and for networks that are re-drawn."""


@dataclass(frozen=True, kw_only=True)
class Question(Spec, family="question", package="lth_engine.analysis"):
    """A Spec whose answer is stored."""

    quick: ClassVar[bool] = False
    """Whether the answer takes seconds, so that it need not queue behind long jobs."""


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
        """The rewind point must lie before the end of training."""
        self.training.require_before_end(self.rewind)

    @property
    def dense(self) -> DenseTicket:
        """Itself."""
        return self

    @property
    def level(self) -> int:
        """Level 0."""
        return 0


@dataclass(frozen=True, kw_only=True)
class FoundTicket(TicketSpec, name="found"):
    """The ticket that a search finds at one level."""

    title: ClassVar[str] = "Ticket found by a search"
    start: DenseTicket = knob(DenseTicket(), "The dense network at the rewind point.")
    training: Training = knob(Training(), "Training of the mask search.")
    order_seed: int = knob(0, "Seed of the order of the images during the mask search.", low=0, high=DERIVED_HIGH)
    search: SearchSpec = knob(Imp(), "Search.")
    at_level: int = knob(1, "Level of the search.", low=1, high=200)
    mask_seed: int = knob(0, "Seed of random choices of the search.", low=0, high=DERIVED_HIGH)

    def check(self) -> None:
        """The search and the start must agree on the rewind point."""
        if self.search.rewind != self.start.rewind:
            raise BadInput(f"The search rewinds to {self.search.rewind} but the ticket starts at {self.start.rewind}. "
                           "Give both the same rewind point.")

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
        if level is None:
            return None
        ticket = self.start if level == 0 else self.replace(at_level=level)
        return Run(ticket=ticket, training=self.training, order_seed=self.order_seed)

    def inputs(self) -> tuple[Spec, ...]:
        """The dense network, and the run that is read."""
        run = self.reads()
        return (self.start,) if run is None else (self.start, run)


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
    """The same weights under a random mask of the same density, drawn over the whole network."""

    title: ClassVar[str] = "Same-density random mask"


@dataclass(frozen=True, kw_only=True)
class ShuffledMask(ControlTicket, name="shuffled_mask"):
    """The same weights under the ticket's mask shuffled within each layer."""

    title: ClassVar[str] = "Mask shuffled in each layer"


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
        return self.of.start.replace(init_seed=self.of.start.init_seed + REDRAWN_SEED + self.seed)


REDRAWN_SEED = 1_000_003
"""Added to the init seed of a re-drawn network; far from the seeds that people type."""


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

    def check(self) -> None:
        """The rewind point must lie before the end of training."""
        self.training.require_before_end(self.ticket.dense.rewind)

    def inputs(self) -> tuple[Spec, ...]:
        """The ticket, and the dense network that its weights must be rewound to."""
        return (self.ticket,) if self.ticket.dense == self.ticket else (self.ticket, self.ticket.dense)


CONTROLS: tuple[str, ...] = ("random_mask", "redrawn", "shuffled_mask")
"""Names of the controls that a search may train beside its tickets."""

_CONTROLS: dict[str, type[ControlTicket]] = {c.name: c for c in (RandomMask, Redrawn, ShuffledMask)}


@dataclass(frozen=True, kw_only=True)
class TicketSearch(Question, name="ticket_search"):
    """Accuracy over density of the tickets that a search finds, over replicates, beside controls,
    with a verdict at each density."""

    title: ClassVar[str] = "Ticket search"
    model: ModelSpec = knob(Lenet300100(), "Network.")
    data: DataSpec = knob(Digits(), "Images.")
    training: Training = knob(Training(), "Training at every level.")
    search: SearchSpec = knob(Imp(), "How tickets are found.")
    levels: int = knob(10, "Number of levels after the dense one.", low=1, high=100)
    replicates: int = knob(3, "Independent repetitions; each has its own initialisation and order of images.",
                           low=1, high=100)
    controls: tuple[str, ...] = knob(("random_mask", "redrawn"), "Controls trained beside each ticket.",
                                     choices=CONTROLS)
    seed: int = knob(0, "Replicate r uses the seeds seed + r.", low=0, high=SEED_HIGH)
    margin: float = knob(0.01, "Loss of test accuracy up to which a ticket counts as matching.", low=0, open_low=True,
                         high=1, unit="fraction")

    def check(self) -> None:
        """A rewind point must lie before the end of training."""
        self.training.require_before_end(self.search.rewind)

    def ticket(self, level: int, replicate: int) -> TicketSpec:
        """The ticket of one level and replicate."""
        seed = self.seed + replicate
        dense = DenseTicket(model=self.model, data=self.data, training=self.training, rewind=self.search.rewind,
                            init_seed=seed, order_seed=seed)
        if level == 0:
            return dense
        return FoundTicket(start=dense, training=self.training, order_seed=seed, search=self.search,
                           at_level=level, mask_seed=seed)

    def run(self, level: int, replicate: int, variant: str = "ticket") -> Run:
        """The run of a ticket (`variant` "ticket") or of one of its controls."""
        ticket = self.ticket(level, replicate)
        if variant != "ticket":
            if not isinstance(ticket, FoundTicket):
                raise BadInput("Controls exist from level 1 on. Got level 0.")
            ticket = _CONTROLS[variant](of=ticket, seed=self.seed + replicate)
        return Run(ticket=ticket, training=self.training, order_seed=self.seed + replicate)

    def runs(self) -> dict[tuple[int, int, str], Run]:
        """Every run by (level, replicate, variant), level by level."""
        found: dict[tuple[int, int, str], Run] = {}
        for level in range(self.levels + 1):
            for replicate in range(self.replicates):
                for variant in ("ticket", *(self.controls if level else ())):
                    found[level, replicate, variant] = self.run(level, replicate, variant)
        return found

    def starts(self) -> tuple[DenseTicket, ...]:
        """The dense networks at the rewind point that the runs descend from, each once."""
        return tuple(dict.fromkeys(run.ticket.dense for run in self.runs().values()))

    def inputs(self) -> tuple[Spec, ...]:
        """Every run, and the dense networks that they start from."""
        return (*self.starts(), *self.runs().values())


@dataclass(frozen=True, kw_only=True)
class Price(Question, name="price"):
    """What a ticket search will cost on this machine: epochs, FLOPs, time and memory."""

    title: ClassVar[str] = "Price"
    quick: ClassVar[bool] = True
    of: TicketSearch = knob(TicketSearch(), "The search.")
    machine: str = knob("", "The machine that the times are for.")


def question_from_dict(values: dict[str, object]) -> Question:
    """The question that plain JSON values describe: a ticket or any other question.

    Raises:
        BadInput: no such question, or a knob that is not allowed.
    """
    name = values.get("name")
    family = "ticket" if isinstance(name, str) and name in catalogue("ticket") else "question"
    return cast(Question, from_dict(family, values))
