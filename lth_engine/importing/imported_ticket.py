"""A ticket that was brought: the mask of its file on the weights that its training started from."""

from __future__ import annotations

import numpy as np

from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.errors import BadInput
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.importing.brought import brought
from lth_engine.specs.imported import UNKNOWN_START, ImportedDense, ImportedTicket
from lth_engine.training.material import material, network
from lth_engine.training.outcome import masked


def answer(question: ImportedTicket, inputs: Inputs, bench: Workbench) -> Answer:
    """Mask and starting weights.

    The summary says start_known, and where they are not known, in a remark.

    Raises:
        BadInput: see :func:`brought`; or the starting weights are pruned where the ticket is not.
    """
    dense, file = question.start, question.file
    facts = material(dense.data, bench).facts
    model = network(dense.model, facts, dense.init_seed, "cpu")
    mask = brought(file.weights, dense, model, facts, bench.data_root, file.masks).mask
    if not file.begins:
        start = inputs[dense.key].group("start")
    else:
        begun = brought(file.begins, dense, model, facts, bench.data_root)
        start = dict(begun.weights)
        lost = next((n for n in mask if np.any(mask[n] & ~begun.mask[n])), None)
        if lost is not None:
            raise BadInput(f"The starting weights that were brought are pruned in {lost} where the ticket keeps them, "
                           "so they are not its own. Bring those of this ticket, or none.")
    known = bool(file.begins) or isinstance(dense, ImportedDense)
    ticket = Ticket(mask, masked(start, mask), question.at_level)
    return ticket.to_answer(start_known=known, remark="" if known else UNKNOWN_START)
