"""A place that is used again trains the next ticket exactly as a new one would."""

import numpy as np
import pytest
import torch

from lth_engine.core.ticket import Ticket
from lth_engine.specs.training import Training
from lth_engine.training import workplace as module
from lth_engine.training.batches import Batches
from lth_engine.training.loop import train
from lth_engine.training.material import network, take_weights
from lth_engine.training.workplace import workplace
from tests.acceptance.members import FLATNESS, OPTIMIZERS, TERMS
from tests.acceptance.toys import LENET, RESNET, random_mask


@pytest.fixture
def uncompiled(monkeypatch):
    """Places are kept where a network is compiled; here nothing is, so that it takes no time."""
    monkeypatch.setattr(torch, "compile", lambda model: model)
    monkeypatch.setattr(module, "_PLACES", {})


def ticket(spec, images, seed, density, level):
    model = network(spec, images.facts, seed, "cpu")
    return Ticket(random_mask(model, density, seed), take_weights(model), level)


def trained(spec, images, training, found, seed, anchor):
    step = workplace(spec, network(spec, images.facts, 99, "cpu"), training, found, seed, anchor)
    batches = Batches(images.train, training, seed, found.level)
    for _ in train(step, batches, start=0, stop=3, total=4):
        assert step.mask.count_nonzero() == 0
    with step.flatness.clean():
        return step, take_weights(step.model)


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("flatness", FLATNESS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_used_place_is_as_good_as_new(images, uncompiled, optimizer, flatness, term):
    training = Training(length="2ep", batch_size=300, optimizer=OPTIMIZERS[optimizer], flatness=FLATNESS[flatness],
                        term=TERMS[term], compile=True)
    first, second = ticket(LENET, images, 1, 1.0, 0), ticket(LENET, images, 2, 0.2, 3)
    anchors = [take_weights(network(LENET, images.facts, seed, "cpu")) for seed in (5, 6)]
    used, _ = trained(LENET, images, training, first, 1, anchors[0])
    again, ours = trained(LENET, images, training, second, 2, anchors[1])
    assert again is used
    module._PLACES.clear()
    new, expected = trained(LENET, images, training, second, 2, anchors[1])
    assert new is not used
    assert all(np.array_equal(ours[n], expected[n]) for n in ours)


def test_a_used_place_forgets_statistics_and_interpolation(images, uncompiled):
    training = Training(batch_size=300, compile=True, interpolate_norms=True, flatness=FLATNESS["sam"])
    first, second = ticket(RESNET, images, 1, 0.9, 1), ticket(RESNET, images, 2, 0.2, 2)
    trained(RESNET, images, training, first, 1, None)
    _, ours = trained(RESNET, images, training, second, 2, None)
    module._PLACES.clear()
    _, expected = trained(RESNET, images, training, second, 2, None)
    assert all(np.array_equal(ours[n], expected[n]) for n in ours)


def test_noise_differs_from_level_to_level(images):
    training = Training(batch_size=300, flatness=FLATNESS["nvrm"])
    noises = []
    for level in (0, 1, 1):
        step, _ = trained(LENET, images, training, ticket(LENET, images, 1, 1.0, level), 1, None)
        noises.append(step.flatness.noise[0])
    assert torch.equal(noises[1], noises[2])
    assert not torch.equal(noises[0], noises[1])
