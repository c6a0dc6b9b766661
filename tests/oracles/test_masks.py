"""Masks of magnitude, SNIP, GraSP and SynFlow agree with naive rewrites: same weights, same images, statistics of
normalisation that have seen images."""

import copy

import pytest
import torch

from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, Vgg
from lth_engine.specs.scorers import Grasp, Snip, StartMagnitude, Synflow
from tests.oracles import naive_scores
from tests.scorers.showing import digits, drawn, fashion, lived_in

DENSITIES = (0.1, 0.01)
SCORERS = {"magnitude": StartMagnitude(), "snip": Snip(), "grasp": Grasp()}


def network(spec, images):
    return lived_in(build(spec, *images[0].shape[1:], 10, 3), images[0])


def agreement(ours, theirs, density):
    """The fraction of the mask that is equal, after the counts are found to be exact."""
    total = sum(mask.numel() for mask in theirs.values())
    assert set(ours) == set(theirs)
    for mask in (ours, theirs):
        assert sum(int(m.sum()) for m in mask.values()) == round(density * total)
    both = sum(int((ours[name] & theirs[name]).sum()) for name in theirs)
    assert both >= 0.99 * round(density * total)  # at 1% density two masks without a weight in common are 98% equal
    return sum(int((ours[name] == theirs[name]).sum()) for name in theirs) / total


def check(spec, images, name, parts=2):
    model = network(spec, images)
    batches = list(zip(*(one.tensor_split(parts) for one in images), strict=True))
    theirs = getattr(naive_scores, name)(model, batches)
    total = sum(score.numel() for score in theirs.values())
    for density in DENSITIES:
        wanted = naive_scores.best(theirs, round(density * total))
        assert agreement(drawn(model, batches, SCORERS[name], density), wanted, density) >= 0.999


def check_synflow(spec, images, rounds, densities=DENSITIES):
    model = network(spec, images)
    for density in densities:
        theirs = naive_scores.synflow(copy.deepcopy(model), images[0].shape[1:], density, rounds)
        ours = drawn(model, [images], Synflow(rounds=rounds), density)
        assert agreement(ours, theirs, density) >= 0.999


@pytest.mark.parametrize("name", SCORERS)
def test_masks_of_a_narrow_vgg_on_digits(name):
    check(Vgg(depth=11, width=8), digits(side=32), name)


@pytest.mark.parametrize("name", SCORERS)
def test_masks_of_a_resnet20_on_fashion_mnist(name, fashion_root):
    check(CifarResnet(depth=20), fashion(), name)


def test_masks_of_synflow_in_a_hundred_rounds_on_a_narrow_resnet20():
    check_synflow(CifarResnet(depth=20, width=4), digits(), 100, densities=(0.1,))


def test_masks_of_synflow_on_a_resnet20(fashion_root):
    check_synflow(CifarResnet(depth=20), fashion(), 5)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCORERS)
def test_masks_of_a_vgg16_on_fashion_mnist(name, fashion_root):
    check(Vgg(depth=16), fashion(), name)


@pytest.mark.slow
@pytest.mark.parametrize("spec", [CifarResnet(depth=20), Vgg(depth=16)], ids=["resnet20", "vgg16"])
def test_masks_of_synflow_in_a_hundred_rounds(spec, fashion_root):
    check_synflow(spec, fashion(), 100)


def test_the_naive_mask_depends_on_what_is_scored():
    """That 99.9% are equal says something: masks of different scores are not."""
    images = digits()
    model = network(CifarResnet(depth=8, width=8), images)
    masks = [naive_scores.best(getattr(naive_scores, name)(model, [images]), 300) for name in SCORERS]
    both = sum(int((masks[1][name] & masks[2][name]).sum()) for name in masks[1])
    assert both < 200
    assert not all(torch.equal(masks[0][name], masks[1][name]) for name in masks[0])
