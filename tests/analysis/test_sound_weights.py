"""Stored weights that no analysis can use are refused with the names of their tensors."""

import numpy as np
import pytest
import torch

from lth_engine.analysis.sound_weights import require_finite, require_tensors
from lth_engine.core.errors import BadInput, NonFinite

STATE = {name: torch.zeros(3, 2) for name in "abcdefg"}


def weights(**changed):
    return {name: value.numpy() for name, value in STATE.items()} | changed


def test_tensors_that_differ_are_named():
    require_tensors(STATE, weights(more=np.zeros(1)), "of run k")
    given = weights(b=np.zeros((2, 3)))
    del given["d"]
    with pytest.raises(BadInput, match=r"of run k must .* but b, d differ or are missing: choose another run"):
        require_tensors(STATE, given, "of run k")
    with pytest.raises(BadInput, match=r"but a, b, c, d, e \.\.\. differ"):
        require_tensors(STATE, {}, "of run k")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_tensors_that_are_not_finite_are_named(bad):
    require_finite(weights(count=np.array(3)), "of run k")
    given = weights(c=np.array([1, bad]), e=np.array(bad, np.float32))
    with pytest.raises(NonFinite, match=r"of run k must be finite, but there is NaN or infinity in c, e: choose"):
        require_finite(given, "of run k")
