"""Control: the weights of the rewind point under the mask of the lowest scores."""

from __future__ import annotations

from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Workbench
from lth_engine.finders.found import cut
from lth_engine.finders.rewound import rewound
from lth_engine.specs.controls import InvertedMask


def answer(question: InvertedMask, inputs: Inputs, bench: Workbench) -> Answer:
    """Cut the scores of all weights at the other end."""
    ticket = Mask(inputs[question.of.key].group("mask"))
    found = cut(question.of, inputs, bench, inverse=ticket)
    return rewound(found.mask, inputs[question.dense.key].group("start"), question.level).to_answer(
        overlap_with_ticket=found.mask.overlap(ticket), **found.summary)
