"""How many runs are trained side by side on a GPU: as many as it takes to fill it, and no more.

The constants are estimates from the published speed of one GPU, not measured: a step of the size of `FILLS` keeps it
busy for about 5 ms, hundreds of times what its launch costs.
"""

from __future__ import annotations

from lth_engine.core.workbench import Workbench
from lth_engine.specs.tickets import Run
from lth_engine.training.flops import TRAINING_FACTOR, forward_flops
from lth_engine.training.material import material, network
from lth_engine.training.streamed import StreamedImages

MOST = 8
"""Runs at most: each needs memory for its activations."""

FILLS = 1e12
"""Floating-point operations of the steps that together fill a GPU."""


def room(question: Run, bench: Workbench) -> int:
    """Runs like `question` to be trained together: 1 on a CPU."""
    if bench.device != "cuda":
        return 1
    dense = question.ticket.dense
    images = material(dense.data, bench)
    if isinstance(images.train, StreamedImages):
        return 1  # the workers that decode are the bottleneck
    facts = images.facts
    forward = forward_flops(network(dense.model, facts, 0, "cpu"), facts.channels, facts.height, facts.width)
    step = TRAINING_FACTOR * question.training.flatness.passes * question.training.batch_size * sum(forward.values())
    return max(1, min(MOST, round(FILLS / step)))
