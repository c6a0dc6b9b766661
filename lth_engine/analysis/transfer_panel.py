"""Features of a ticket and its baselines on other images, gathered."""

from __future__ import annotations

from lth_engine.analysis.features.frozen import require_possible
from lth_engine.analysis.features.panel import gathered
from lth_engine.analysis.ticket_search import require_askable
from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.workbench import Workbench
from lth_engine.specs.features import TransferPanel


def before(question: TransferPanel, bench: Workbench) -> None:
    """Refuse what the images do not allow, for all variants see the same ones in the same way, and a level that the
    search cannot reach."""
    require_askable(question.of, question.level, bench)
    require_possible(next(iter(question.asked().values())), bench)


def answer(question: TransferPanel, inputs: Inputs, bench: Workbench) -> Answer:
    """See :func:`gathered`."""
    return gathered(question, inputs, ("test_accuracy",))
