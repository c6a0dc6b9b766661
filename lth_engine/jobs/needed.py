"""Which answers a job stands for: its question and all that the question needs."""

from __future__ import annotations

from typing import cast

from lth_engine.core.spec import Spec
from lth_engine.specs.question import Known, Question


def needed_keys(question: Spec, known: Known) -> set[str]:
    """Keys of a question and of everything that it needs, as far as the answers that are there tell."""
    keys: set[str] = set()
    left = [question]
    while left:
        spec = cast(Question, left.pop())
        key = spec.key
        if key not in keys:
            keys.add(key)
            left.extend(spec.needs(known))
    return keys
