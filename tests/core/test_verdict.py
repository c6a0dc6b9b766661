"""The verdict, against SciPy's own t-test and by cases."""

import numpy as np
import pytest
from scipy import stats

from lth_engine.core.verdict import half_width, judge, paired_difference


def test_interval_is_that_of_scipy():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.9, 0.01, 7), rng.normal(0.88, 0.02, 7)
    ours = paired_difference(first, second)
    theirs = stats.ttest_rel(first, second).confidence_interval(0.90)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_winning_is_the_one_sided_test_at_five_percent():
    rng = np.random.default_rng(1)
    agreements = 0
    for _ in range(200):
        ticket, dense = rng.normal(0.91, 0.01, 5), rng.normal(0.90, 0.01, 5)
        p = stats.ttest_rel(ticket, dense, alternative="greater").pvalue
        agreements += (judge(ticket, dense, {}, 0.01).word == "winning") == (p < 0.05)
    assert agreements == 200


@pytest.mark.parametrize(("ticket", "control", "word"), [
    ([0.95, 0.96, 0.95], [0.80, 0.81, 0.80], "winning"),
    ([0.95, 0.96, 0.95], [0.95, 0.97, 0.95], "matching"),   # above dense, but so is the control
    ([0.899, 0.90, 0.901], [0.80, 0.81, 0.80], "matching"),
    ([0.80, 0.81, 0.80], [0.70, 0.71, 0.70], "failing"),
    ([0.85, 0.99, 0.88], [0.70, 0.71, 0.70], "undecided"),
])
def test_the_four_words(ticket, control, word):
    verdict = judge(np.array(ticket), np.array([0.90, 0.90, 0.90]), {"random mask": np.array(control)}, 0.01)
    assert verdict.word == word
    assert verdict.sentence.startswith(f"{word} (n = 3, margin 1 points, paired t-test at 5%")
    assert "random mask" in verdict.sentence


def test_one_replicate_is_always_undecided():
    verdict = judge(np.array([0.99]), np.array([0.5]), {}, 0.01)
    assert verdict.word == "undecided"
    assert "n = 1" in verdict.sentence


def test_undecided_says_how_many_more_replicates_would_settle_it():
    ticket, dense = np.array([0.899, 0.905, 0.889]), np.array([0.9, 0.9, 0.9])
    verdict = judge(ticket, dense, {}, 0.01)
    assert verdict.word == "undecided"
    spread, gap = np.std(ticket - dense, ddof=1), abs((ticket - dense).mean() + 0.01)
    needed = next(n for n in range(4, 200) if stats.t.ppf(0.95, n - 1) * spread / np.sqrt(n) < gap)
    assert verdict.more == needed - 3


def test_more_replicates_may_also_settle_it_as_failing():
    verdict = judge(np.array([0.8845, 0.8905, 0.8965]), np.array([0.9, 0.9, 0.9]), {}, 0.01)
    assert verdict.word == "undecided"
    assert verdict.more == 1  # with four such differences the interval ends below 0


def test_differences_that_are_equal_by_chance_are_not_certain():
    ticket, dense = np.array([430, 431, 431]) / 450, np.array([429, 430, 430]) / 450
    assert judge(ticket, dense, {}, 0.001).word == "winning"
    assert judge(ticket, dense, {}, 0.001, images=450).word == "undecided"


def test_networks_that_guess_decide_nothing():
    guess = np.array([0.1, 0.1, 0.1])
    verdict = judge(guess, guess, {}, 0.01, images=1000, chance=0.1)
    assert verdict.word == "undecided"
    assert "did not learn" in verdict.sentence


def test_half_width_is_infinite_for_one_value():
    assert half_width(np.array([0.3])) == np.inf
    values = np.array([1.0, 2.0, 4.0])
    low, high = stats.t.interval(0.95, 2, loc=values.mean(), scale=stats.sem(values))
    assert half_width(values) == pytest.approx((high - low) / 2)
