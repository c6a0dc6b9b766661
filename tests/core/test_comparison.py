"""Two searches compared, against SciPy's tests and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from lth_engine.core.comparison import common_levels, compare, default_margin, unmatched, welch_difference, word
from lth_engine.core.errors import UnknownName
from lth_engine.core.measures import MEASURES, measure
from lth_engine.core.search_table import Table, search_table, with_above_dense
from lth_engine.core.verdict import Difference

ACCURACY, DISTANCE, LOSS = MEASURES["test_accuracy"], MEASURES["learning_distance"], MEASURES["test_loss"]


def table(values: dict[int, list[float]], column: str = "test_accuracy", fraction: float = 0.2,
          **more: float) -> Table:
    """A search with these values by level, one a replicate."""
    return search_table({(level, replicate, "ticket"): {"density": (1 - fraction) ** level, column: value, **more}
                         for level, row in values.items() for replicate, value in enumerate(row)})


@pytest.mark.parametrize("seed", range(20))
def test_welch_is_that_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.normal(0.9, 0.01, rng.integers(2, 9))
    second = rng.normal(0.88, rng.uniform(0.001, 0.1), rng.integers(2, 9))
    ours = welch_difference(first, second)
    theirs = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.90)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.mean == pytest.approx(first.mean() - second.mean())


@pytest.mark.parametrize("paired", [True, False])
def test_words_are_two_one_sided_tests_at_five_percent(paired: bool) -> None:
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(300):
        first, second = rng.normal(0.9 + rng.uniform(-0.02, 0.02), 0.008, 4), rng.normal(0.9, 0.008, 4)
        (got,) = compare(table({1: list(first)}), table({1: list(second)}), ACCURACY, 0.02, paired=paired)
        def p(shift: float, side: str, first: object = first, second: object = second) -> float:
            if paired:
                return float(stats.ttest_rel(first - shift, second, alternative=side).pvalue)
            return float(stats.ttest_ind(first - shift, second, equal_var=False, alternative=side).pvalue)
        equivalent = max(p(-0.02, "greater"), p(0.02, "less")) < 0.05
        wanted = "equivalent" if equivalent else "better" if p(0, "greater") < 0.05 else \
            "worse" if p(0, "less") < 0.05 else "undecided"
        assert got.word == wanted
        assert got.paired == paired
        seen.add(wanted)
    assert seen == {"equivalent", "better", "worse", "undecided"}


def test_one_replicate_decides_nothing() -> None:
    for paired in (True, False):
        (got,) = compare(table({0: [0.9]}), table({0: [0.1]}), ACCURACY, 0.5, paired=paired)
        assert (got.word, got.counts, got.difference.low) == ("undecided", (1, 1), -math.inf)
    (got,) = compare(table({0: [0.9]}), table({0: [0.1, 0.2, 0.3]}), ACCURACY, 0.5, paired=False)
    assert (got.word, got.test) == ("undecided", "Welch, n = 1 and 3")


def test_no_spread_at_all() -> None:
    same = table({0: [2.0, 2.0]}, "learning_distance")
    (got,) = compare(same, same, DISTANCE, 0.1, paired=True)
    assert (got.word, got.difference.low, got.difference.high) == ("equivalent", 0, 0)
    (got,) = compare(table({0: [3.0, 3.0]}, "learning_distance"), same, DISTANCE, 0.1, paired=False)
    assert (got.word, got.difference.mean) == ("higher", 1.0)
    (got,) = compare(same, same, DISTANCE, 0.0, paired=False)
    assert got.word == "undecided", "nothing is within no margin"


def test_accuracies_are_known_to_one_image() -> None:
    """430 and 429 of 450 images in both replicates: by hand, t(1) = 6.3138, sd 1/450."""
    first, second = (table({0: [n / 450, n / 450]}, test_images=450) for n in (430, 429))
    (got,) = compare(first, second, ACCURACY, 0.001, paired=True)
    assert got.word == "undecided"
    assert got.difference.high == pytest.approx(1 / 450 + 6.313752 / 450 / math.sqrt(2))
    (got,) = compare(first, second, ACCURACY, 0.001, paired=False)  # Welch: 2 degrees of freedom, t = 2.91999
    assert got.difference.high == pytest.approx(1 / 450 + 2.919986 / 450 * math.sqrt(2 / 4))


def test_pairs_are_the_replicates_that_both_have() -> None:
    """Hand-checked: differences 1 and 3, mean 2, sd sqrt(2), half 6.3138 sqrt(2) / sqrt(2)."""
    first, second = table({1: [1.0, 5.0, 9.0]}, "test_loss"), table({1: [0.0, 2.0]}, "test_loss")
    (got,) = compare(first, second, LOSS, 1.0, paired=True)
    assert (got.difference.mean, got.counts) == (2.0, (2, 2))
    assert got.difference.high == pytest.approx(2 + 6.313752)
    (got,) = compare(first, second, LOSS, 1.0, paired=False)
    assert got.counts == (3, 2)


def test_values_that_are_missing_are_left_out() -> None:
    first, second = table({1: [0.5, math.nan, 0.7]}), table({1: [0.4, 0.5, 0.6], 2: [0.1]})
    (got,) = compare(first, second, ACCURACY, 0.01, paired=True)
    assert got.counts == (2, 2)
    assert compare(table({1: [math.nan]}), second, ACCURACY, 0.01, paired=True) == []
    assert compare(first, second, DISTANCE, 0.01, paired=True) == []


def test_densities_meet_whatever_their_level() -> None:
    halves, fifths = table({n: [1.0] for n in range(4)}, fraction=0.5), table({n: [1.0] for n in range(8)})
    assert common_levels(halves, fifths) == [(0, 0)], "0.512 is not 0.5"
    quarters = table({n: [1.0] for n in range(3)}, fraction=0.75)
    assert common_levels(halves, quarters) == [(0, 0), (2, 1)]
    near = {**fifths, "density": fifths["density"] * 1.004}
    assert common_levels(fifths, near) == [(n, n) for n in range(8)]


def test_the_words_follow_what_is_better() -> None:
    up, down = Difference(1.0, 0.5, 1.5, 3), Difference(-1.0, -1.5, -0.5, 3)
    assert [word(up, 0.1, b) for b in (1, -1, 0)] == ["better", "worse", "higher"]
    assert [word(down, 0.1, b) for b in (1, -1, 0)] == ["worse", "better", "lower"]
    assert word(up, 2.0, 1) == "equivalent", "above 0, but by less than anybody cares about"


def test_controls_are_compared_too() -> None:
    rows = {(level, r, v): {"density": 0.8**level, "test_accuracy": 0.9 - 0.1 * (v != "ticket") - 0.001 * r}
            for level in (0, 1) for r in range(2) for v in (("ticket", "redrawn") if level else ("ticket",))}
    got = compare(search_table(rows), search_table(rows), ACCURACY, 0.01, paired=True, variant="redrawn")
    assert [round(c.means[0], 4) for c in got] == [0.8995, 0.7995]


def test_margins_to_begin_with() -> None:
    assert default_margin(ACCURACY, table({0: [0.9]})) == 0.01
    assert default_margin(DISTANCE, table({0: [3.0, 5.0]}, "learning_distance")) == 0.2
    assert default_margin(DISTANCE, table({})) == 1.0


def test_an_unknown_measure_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean test_accuracy"):
        measure("test_acuracy")


def test_densities_without_a_partner_are_counted():
    def table(densities):
        return {"level": np.arange(len(densities)), "density": np.array(densities)}
    assert unmatched(table([1.0, 0.8, 0.64]), table([1.0, 0.5, 0.25, 0.125])) == (2, 3)
    assert unmatched(table([1.0, 0.5]), table([1.0, 0.5])) == (0, 0)


def test_a_better_dense_network_does_not_lose_less_by_that() -> None:
    """What is lost is judged against the own dense network: here the one that is better everywhere loses more. Of the
    dense networks themselves nothing is said: they are 0 by definition."""
    close = with_above_dense(table({0: [0.80, 0.81, 0.79], 1: [0.79, 0.80, 0.78]}))
    far = with_above_dense(table({0: [0.90, 0.91, 0.89], 1: [0.85, 0.86, 0.83]}))
    (ticket,) = compare(close, far, MEASURES["above_dense"], 0.01, paired=True)
    assert ticket.word == "better"
    assert ticket.means == pytest.approx((-0.01, -0.16 / 3))
    assert compare(close, far, ACCURACY, 0.01, paired=True)[1].word == "worse"
