"""The dense network at the rewind point: initialised, and trained for `rewind`."""

from __future__ import annotations

import numpy as np

from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.masking.applied import AppliedMask
from lth_engine.masking.prunable import prunable
from lth_engine.specs.questions import DenseTicket
from lth_engine.training.batches import Batches
from lth_engine.training.material import material, network, take_weights
from lth_engine.training.session import Session


def answer(question: DenseTicket, inputs: Inputs, bench: Workbench) -> Answer:
    """Draw the network, train it to the rewind point under the schedule of the whole training, keep everything."""
    images = material(question.data, bench.data_root, bench.device)
    model = network(question.model, images.facts, question.init_seed, bench.device)
    mask = Mask({name: np.ones(tuple(p.shape), dtype=bool) for name, p in prunable(model).items()})
    if question.rewind.count:
        training = question.training
        batches = Batches(images.train, training, question.order_seed, level=0)
        stop = question.rewind.iterations(batches.steps_per_epoch)
        total = training.length.iterations(batches.steps_per_epoch)
        Session(model, AppliedMask(model, mask), images, training, batches, 0, stop, total, bench,
                f"dense network to the rewind point {question.rewind}, seed {question.order_seed}").run()
    parameters = sum(p.numel() for p in model.parameters())
    return Ticket(mask, take_weights(model), 0).to_answer(parameters=parameters)
