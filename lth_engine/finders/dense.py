"""The dense network at the rewind point: initialised, and trained for `rewind`."""

from __future__ import annotations

import numpy as np

from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.masking.prunable import prunable
from lth_engine.specs.costs import COSTS
from lth_engine.specs.tickets import DenseTicket
from lth_engine.training.batches import Batches
from lth_engine.training.flops import TRAINING_FACTOR, forward_flops
from lth_engine.training.material import material, network, take_weights
from lth_engine.training.session import Session
from lth_engine.training.workplace import workplace


def answer(question: DenseTicket, inputs: Inputs, bench: Workbench) -> Answer:
    """Draw the network, train it to the rewind point under the schedule of the whole training, keep everything."""
    images = material(question.data, bench)
    model = network(question.model, images.facts, question.init_seed, bench.device)
    mask = Mask({name: np.ones(tuple(p.shape), dtype=bool) for name, p in prunable(model).items()})
    parameters = sum(p.numel() for p in model.parameters())
    if not question.rewind.count:
        ticket = Ticket(mask, take_weights(model), 0)
        return ticket.to_answer(parameters=parameters, **dict.fromkeys(COSTS, 0.0))
    training = question.training
    batches = Batches(images.train, training, question.order_seed, level=0)
    stop, total = training.reach(question.rewind, batches.steps_per_epoch)
    initial = Ticket(mask, take_weights(model), 0)
    stepper = workplace(question.model, model, training, initial, question.order_seed, initial.start)
    session = Session(stepper, images, batches, 0, stop, total, bench,
                      f"dense network to the rewind point {question.rewind}, seed {question.order_seed}")
    session.run()
    facts = images.facts
    flops = float(TRAINING_FACTOR * session.trained_images * training.flatness.passes
                  * sum(forward_flops(stepper.model, facts.channels, facts.height, facts.width).values()))
    with stepper.flatness.clean():
        reached = take_weights(stepper.model)
    found = Ticket(mask, reached, 0).to_answer(
        parameters=parameters, flops_dense=flops, flops_sparse=flops, **session.cost())
    history = {f"history/{name}": column for name, column in session.history().items()}
    return Answer({**found.arrays, **history}, found.summary, found.sparse)
