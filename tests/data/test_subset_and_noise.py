"""Class-balanced subsets and label noise, against their definitions and the listed values."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from lth_engine.core.errors import BadInput
from lth_engine.data.label_noise import noisy_labels
from lth_engine.data.subset import balanced_subset

CIFAR = np.random.default_rng(0).permutation(np.arange(50_000) % 10)
"""Labels as CIFAR-10 has them: 5,000 of each class, in no order."""


def test_one_percent_of_cifar_is_50_images_a_class() -> None:
    chosen = balanced_subset(CIFAR, 0.01, 0)
    assert np.bincount(CIFAR[chosen]).tolist() == [50] * 10
    assert len(set(chosen.tolist())) == 500
    assert chosen.tolist() == sorted(chosen.tolist())


def test_the_seed_alone_decides() -> None:
    assert np.array_equal(balanced_subset(CIFAR, 0.01, 3), balanced_subset(CIFAR, 0.01, 3))
    common = set(balanced_subset(CIFAR, 0.01, 3)) & set(balanced_subset(CIFAR, 0.01, 4))
    assert len(common) < 30  # 5 are expected of two independent draws


def test_smaller_subsets_lie_inside_larger_ones() -> None:
    sets = [set(balanced_subset(CIFAR, fraction, 7).tolist()) for fraction in (0.001, 0.01, 0.02, 0.5, 1.0)]
    assert all(small < large for small, large in itertools.pairwise(sets))
    assert sets[-1] == set(range(50_000))


def test_every_class_keeps_an_image() -> None:
    labels = np.array([0] * 1000 + [1] * 3 + [4])
    chosen = balanced_subset(labels, 0.001, 0)
    assert np.bincount(labels[chosen]).tolist() == [1, 1, 0, 0, 1]
    assert np.bincount(labels[balanced_subset(labels, 0.5, 0)]).tolist() == [500, 2, 0, 0, 1]


def test_the_draw_is_pinned() -> None:
    """It must not change between versions: stored answers rest on it."""
    assert balanced_subset(np.array([0] * 6 + [1] * 4), 0.5, 7).tolist() == PINNED


PINNED = [0, 3, 5, 7, 8]


@pytest.mark.parametrize("fraction", [0, -0.1, 1.1, math.nan])
def test_a_fraction_that_makes_no_subset_is_refused(fraction: float) -> None:
    with pytest.raises(BadInput, match=r"must be in \(0, 1\]"):
        balanced_subset(CIFAR, fraction, 0)


def test_no_images_have_an_empty_subset() -> None:
    assert balanced_subset(np.zeros(0, np.int64), 0.5, 0).tolist() == []


def test_noise_at_forty_percent_is_that_of_the_published_code() -> None:
    """engines.md T21. Labels of 99 show which places were drawn, whatever was drawn there."""
    noisy = noisy_labels(np.full(50_000, 99), 0.4, 10, 0)
    assert int((noisy != 99).sum()) == 20_000
    places = [26247, 35067, 34590, 16668, 12196, 2600, 9047, 2206]
    assert noisy[places].tolist() == [5, 0, 3, 3, 7, 9, 3, 5]


def test_the_true_label_can_be_drawn() -> None:
    changed = int((noisy_labels(CIFAR, 0.4, 10, 0) != CIFAR).sum())
    assert changed == pytest.approx(18_000, abs=5 * math.sqrt(20_000 * 0.1 * 0.9))


def test_the_given_labels_stay_as_they_are() -> None:
    labels = np.zeros(10, np.int64)
    noisy = noisy_labels(labels, 1.0, 10, 1)
    assert labels.tolist() == [0] * 10
    assert noisy.dtype == np.int64
    assert noisy.tolist() != labels.tolist()
    assert noisy_labels(labels, 0.0, 10, 1).tolist() == labels.tolist()


def test_counts_are_rounded_up() -> None:
    assert int((noisy_labels(np.full(10, 99), 0.11, 10, 0) != 99).sum()) == 2


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(BadInput, match=r"must be in \[0, 1\]. Got 1.5"):
        noisy_labels(CIFAR, 1.5, 10, 0)
    with pytest.raises(BadInput, match=r"seed of label noise must be in \[0, 4294967294\]"):
        noisy_labels(CIFAR, 0.5, 10, 2**32)
