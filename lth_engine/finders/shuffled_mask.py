"""Control: the ticket's mask shuffled within each layer, so that only its layer densities survive."""

from __future__ import annotations

import numpy as np

from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.mask import Mask
from lth_engine.core.seeds import derive
from lth_engine.core.ticket import Ticket
from lth_engine.core.workbench import Workbench
from lth_engine.finders.rewound import rewound
from lth_engine.specs.controls import ShuffledMask


def answer(question: ShuffledMask, inputs: Inputs, bench: Workbench) -> Answer:
    """Permute each layer's mask, from the layer's own seed."""
    ticket = Ticket.from_artifact(inputs[question.of.key])
    dense = inputs[question.dense.key].group("start")
    mask = shuffled(ticket.mask, question.seed)
    return rewound(mask, dense, question.level).to_answer(overlap_with_ticket=mask.overlap(ticket.mask))


def shuffled(mask: Mask, seed: int) -> Mask:
    """A mask that keeps as many weights of each layer, at places drawn from the layer's own seed."""
    return Mask({name: np.random.default_rng(derive(seed, "shuffled mask", name))
                 .permutation(kept.reshape(-1)).reshape(kept.shape) for name, kept in mask.items()})
