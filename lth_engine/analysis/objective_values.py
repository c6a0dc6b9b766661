"""The answer to the objectives of untrained tickets: what their masks do to the network that they were drawn at.

A mask is laid over the weights of the dense network that its search starts from (the initialisation or the rewind
point), and compared with that network itself. That is the ticket as it is drawn, for every method but those whose
weights go on from level to level (LRR): of those, too, the mask alone is measured, since trained weights would be
another network, with another loss for a reason that is not the mask's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from lth_engine.analysis.method_comparison import require_methods
from lth_engine.core.artifact import Answer, Array, Inputs, Scalar, text_array
from lth_engine.core.errors import BadInput, NonFinite
from lth_engine.core.mask import Mask
from lth_engine.core.meter import Meter
from lth_engine.core.spec import catalogue
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.masking.prunable import without_ignored
from lth_engine.objectives.compared import Compared
from lth_engine.objectives.masked_network import MaskedNetwork
from lth_engine.objectives.measured import measured
from lth_engine.specs.comparing_methods import ObjectiveValues
from lth_engine.specs.objectives import ObjectiveSpec
from lth_engine.specs.tickets import DenseTicket
from lth_engine.training.batches import Images
from lth_engine.training.material import material, network, put_weights
from lth_engine.training.mixed import Mixed
from lth_engine.training.streamed import StreamedImages
from lth_engine.training.threads import use_threads

Cell = tuple[str, int, int]
"""(method, level, replicate)."""


def before(question: ObjectiveValues, bench: Workbench) -> None:
    """Refuse what could only fail after hours. Raises BadInput, naming the method."""
    shown_of(question, material(question.of.data, bench).train)
    require_methods(question, question.levels[-1], bench)


def shown_of(question: ObjectiveValues, train: Images | StreamedImages) -> Mixed:
    """The images that are shown: the first of the training images in an order that is drawn once and for all.

    Raises:
        BadInput: the batch is larger than what is shown.
    """
    images = Mixed(train, question.images)
    if question.batch_size > len(images):
        raise BadInput(f"objective_values.batch_size must be at most the {len(images)} images that are shown. Got "
                       f"{question.batch_size}. Lower it to {len(images)} or raise objective_values.images.")
    return images


def answer(question: ObjectiveValues, inputs: Inputs, bench: Workbench) -> Answer:
    """Measure every ticket: each is read once, and all objectives are computed together.

    Arrays, one value a ticket, in the order of the question: table/method ("dense" is the network without a mask),
    table/level, table/replicate, table/density (of all prunable weights), and table/OBJECTIVE for each objective: its
    mean over the batches, weighted by their sizes. The summary says methods, objectives, levels and images (shown).

    Raises:
        BadInput: the batch is larger than what is shown.
        NonFinite: an objective is NaN or infinite; the text names it and the ticket.
    """
    images = shown_of(question, material(question.of.data, bench).train)
    tickets, meter = question.tickets(), Meter(bench.report)
    found: dict[Cell, list[float]] = {}
    for dense in dict.fromkeys(ticket.dense for ticket in tickets.values()):
        frozen = _network(question, dense, inputs, bench)
        for cell in (cell for cell, ticket in tickets.items() if ticket.dense == dense):
            mask = Mask(inputs[tickets[cell].key].group("mask"))
            progress = Progress(len(found), len(tickets), f"{cell[0]}, level {cell[1]}")
            found[cell] = [mask.density, *_measured(question, cell, frozen, mask, images, meter, progress)]
    values = np.array([found[cell] for cell in tickets])
    table: dict[str, Array] = {
        "table/method": text_array([method for method, _, _ in tickets]),
        "table/level": np.array([level for _, level, _ in tickets]),
        "table/replicate": np.array([replicate for _, _, replicate in tickets])}
    table |= {f"table/{name}": np.ascontiguousarray(values[:, i])
              for i, name in enumerate(("density", *question.objectives))}
    summary: dict[str, Scalar] = {
        "methods": ", ".join(question.methods), "objectives": ", ".join(question.objectives),
        "levels": ", ".join(map(str, question.levels)), "images": len(images)}
    return Answer(table, summary)


def _network(question: ObjectiveValues, dense: DenseTicket, inputs: Inputs, bench: Workbench) -> MaskedNetwork:
    """The dense network at the point that tickets are drawn at, ready for masks."""
    facts = material(dense.data, bench).facts
    model = network(dense.model, facts, dense.init_seed, bench.device)
    start = Ticket.from_artifact(inputs[dense.key])
    put_weights(model, start.start)
    use_threads(model, facts, question.batch_size)
    names = without_ignored(start.mask, question.of.search.ignore)
    return MaskedNetwork(model, names, question.norm_statistics)


def _measured(question: ObjectiveValues, cell: Cell, frozen: MaskedNetwork, mask: Mask, images: Mixed, meter: Meter,
              progress: Progress) -> list[float]:
    """The value of every objective for one mask; the sums stay on the device."""
    overlay = torch.cat([torch.tensor(mask[name]).reshape(-1) for name in frozen.names]).to(frozen.flat)
    specs = list(_objectives(question))
    sums = torch.zeros(len(specs), dtype=torch.float64, device=frozen.flat.device)
    for x, y in images.in_chunks(question.batch_size):
        compared = Compared(frozen, overlay, x, y)
        values = torch.stack([measured(spec, compared).detach() for spec in specs])
        sums += len(y) * values.double()
        meter.tell(progress)
    means = (sums / len(images)).tolist()
    if not np.isfinite(means).all():
        name = question.objectives[int(np.argmin(np.isfinite(means)))]
        raise NonFinite(f"The objective {name} of the ticket of {cell[0]} at level {cell[1]} (replicate {cell[2]}) is "
                        "NaN or infinite. Leave it out of the objectives, lower the last level, or choose "
                        "norm_statistics batch.")
    return list(means)


def _objectives(question: ObjectiveValues) -> Iterator[ObjectiveSpec]:
    for name in question.objectives:
        spec = catalogue("objective")[name]()
        assert isinstance(spec, ObjectiveSpec)
        yield spec
