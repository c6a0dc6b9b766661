"""A run: one training of one ticket under one order of the images."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lth_engine.core.artifact import Answer, Array, Inputs, Scalar
from lth_engine.core.errors import LotteryError
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.specs.controls import SignTransfer
from lth_engine.specs.tickets import Run
from lth_engine.training.batches import Batches
from lth_engine.training.flops import TRAINING_FACTOR, forward_flops, sparse_flops
from lth_engine.training.invariants import all_finite, moved, rewound_exactly, signs_kept
from lth_engine.training.material import material, network, take_weights
from lth_engine.training.norm_interpolation import norm_parameters
from lth_engine.training.outcome import connections, learning_distance, masked, network_arrays
from lth_engine.training.session import Session
from lth_engine.training.together import Meter, run_together, streams
from lth_engine.training.workplace import workplace


def answer(question: Run, inputs: Inputs, bench: Workbench) -> Answer:
    """Train the ticket from the rewind point to the end of the schedule."""
    found = prepare(question, inputs, bench)
    found.session.run()
    return found.answer()


def answer_together(questions: Sequence[Run], inputs: Inputs,
                    benches: Sequence[Workbench]) -> list[Answer | LotteryError]:
    """The answers of runs that join one another, trained side by side; what stopped a run stands in its place.

    Raises:
        Cancelled: the user asked to stop.
    """
    meter = Meter(len(questions))
    found = [prepare(q, inputs, replace(bench, report=meter.lane(i, bench.report)), slot=i)
             for i, (q, bench) in enumerate(zip(questions, benches, strict=True))]
    for run in found:
        run.session.lanes = len(found)
    lanes = streams(len(found)) if benches[0].device == "cuda" else [contextlib.nullcontext] * len(found)
    stopped = run_together([run.session for run in found], lanes)
    return [error or run.answer() for run, error in zip(found, stopped, strict=True)]


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to be trained.

    Attributes:
        ticket: what is trained.
        rewind: the weights of the rewind point, which distances are measured from.
        before: the weights at the end of the run that made the ticket, if one did.
        session: trains it.
        rewound: whether training starts from exactly the weights that the ticket descends from.
    """

    ticket: Ticket
    rewind: Mapping[str, Array]
    before: Mapping[str, Array] | None
    session: Session
    rewound: bool

    def answer(self) -> Answer:
        """What the finished session leaves behind."""
        session, facts = self.session, self.session.images.facts
        with session.stepper.flatness.clean():
            final = masked(take_weights(session.model), self.ticket.mask)
        flops = forward_flops(session.model, facts.channels, facts.height, facts.width)
        return _answer(self, final, flops)


def prepare(question: Run, inputs: Inputs, bench: Workbench, slot: int = 0) -> Prepared:
    """The session of a run, with its network on the device.

    Args:
        question: the run.
        inputs: the answers that it builds on.
        bench: where it is computed.
        slot: number of the place on the device, where several runs are trained together.
    """
    read = functools.cache(inputs.__getitem__)  # one answer is often several of these
    ticket = Ticket.from_artifact(read(question.ticket.key))
    dense, training = question.ticket.dense, question.training
    images = material(dense.data, bench)
    batches = Batches(images.train, training, question.draw_seed, ticket.level)
    start, total = training.span(question.begin, batches.steps_per_epoch)
    moved_onto = question.ticket if isinstance(question.ticket, SignTransfer) else None
    signed = moved_onto is not None and moved_onto.signs
    initial = network(dense.model, images.facts, dense.init_seed, bench.device)
    rewind: Mapping[str, Array] = read(dense.key).group("start")
    rewind = _with_signs(rewind, ticket) if signed else rewind
    anchor = rewind if training.term.anchor == "rewind" else None
    if training.term.anchor == "initial":
        drawn = take_weights(initial)
        anchor = _with_signs(drawn, ticket) if signed else drawn
    stepper = workplace(dense.model, initial, training, ticket, question.draw_seed, anchor, slot)
    origin, group = question.ticket.origin()
    weights = read(origin.key).group(group)
    if moved_onto is not None and moved_onto.norms:
        weights = {**weights, **{name: ticket.start[name] for name in norm_parameters(stepper.model)}}
    rewound = rewound_exactly(ticket.mask, take_weights(stepper.model), weights, signs=not signed)
    session = Session(stepper, images, batches, start, total, total, bench, _words(question))
    ancestor = question.ticket.ancestor()
    before = None if ancestor is None else read(ancestor.key).group("final")
    return Prepared(ticket, rewind, before, session, rewound)


def _with_signs(weights: Mapping[str, Array], ticket: Ticket) -> dict[str, Array]:
    """Prunable weights with the signs of the ticket's: what a signed mask turns them into."""
    return {name: np.copysign(value, ticket.start[name]) if name in ticket.mask else value
            for name, value in weights.items()}


def _words(question: Run) -> str:
    ticket = question.ticket
    level = "dense network" if ticket.level == 0 else f"level {ticket.level}"
    return f"{level}, {ticket.title.lower()}, seed {question.order_seed}"


def _answer(run: Prepared, final: dict[str, Array], flops: dict[str, int]) -> Answer:
    ticket, session = run.ticket, run.session
    mask, density = ticket.mask, ticket.mask.layer_density()
    arrays = network_arrays(mask, final)
    arrays |= {f"history/{name}": column for name, column in session.history().items()}
    per_image = TRAINING_FACTOR * session.trained_images * session.training.flatness.passes
    last = session.rows[-1]
    summary: dict[str, Scalar] = {
        "level": ticket.level, "density": mask.density, "kept": mask.kept, "prunable": mask.size,
        "test_images": len(session.images.test), "chance": 1 / session.images.facts.num_classes,
        **{name: last[name] for name in ("test_accuracy", "test_loss", "train_loss", "validation_accuracy",
                                         "validation_loss")},
        "learning_distance": learning_distance(mask, run.rewind, final),
        "signs_kept": signs_kept(mask, ticket.start, final),
        "signs_inherited": None if run.before is None else signs_kept(mask, run.before, final),
        **session.cost(), "flops_dense": float(sum(flops.values()) * per_image),
        "flops_sparse": float(sparse_flops(flops, density) * per_image)}
    return Answer(arrays, summary | _invariants(run, final), sparse={f"final/{n}": f"mask/{n}" for n in mask})


def _invariants(run: Prepared, final: dict[str, Array]) -> dict[str, Scalar]:
    mask = run.ticket.mask
    positive, negative = moved(mask, run.ticket.start, final)
    return {"masked_nonzero": run.session.masked_nonzero, "moved_positive": positive, "moved_negative": negative,
            "rewind_exact": run.rewound, **connections(mask), "finite": all_finite(final)}
