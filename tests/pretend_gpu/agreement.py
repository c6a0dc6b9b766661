"""Whether two answers to one question say the same."""

from __future__ import annotations

import numpy as np

from lth_engine.core.artifact import Artifact

_OF_THE_MACHINE = ("seconds", "per_second", "milliseconds", "bytes")
"""Parts of names of numbers that differ from one computation to the next."""


def assert_agree(ours: Artifact, theirs: Artifact, relative: float = 0.0, absolute: float = 0.0) -> None:
    """Masks, counts and names are equal, and other numbers are within a tolerance; by default all bits are equal."""
    assert ours.arrays.keys() == theirs.arrays.keys()
    assert ours.summary.keys() == theirs.summary.keys()
    numbers = {name: (value, theirs.summary[name]) for name, value in ours.summary.items()}
    for name, (a, b) in {**{n: (ours.arrays[n], theirs.arrays[n]) for n in theirs.arrays}, **numbers}.items():
        if any(part in name for part in _OF_THE_MACHINE):
            continue
        if np.asarray(b).dtype.kind == "f":
            np.testing.assert_allclose(a, b, rtol=relative, atol=absolute, err_msg=name)
        else:
            np.testing.assert_array_equal(a, b, err_msg=name)
