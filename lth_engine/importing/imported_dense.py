"""The dense network with starting weights that were brought."""

from __future__ import annotations

import numpy as np

from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.mask import Mask
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.importing.brought import brought
from lth_engine.masking.prunable import prunable
from lth_engine.specs.costs import COSTS
from lth_engine.specs.imported import ImportedDense
from lth_engine.training.material import material, network, take_weights

FILLED = ("{count:,} weights that were pruned before these starting weights were saved are not known; they are drawn "
          "by the lab, which matters where another mask than the ticket's is laid over them.")


def answer(question: ImportedDense, inputs: Inputs, bench: Workbench) -> Answer:
    """The weights of the file; those that it has pruned are drawn from `init_seed`.

    The summary says parameters, filled (how many were drawn) and a remark about them.
    """
    facts = material(question.data, bench).facts
    model = network(question.model, facts, question.init_seed, "cpu")
    drawn = take_weights(model)
    found = brought(question.weights, question, model, facts, bench.data_root)
    start = {name: np.where(found.mask[name], value, drawn[name]) if name in found.mask else value
             for name, value in found.weights.items()}
    filled = found.mask.size - found.mask.kept
    everything = Mask({name: np.ones(tuple(p.shape), dtype=bool) for name, p in prunable(model).items()})
    return Ticket(everything, start, 0).to_answer(
        parameters=sum(p.numel() for p in model.parameters()), filled=filled,
        remark=FILLED.format(count=filled) if filled else "", **dict.fromkeys(COSTS, 0.0))
