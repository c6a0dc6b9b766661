"""A sentence about tickets that were brought without the weights that their training started from."""

from __future__ import annotations

from lth_engine.specs.features import FewShot
from lth_engine.specs.imported import UNKNOWN_START, start_known
from lth_engine.specs.sanity import SanityChecks


def unknown_start(question: FewShot | SanityChecks) -> str:
    """The sentence, after a space; empty where they are known."""
    known = start_known(question.of.search, question.level, question.of.replicates)
    return "" if known else f" {UNKNOWN_START}"
