"""Whether an optimisation was at rest: of curves in closed form."""

import numpy as np
import pytest

from lth_engine.analysis.bounds.settled import settled


def of(kl, bound=None):
    return settled({"kl": kl, "bound": np.ones(len(kl)) if bound is None else bound})


@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_a_drift_makes_a_tenth_of_its_way_in_the_last_tenth(scale):
    """However short the way is: the paper's learning rate hardly moves a small network."""
    found = of(2000 - scale * np.arange(1000.0))
    assert found["search_late_share"] == pytest.approx(100 / (999 - 49.5), rel=1e-6)


def test_a_decay_is_at_rest_when_it_is_over():
    epoch = np.arange(300.0)
    assert of(1000 + 500 * np.exp(-epoch / 30))["search_late_share"] < 1e-3
    assert 0.02 < of(1000 + 500 * np.exp(-epoch / 150))["search_late_share"] < 0.1
    noise = np.random.default_rng(0).normal(0, 5, 300)
    assert abs(of(1000 + 500 * np.exp(-epoch / 30) + noise)["search_late_share"]) < 0.02


def test_the_way_back_counts_as_negative():
    epoch = np.arange(300.0)
    assert of(1000 + 0.01 * (epoch - 200) ** 2)["search_late_share"] < 0


def test_the_fall_is_that_of_the_bound():
    bound = np.linspace(0.9, 0.45, 100)
    assert of(np.arange(100.0), bound)["search_fall"] == pytest.approx(1 - bound[-10:].mean() / 0.9)


def test_too_few_epochs_say_nothing_and_no_way_is_no_drift():
    assert of(np.arange(19.0)) == {"search_fall": None, "search_late_share": None}
    assert of(np.zeros(0)) == {"search_fall": None, "search_late_share": None}
    assert of(np.full(20, 7.0))["search_late_share"] == 0
