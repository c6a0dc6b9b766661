"""How well the features of a frozen network serve on other images, under a new linear classifier."""

from __future__ import annotations

from lth_engine.analysis.features.classifier import trained
from lth_engine.analysis.features.frozen import require_possible
from lth_engine.core.artifact import Answer, Inputs
from lth_engine.core.workbench import Workbench
from lth_engine.specs.features import FeatureTransfer


def before(question: FeatureTransfer, bench: Workbench) -> None:
    """Refuse what the images do not allow; see :func:`require_possible`."""
    require_possible(question, bench)


def answer(question: FeatureTransfer, inputs: Inputs, bench: Workbench) -> Answer:
    """Train the classifier; see :func:`trained`."""
    return trained(question, inputs, bench)[0]
