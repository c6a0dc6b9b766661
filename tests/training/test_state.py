"""What is said of weights that are no longer finite."""

import pytest
from torch import nn

from lth_engine.training.state import first_not_finite
from tests.waits import waits


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


@pytest.mark.parametrize(("wrong", "first"), [
    ((), None), (("2.bias",), "2.bias"), (("1.running_var",), "1.running_var"), (("2.weight", "0.bias"), "0.bias")])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_the_first_that_is_not_finite_is_named(wrong, first, value):
    model = network()
    for name in wrong:
        model.state_dict()[name].view(-1)[-1] = value
    assert first_not_finite(model) == first


def test_all_weights_are_looked_at_with_one_wait():
    with waits() as seen:
        assert first_not_finite(network()) is None
    assert len(seen) == 1
