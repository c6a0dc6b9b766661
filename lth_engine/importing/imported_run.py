"""A network that was brought as it was trained elsewhere, measured like one that the lab trained."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from lth_engine.core.artifact import Answer, Array, Inputs, Scalar
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.importing.brought import brought
from lth_engine.specs.costs import COSTS
from lth_engine.specs.data import DataSpec
from lth_engine.specs.imported import UNKNOWN_START, ImportedDense, ImportedRun, ImportedTicket
from lth_engine.specs.tickets import TicketSpec
from lth_engine.training.evaluate import evaluate
from lth_engine.training.flops import forward_flops, sparse_flops
from lth_engine.training.invariants import moved, rewound_exactly, signs_kept
from lth_engine.training.material import Material, material, network, put_weights
from lth_engine.training.mixed import shown
from lth_engine.training.outcome import connections, learning_distance, masked, network_arrays

MAYBE_SEEN = ("This image set has no test images of its own and the lab drew them, so the network may have been "
              "trained on some of them elsewhere.")


def answer(question: ImportedRun, inputs: Inputs, bench: Workbench) -> Answer:
    """The arrays of a run's answer, but for its history, and the same summary as far as it can be known.

    test_accuracy and the like are measured on the images of the question; what its training cost (COSTS) and what
    rests on starting weights that did not come along is None. flops_forward and flops_forward_sparse are those of
    one image.
    """
    dense = question.ticket.dense
    images = material(dense.data, bench)
    facts = images.facts
    model = network(dense.model, facts, dense.init_seed, bench.device)
    found = brought(question.weights, dense, model, facts, bench.data_root, question.masks)
    mask, final = found.mask, masked(found.weights, found.mask)
    put_weights(model, final)
    flops = forward_flops(model, facts.channels, facts.height, facts.width)
    known = starts_known(question.ticket)
    ticket = Ticket.from_artifact(inputs[question.ticket.key])
    summary: dict[str, Scalar] = {
        "level": ticket.level, "density": mask.density, "kept": mask.kept, "prunable": mask.size,
        "test_images": len(images.test), "chance": 1 / facts.num_classes, **_scores(images, model, bench),
        **dict.fromkeys(COSTS), "epoch": found.epoch, "flops_forward": float(sum(flops.values())),
        "flops_forward_sparse": float(sparse_flops(flops, mask.layer_density())),
        "masked_nonzero": 0, **_moved(mask, ticket, final, known), **connections(mask), "finite": True,
        "rewind_exact": _rewound(question.ticket, ticket, inputs),
        "start_known": known, "remark": _remark(dense.data, known=known)}
    return Answer(network_arrays(mask, final), summary, sparse={f"final/{n}": f"mask/{n}" for n in mask})


def _remark(data: DataSpec, *, known: bool) -> str:
    """What must be known beside the numbers, in sentences."""
    return " ".join(([] if known else [UNKNOWN_START]) + [MAYBE_SEEN] * hasattr(data, "test_fraction"))


def starts_known(ticket: TicketSpec) -> bool:
    """Whether what the training of a network that was brought started from came along."""
    own = isinstance(ticket, ImportedTicket) and bool(ticket.file.begins)
    return own or isinstance(ticket.dense, ImportedDense)


def _scores(images: Material, model: nn.Module, bench: Workbench) -> dict[str, Scalar]:
    """Accuracy and loss of each part; NaN of an empty one."""
    found: dict[str, Scalar] = {}
    for number, (name, part) in enumerate((("test", images.test), ("train", images.train),
                                           ("validation", images.validation))):
        bench.report(Progress(number, 3, f"showing it the {name} images"))
        score = evaluate(model, shown(model, part))
        found |= {f"{name}_accuracy": score.accuracy, f"{name}_loss": score.loss}
    return found


def _moved(mask: Mask, ticket: Ticket, final: Mapping[str, Array], known: bool) -> dict[str, Scalar]:
    names = ("learning_distance", "signs_kept", "moved_positive", "moved_negative")
    if not known:
        return dict.fromkeys(names)
    values = (learning_distance(mask, ticket.start, final), signs_kept(mask, ticket.start, final),
              *moved(mask, ticket.start, final))
    return dict(zip(names, values, strict=True))


def _rewound(spec: TicketSpec, ticket: Ticket, inputs: Inputs) -> bool | None:
    """Whether a ticket's own starting weights are those of the dense network; None if both did not come along."""
    own = isinstance(spec, ImportedTicket) and bool(spec.file.begins)
    if not own or not isinstance(spec.dense, ImportedDense):
        return None
    return rewound_exactly(ticket.mask, ticket.start, inputs[spec.dense.key].group("start"))
