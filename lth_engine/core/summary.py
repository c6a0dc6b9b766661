"""The summary of an answer: plain scalars by name."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lth_engine.core.artifact import Scalar


def number(summary: Mapping[str, Scalar], name: str) -> float:
    """A number of a summary; NaN if it does not say it."""
    value = summary.get(name)
    return float(value) if isinstance(value, int | float) else math.nan
