"""How many weights are kept, by the lab's own rule and by those of public code; and which images a training uses.

The numbers are those that the public code gave when it was run: the rules here must give them for scores that are all
different, whatever the scores are.
"""

from fractions import Fraction

import numpy as np
import pytest
import torch

from lth_engine.core.errors import BadInput, LotteryError
from lth_engine.data.label_noise import noisy_labels
from lth_engine.data.subset import balanced_subset
from lth_engine.masking.count_rules import aws, kthvalue, open_lth
from lth_engine.masking.prunable import prunable
from lth_engine.masking.prune import prune_to_level
from lth_engine.models.build import build
from lth_engine.specs.finding import Imp, Lrr, OneShot
from lth_engine.specs.models import CifarResnet
from lth_engine.specs.training import Training
from lth_engine.training.chosen import chosen

RESNET20 = {name: tuple(p.shape) for name, p in prunable(build(CifarResnet(depth=20), 3, 32, 32, 10, 0)).items()}
LEVELS = (1, 2, 3, 5, 10, 15, 20, 25)
TABLE = {
    "exact": (216_717, 173_373, 138_699, 88_767, 29_087, 9_531, 3_123, 1_023),
    "open_lth": (216_715, 173_371, 138_695, 88_763, 29_081, 9_524, 3_116, 1_015),
    "aws": (216_716, 173_372, 138_697, 88_765, 29_085, 9_529, 3_121, 1_020),
    "kthvalue": (216_717, 173_374, 138_699, 88_768, 29_088, 9_532, 3_124, 1_024)}


def different(shapes, seed=0):
    """Scores that are all different, in random order over all tensors."""
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    order = torch.randperm(sum(sizes), generator=torch.Generator().manual_seed(seed)).double()
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), order.split(sizes), strict=True)}


def count(masks):
    return sum(int(mask.sum()) for mask in masks.values())


def descend(search, shapes, levels, ignored=0):
    """Masks of each level, with other scores at each, and what pruning them must never do checked on the way."""
    allowed = {name: torch.ones(shape, dtype=torch.bool) for name, shape in shapes.items()}
    for level in range(1, levels + 1):
        masks = prune_to_level(search, level, different(shapes, level), allowed, ignored)
        assert all(not bool((masks[name] & ~allowed[name]).any()) for name in shapes)
        yield masks
        allowed = masks


@pytest.mark.parametrize("rule", TABLE)
def test_T03_T04_counts_of_a_resnet20_by_each_rule(rule):
    assert sum(int(np.prod(shape)) for shape in RESNET20.values()) == 270_896
    kept = [count(masks) for masks in descend(Imp(rule=rule), RESNET20, max(LEVELS))]
    assert tuple(kept[level - 1] for level in LEVELS) == TABLE[rule]


def test_T04_open_lth_counts_the_ignored_layer_in_its_quota_and_takes_nothing_of_it():
    shapes = {name: shape for name, shape in RESNET20.items() if name != "fc.weight"}
    assert np.prod(RESNET20["fc.weight"]) == 640
    kept = [270_256] + [count(m) for m in descend(Imp(rule="open_lth", ignore=("fc.weight",)), shapes, 5, 640)]
    assert [kept[i] - kept[i + 1] for i in range(5)] == [54_181, 43_344, 34_676, 27_740, 22_192]


def test_T05_counts_of_a_mobilenet_by_the_rule_aws():
    kept = [count(masks) for masks in descend(Lrr(rule="aws"), {"all": (2_249_024,)}, 3)]
    assert kept == [1_799_219, 1_439_375, 1_151_500]


@pytest.mark.parametrize("draw", ["normal", "magnitude", "uniform", "heavy", "negative"])
def test_T06_kthvalue_at_a_density_of_ten_to_the_minus_1_8_whatever_the_scores(draw):
    generator = torch.Generator().manual_seed(5)
    normal = torch.randn(270_896, generator=generator, dtype=torch.float64)
    scores = {"normal": normal, "magnitude": normal.abs(), "uniform": torch.special.ndtr(normal),
              "heavy": (8 * normal).exp(), "negative": -normal.exp()}[draw]
    everything = {"all": torch.ones(270_896, dtype=torch.bool)}
    at_once = OneShot(fraction=1 - 10**-1.8, rule="kthvalue")
    assert count(prune_to_level(at_once, 1, {"all": scores}, everything)) == 4_294


def test_T06_kthvalue_in_a_hundred_steps_ends_at_the_same_count():
    search = Imp(fraction=1 - 10**-0.018, rule="kthvalue")
    assert [count(m) for m in descend(search, {"all": (270_896,)}, 100)][-1] == 4_294


def test_T07_equal_scores_keep_the_exact_count_and_by_open_lth_nothing():
    scores, everything = {"all": torch.ones(1000)}, {"all": torch.ones(1000, dtype=torch.bool)}
    kept = prune_to_level(Imp(), 1, scores, everything)["all"]
    assert bool(kept[:800].all())
    assert not bool(kept[800:].any())
    assert not bool(open_lth(scores["all"], Fraction(1, 5), 0).any())
    assert not bool(kthvalue(scores["all"], Fraction(4, 5), 1000).any())
    assert bool(aws(scores["all"], Fraction(1, 5)).all())
    with pytest.raises(BadInput, match=r"open_lth, a density of 0\.8 keeps no weight"):
        prune_to_level(Imp(rule="open_lth"), 1, scores, everything)


def test_T08_removing_everything_is_refused():
    with pytest.raises(LotteryError, match="fraction"):
        Imp(fraction=1.0)
    scores, everything = {"all": torch.rand(10)}, {"all": torch.ones(10, dtype=torch.bool)}
    for rule in ("exact", "open_lth", "aws"):
        with pytest.raises(BadInput):
            prune_to_level(Imp(fraction=0.99, rule=rule), 1, scores, everything)
    for nothing in (open_lth(scores["all"], Fraction(1), 0), aws(scores["all"], Fraction(1)),
                    kthvalue(scores["all"], Fraction(0), 10)):
        assert not bool(nothing.any())


@pytest.mark.parametrize("rule", TABLE)
def test_a_mask_does_not_depend_on_the_order_in_which_layers_are_given(rule):
    shapes = {"a": (7, 3), "b": (40,), "c": (5, 5)}
    scores, allowed = different(shapes), {name: torch.rand(shape) < 0.9 for name, shape in shapes.items()}
    first = prune_to_level(Imp(rule=rule), 2, scores, allowed)
    second = prune_to_level(Imp(rule=rule), 2, dict(reversed(scores.items())), allowed)
    assert all(torch.equal(first[name], second[name]) for name in shapes)


@pytest.mark.parametrize("rule", TABLE)
def test_layerwise_scope_applies_the_rule_to_each_layer_alone(rule):
    shapes = {"a": (100, 30), "b": (1000,)}
    masks = list(descend(Imp(rule=rule, scope="layerwise"), shapes, 2))[-1]
    alone = {name: list(descend(Imp(rule=rule), {name: shape}, 2))[-1] for name, shape in shapes.items()}
    assert all(int(masks[name].sum()) == count(alone[name]) for name in shapes)
    assert all(abs(int(masks[name].sum()) - 0.64 * masks[name].numel()) < 4 for name in shapes)


def test_T10_sparsity_of_the_levels_of_the_papers():
    sparsity = [f"{100 * (1 - Imp().density(level)):.2f}" for level in (5, 10, 15, 20, 25)]
    assert sparsity == ["67.23", "89.26", "96.48", "98.85", "99.62"]


def test_T16_a_subset_of_one_percent_holds_fifty_images_of_each_class():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 5000))
    subset = balanced_subset(labels, 0.01, 3)
    assert len(subset) == len(set(subset.tolist())) == 500
    assert np.bincount(labels[subset]).tolist() == [50] * 10
    assert np.array_equal(subset, balanced_subset(labels, 0.01, 3))
    assert not np.array_equal(subset, balanced_subset(labels, 0.01, 4))
    assert set(subset.tolist()) < set(balanced_subset(labels, 0.05, 3).tolist())
    index, given = chosen(torch.from_numpy(labels), Training(subset=0.01, subset_seed=3, label_noise=0.4))
    assert np.array_equal(index.numpy(), subset)  # balanced by true labels, noise or not
    assert not np.array_equal(given.numpy(), labels)


def test_T21_label_noise_is_drawn_as_in_open_lth():
    labels = np.full(50_000, 99, np.int64)
    noisy = noisy_labels(labels, 0.4, 10, 0)
    assert np.count_nonzero(noisy != 99) == 20_000
    first = (26247, 35067, 34590, 16668, 12196, 2600, 9047, 2206)
    assert noisy[list(first)].tolist() == [5, 0, 3, 3, 7, 9, 3, 5]
    assert (labels == 99).all()
    true = torch.arange(50_000) % 10
    index, given = chosen(true, Training(label_noise=0.4))
    assert index is None
    assert np.array_equal(given.numpy(), noisy_labels(true.numpy(), 0.4, 10, 0))
    assert np.count_nonzero(given.numpy() != true.numpy()) == pytest.approx(0.36 * 50_000, rel=0.02)
