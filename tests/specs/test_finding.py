"""The counting rule, against numbers computed elsewhere and against exact integers."""

from __future__ import annotations

import pytest

from lth_engine.specs.finding import Imp, OneShot
from lth_engine.specs.scorers import RandomScore

RESNET20 = 270_896
"""Prunable weights of ResNet-20 with projection shortcuts."""

REMAINING = {1: 216_717, 2: 173_373, 3: 138_699, 5: 88_767, 10: 29_087, 15: 9_531, 20: 3_123, 25: 1_023}
"""round(N 0.8^L), computed apart from this code."""


@pytest.mark.parametrize(("level", "kept"), REMAINING.items())
def test_kept_weights_of_resnet20(level: int, kept: int) -> None:
    assert Imp().kept(level, RESNET20) == kept


@pytest.mark.parametrize("level", range(60))
def test_rounding_does_not_add_up(level: int) -> None:
    numerator, denominator = 4**level * 266_200, 5**level
    assert abs(Imp().kept(level, 266_200) * denominator - numerator) * 2 <= denominator


def test_level_zero_is_dense_and_density_falls() -> None:
    for search in (Imp(), OneShot(), Imp(fraction=0.99), Imp(fraction=1 / 3)):
        assert search.density(0) == 1.0
        assert search.kept(0, RESNET20) == RESNET20
        counts = [search.kept(level, RESNET20) for level in range(30)]
        assert counts == sorted(counts, reverse=True)


def test_density_is_the_power() -> None:
    assert Imp(fraction=0.1).density(2) == 0.81
    assert Imp().density(10) == pytest.approx(0.8**10, rel=1e-15)


def test_what_decides_the_mask() -> None:
    assert [Imp().reads_level(level) for level in (1, 2, 7)] == [0, 1, 6]
    assert [OneShot().reads_level(level) for level in (1, 2, 7)] == [0, 0, 0]
    assert OneShot(scorer=RandomScore()).reads_level(5) is None
