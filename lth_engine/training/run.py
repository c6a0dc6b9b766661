"""A run: one training of one ticket under one order of the images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lth_engine.core.artifact import Answer, Array, Inputs, Scalar, text_array
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.masking.applied import AppliedMask
from lth_engine.specs.questions import Run
from lth_engine.training.batches import Batches
from lth_engine.training.flops import TRAINING_FACTOR, forward_flops, sparse_flops
from lth_engine.training.invariants import all_finite, disconnected, moved, rewound_exactly
from lth_engine.training.material import material, network, put_weights, take_weights
from lth_engine.training.session import Session

HISTOGRAM_BINS = 60
"""Bins of a weight histogram."""


def answer(question: Run, inputs: Inputs, bench: Workbench) -> Answer:
    """Train the ticket from the rewind point to the end of the schedule."""
    ticket = Ticket.from_artifact(inputs[question.ticket.key])
    dense = question.ticket.dense
    images = material(dense.data, bench)
    model = network(dense.model, images.facts, dense.init_seed, bench.device)
    put_weights(model, ticket.start)
    mask = AppliedMask(model, ticket.mask)
    rewound = rewound_exactly(ticket.mask, take_weights(model), inputs[dense.key].group("start"))
    batches = Batches(images.train, question.training, question.order_seed, ticket.level)
    start, total = question.training.span(dense.rewind, batches.steps_per_epoch)
    session = Session(model, mask, images, question.training, batches, start, total, total, bench, _words(question))
    session.run()
    final = _masked(take_weights(model), ticket.mask)
    facts = images.facts
    flops = forward_flops(model, facts.channels, facts.height, facts.width)
    return _answer(ticket, final, session, flops, rewound)


def _words(question: Run) -> str:
    ticket = question.ticket
    level = "dense network" if ticket.level == 0 else f"level {ticket.level}"
    return f"{level}, {ticket.title.lower()}, seed {question.order_seed}"


def _masked(weights: dict[str, Array], mask: Mask) -> dict[str, Array]:
    """Pruned weights as +0: the loop's multiplication leaves -0 where a weight was negative."""
    return {name: np.where(mask[name], value, np.zeros((), value.dtype)) if name in mask else value
            for name, value in weights.items()}


def _answer(ticket: Ticket, final: dict[str, Array], session: Session, flops: dict[str, int],
            rewound: bool) -> Answer:
    mask, density = ticket.mask, ticket.mask.layer_density()
    arrays: dict[str, Array] = {f"mask/{name}": kept for name, kept in mask.items()}
    arrays |= {f"final/{name}": value for name, value in final.items()}
    arrays |= {f"history/{name}": column for name, column in session.history().items()}
    arrays |= {"layers/name": text_array(list(mask)), "layers/size": np.array([m.size for m in mask.values()]),
               "layers/kept": np.array([int(m.sum()) for m in mask.values()]),
               "layers/density": np.array(list(density.values()))}
    for name, kept in mask.items():
        counts, edges = np.histogram(final[name][kept], bins=HISTOGRAM_BINS)
        arrays |= {f"histogram/{name}": counts, f"histogram_edges/{name}": edges}
    per_image = TRAINING_FACTOR * session.trained_images
    last = session.rows[-1]
    summary: dict[str, Scalar] = {
        "level": ticket.level, "density": mask.density, "kept": mask.kept, "prunable": mask.size,
        "test_images": len(session.images.test), "chance": 1 / session.images.facts.num_classes,
        **{name: last[name] for name in ("test_accuracy", "test_loss", "train_loss", "validation_accuracy",
                                         "validation_loss")},
        "learning_distance": _distance(mask, ticket.start, final),
        **session.cost(), "flops_dense": float(sum(flops.values()) * per_image),
        "flops_sparse": float(sparse_flops(flops, density) * per_image)}
    return Answer(arrays, summary | _invariants(ticket, final, session, rewound),
                  sparse={f"final/{n}": f"mask/{n}" for n in mask})


def _invariants(ticket: Ticket, final: dict[str, Array], session: Session, rewound: bool) -> dict[str, Scalar]:
    positive, negative = moved(ticket.mask, ticket.start, final)
    units, layers = disconnected(ticket.mask)
    density = ticket.mask.layer_density()
    thinnest = min(density, key=lambda name: density[name])
    return {"masked_nonzero": session.masked_nonzero, "moved_positive": positive, "moved_negative": negative,
            "rewind_exact": rewound, "thinnest_layer": thinnest, "thinnest_density": density[thinnest],
            "disconnected_units": units, "dead_layers": layers, "finite": all_finite(final)}


def _distance(mask: Mask, start: Mapping[str, Array], final: Mapping[str, Array]) -> float:
    """Learning distance: L2 norm of the change of the kept prunable weights (Pruning Close to Home, Eq. 2)."""
    squares = sum(float(np.square(final[n][kept].astype(np.float64) - start[n][kept]).sum())
                  for n, kept in mask.items())
    return float(np.sqrt(squares))
