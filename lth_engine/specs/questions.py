"""Whole searches and their price.

A ticket search asks for all levels, replicates and controls, and for the verdict. It trains in three phases (see
`phases`); the mask of a level depends on pretraining and mask search alone, so searches that differ in sparse training
share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob, knobs
from lth_engine.core.spec import Spec, catalogue, from_dict
from lth_engine.specs.controls import ControlTicket, InvertedMask, RandomMask, Redrawn, ShuffledMask, SignTransfer
from lth_engine.specs.data import SEED_HIGH, DataSpec, Digits
from lth_engine.specs.finding import Imp, SearchSpec
from lth_engine.specs.imported import Imported, ImportedRun, ImportedTicket
from lth_engine.specs.models import Lenet300100, ModelSpec
from lth_engine.specs.phases import PhaseSpec, Same
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import DenseTicket, FoundTicket, Run, TicketSpec, Trained
from lth_engine.specs.training import Training

CONTROLS: tuple[str, ...] = ("random_mask", "redrawn", "shuffled_mask", "sign_transfer", "inverted_mask")
"""Names of the controls that a search may train beside its tickets."""

_CONTROLS: dict[str, type[ControlTicket]] = {c.name: c for c in (RandomMask, Redrawn, ShuffledMask, InvertedMask)}


@dataclass(frozen=True, kw_only=True)
class TicketSearch(Question, name="ticket_search"):
    """Accuracy over density of the tickets that a search finds, over replicates, beside controls,
    with a verdict at each density."""

    title: ClassVar[str] = "Ticket search"
    model: ModelSpec = knob(Lenet300100(), "Network.")
    data: DataSpec = knob(Digits(), "Images.")
    training: Training = knob(Training(), "What the tickets that are reported are trained with (the papers call it "
                              "sparse training).")
    search: SearchSpec = knob(Imp(), "How tickets are found.")
    levels: int = knob(10, "Number of levels after the dense one; 0 for a dense network that was brought alone.",
                       low=0, high=100)
    replicates: int = knob(3, "Independent repetitions; each has its own initialisation and order of images.",
                           low=1, high=100)
    controls: tuple[str, ...] = knob(("random_mask", "redrawn"), "Controls trained beside each ticket.",
                                     choices=CONTROLS)
    seed: int = knob(0, "Replicate r uses the seeds seed + r.", low=0, high=SEED_HIGH)
    margin: float = knob(0.01, "Loss of test accuracy up to which a ticket counts as matching.", low=0, open_low=True,
                         high=1, unit="fraction")
    pretraining: PhaseSpec = knob(Same(), "Training that leads to the rewind point.", added=True, advanced=True)
    mask_search: PhaseSpec = knob(Same(), "Training that the masks are read from.", added=True, advanced=True,
                                  source="Pruning Close to Home, sections 4.2 (settings) and 4.4 (budget)")
    whole: bool = knob(False, "Tickets are trained for the whole length from the rewind point, rather than for what "
                       "is left of it.", added=True, advanced=True)

    def check(self) -> None:
        """The rewind point must lie before the end of each training that goes on from it."""
        self._require_levels()
        self.pretraining_like.require_reaches(self.search.rewind, self.pretraining.setting("pretraining"))
        if not self.search.independent:
            self.mask_training.require_before_end(self.search.rewind, self.mask_search.setting("mask_search"))
        elif self.mask_search != Same():
            raise BadInput(f"The search {self.search.name} reads no training, so a mask search of its own would "
                           "change nothing. Set mask_search to same; settings of the search stand in search.")
        if not self.whole and not self._trains_anew:
            self.training.require_before_end(self.search.rewind)

    @property
    def in_seconds(self) -> bool:
        """Where nothing is trained."""
        return self.search.brought

    def _require_levels(self) -> None:
        """At least one level, or a file for each that was brought."""
        if isinstance(self.search, Imported):
            self.search.require_cells(self.levels, self.replicates)
            if self.controls:
                raise BadInput("Tickets that were brought are reported as they were trained elsewhere, and controls "
                               "would be trained here. Leave them out, and ask for sanity checks, which train both.")
        elif not self.levels:
            raise BadInput("ticket_search.levels must be in [1, 100]. Got 0.")

    @property
    def _trains_anew(self) -> bool:
        """Whether what is reported are trainings of their own, from the end of the mask search's."""
        same = self.mask_training == self.training and not (self.whole and self.search.rewind.count)
        return self.search.continues and not same

    @property
    def pretraining_like(self) -> Training:
        """The training that leads to the rewind point."""
        return self.pretraining.training_like(self.training)

    def setting_of(self, training: Training) -> str:
        """Under what name the user sets one of the trainings."""
        if training == self.training:
            return "training"
        phase, name = ((self.mask_search, "mask_search") if training == self.mask_training
                       else (self.pretraining, "pretraining"))
        return phase.setting(name)

    @property
    def mask_training(self) -> Training:
        """The training that the masks are read from."""
        return self.search.search_training(self.mask_search.training_like(self.training))

    def dense(self, replicate: int) -> DenseTicket:
        """The dense network of a replicate at the rewind point.

        An initialisation depends on no training, so that all searches share it.
        """
        seed = self.seed + replicate
        initial = DenseTicket(model=self.model, data=self.data, init_seed=seed)
        if self.search.rewind.count:
            initial = initial.replace(training=self.pretraining_like, rewind=self.search.rewind, order_seed=seed)
        return self.search.dense(replicate, initial) if isinstance(self.search, Imported) else initial

    def found(self, level: int, replicate: int) -> TicketSpec:
        """The ticket that the search finds at one level; the dense network at level 0."""
        seed, dense = self.seed + replicate, self.dense(replicate)
        if level == 0:
            return dense
        if isinstance(self.search, Imported):
            return ImportedTicket(start=dense, order_seed=seed, search=self.search.alone(level, replicate),
                                  at_level=level, mask_seed=seed)
        training = Training() if self.search.independent else self.mask_training
        return FoundTicket(start=dense, training=training, order_seed=seed, search=self.search, at_level=level,
                           mask_seed=seed)

    def ticket(self, level: int, replicate: int) -> TicketSpec:
        """What sparse training starts from.

        Where the weights go on from level to level and sparse training differs from the mask search, that is the end
        of the level's own training in the mask search; else the ticket as it was found.
        """
        found = self.found(level, replicate)
        if level == 0 or not self._trains_anew:
            return found
        return Trained(of=Run(ticket=found, training=self.mask_training, order_seed=self.seed + replicate))

    def run(self, level: int, replicate: int, variant: str = "ticket") -> Run:
        """The run of a ticket (`variant` "ticket") or of one of its controls."""
        ticket, seed = self.ticket(level, replicate), self.seed + replicate
        if variant == "sign_transfer":
            ticket = SignTransfer(of=ticket, seed=seed)
        elif variant != "ticket":
            of = self.found(level, replicate)
            if not isinstance(of, FoundTicket):
                raise BadInput("Controls exist from level 1 on. Got level 0.")
            ticket = _CONTROLS[variant](of=of, seed=seed)
        found = Run(ticket=ticket, training=self.training, order_seed=seed,
                    whole=self.whole and bool(ticket.rewind.count))
        return self._as_brought(found, level, replicate) if variant == "ticket" else found

    def _as_brought(self, run: Run, level: int, replicate: int) -> Run:
        """The network of the file that came for a level, if one did; else the run."""
        file = self.search.file(level, replicate) if isinstance(self.search, Imported) else None
        if file is None:
            return run
        values = {k.name: getattr(run, k.name) for k in knobs(Run)}
        return ImportedRun(**values, weights=file.weights, masks=file.masks)

    @property
    def reported_levels(self) -> range:
        """The levels whose runs are reported: all from 0, but of files that came without a dense network from 1."""
        without_dense = isinstance(self.search, Imported) and self.search.file(0, 0) is None
        return range(int(without_dense), self.levels + 1)

    def runs(self) -> dict[tuple[int, int, str], Run]:
        """Every run that is reported by (level, replicate, variant), level by level."""
        found: dict[tuple[int, int, str], Run] = {}
        for level in self.reported_levels:
            for replicate in range(self.replicates):
                for variant in ("ticket", *(self.controls if level else ())):
                    found[level, replicate, variant] = self.run(level, replicate, variant)
        return found

    def inputs(self) -> tuple[Spec, ...]:
        """Every run, and the dense networks that they start from."""
        runs = self.runs().values()
        return tuple(dict.fromkeys([*(run.ticket.dense for run in runs), *runs]))


def in_order(*questions: Spec) -> tuple[Spec, ...]:
    """`questions` and everything that they are made of, each once, inputs first."""
    order: dict[Spec, None] = {}
    stack: list[tuple[Spec, bool]] = [(q, False) for q in reversed(questions)]
    seen: set[Spec] = set()
    while stack:
        current, inputs_done = stack.pop()
        if inputs_done:
            order[current] = None
        elif current not in seen:
            seen.add(current)
            stack.append((current, True))
            stack.extend((q, False) for q in reversed(current.inputs()))
    return tuple(order)


def trainings(*questions: Spec) -> tuple[Run | DenseTicket, ...]:
    """Every training that must have been done once all `questions` are answered, each once, inputs first."""
    return tuple(q for q in in_order(*questions) if isinstance(q, Run | DenseTicket) and q.trains)


@dataclass(frozen=True, kw_only=True)
class Price(Question, name="price"):
    """What a ticket search will cost on this machine: epochs, FLOPs, time and memory."""

    title: ClassVar[str] = "Price"
    quick: ClassVar[bool] = True
    of: TicketSearch = knob(TicketSearch(), "The search.")
    machine: str = knob("", "The machine that the times are for.")

    def check(self) -> None:
        """Something must be trained."""
        if self.of.search.brought:
            raise BadInput("The networks of this search were brought, so nothing is trained and nothing has a price. "
                           "Ask for the price of another search.")


def question_from_dict(values: dict[str, object]) -> Question:
    """The question that plain JSON values describe: a ticket or any other question.

    Raises:
        BadInput: no such question, or a knob that is not allowed.
    """
    name = values.get("name")
    family = "ticket" if isinstance(name, str) and name in catalogue("ticket") else "question"
    return cast(Question, from_dict(family, values))
