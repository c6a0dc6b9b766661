"""One word on a barrier, the same for every reader."""

from __future__ import annotations

import math

import pytest

from lth_engine.core.connected import connected


@pytest.mark.parametrize(("barrier", "low", "high", "word"), [
    (0.01, 0.0, 0.019, "connected"), (0.01, 0.0, 0.02, "undecided"), (0.03, 0.019, 0.05, "undecided"),
    (0.03, 0.02, 0.05, "separated"), (0.0, 0.0, 0.0, "connected"), (0.0199, None, None, "connected"),
    (0.02, None, None, "separated"), (0.03, math.nan, math.nan, "separated")])
def test_the_interval_decides_where_there_is_one(barrier, low, high, word) -> None:
    assert connected(barrier, low, high, 0.02) == word
