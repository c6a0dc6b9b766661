"""Which answers a job stands for: its question and all that the question needs."""

from __future__ import annotations

from lth_engine.core.spec import Spec


def needed_keys(question: Spec) -> set[str]:
    """Keys of a question and of everything that it needs."""
    keys: set[str] = set()
    left = [question]
    while left:
        spec = left.pop()
        key = spec.key
        if key not in keys:
            keys.add(key)
            left.extend(spec.inputs())
    return keys
