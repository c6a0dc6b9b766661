"""T47: a training that was killed and resumed ends with the same bits as one that ran through."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from lth_engine.core.workbench import Workbench
from lth_engine.specs.training import Training
from lth_engine.store.checkpoint import StoreCheckpoint
from lth_engine.training.batches import Batches
from lth_engine.training.material import network, take_weights
from lth_engine.training.session import Session
from tests.acceptance.members import FLATNESS, OPTIMIZERS, TERMS
from tests.acceptance.toys import LENET, RESNET, stepper

EPOCHS, BATCH = 3, 350
PER_EPOCH = 4


def session(images, training, model, checkpoint=None, seconds=0.0):
    bench = Workbench(None, checkpoint_seconds=seconds) if checkpoint is None else Workbench(
        None, checkpoint=checkpoint, checkpoint_seconds=seconds)
    batches = Batches(images.train, training, 1, 2)
    assert batches.steps_per_epoch == PER_EPOCH
    anchor = take_weights(model) if training.term.anchor else None
    total = EPOCHS * PER_EPOCH
    return Session(stepper(model, training, seed=6, anchor=anchor), images, batches, 0, total, total, bench, "test")


def killed_and_resumed(images, training, build, path, kills):
    """Kill after so many steps each time (nothing is saved then but what was saved before), and finish at last."""
    for steps in kills:
        sitting = session(images, training, build(), StoreCheckpoint(path, writable=True)).steps()
        for _ in itertools.islice(sitting, steps):
            pass
        del sitting
        torch.manual_seed(steps)  # another process draws something else
        torch.rand(steps)
    last = session(images, training, build(), StoreCheckpoint(path, writable=True), seconds=1e9)
    last.run()
    return last


def assert_same(first, second):
    ours, theirs = take_weights(first.model), take_weights(second.model)
    assert all(ours[n].tobytes() == theirs[n].tobytes() for n in ours)
    slots = [{(i, slot): value for i, s in enumerate(x.stepper.optimizer.state.values()) for slot, value in s.items()}
             for x in (first, second)]
    assert slots[0].keys() == slots[1].keys()
    assert all(value is None or torch.equal(value, slots[1][k]) for k, value in slots[0].items())
    ours, theirs = first.history(), second.history()
    assert all(np.array_equal(ours[c], theirs[c], equal_nan=True) for c in ours)


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("flatness", FLATNESS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_T47_killed_and_resumed_is_the_same_to_the_bit(images, tmp_path, optimizer, flatness, term):
    training = Training(length=f"{EPOCHS}ep", batch_size=BATCH, optimizer=OPTIMIZERS[optimizer],
                        flatness=FLATNESS[flatness], term=TERMS[term], flip=True, crop=1, evaluate_every="3it")

    def build():
        return network(LENET, images.facts, 0, "cpu")
    whole = session(images, training, build())
    whole.run()
    resumed = killed_and_resumed(images, training, build, tmp_path / "c.h5", kills=(2, 2, 3))  # within, at an end, within
    assert_same(whole, resumed)


@pytest.mark.parametrize("flatness", FLATNESS)
@pytest.mark.parametrize("optimizer", ["paper", "adam"])
def test_T47_with_interpolated_norms_subset_and_noisy_labels(images, tmp_path, optimizer, flatness):
    training = Training(length=f"{EPOCHS}ep", batch_size=80, optimizer=OPTIMIZERS[optimizer], interpolate_norms=True,
                        flatness=FLATNESS[flatness], subset=0.25, label_noise=0.2, resized_crop=True,
                        precision="bfloat16")

    def build():
        return network(RESNET, images.facts, 0, "cpu")
    whole = session(images, training, build())
    whole.run()
    assert_same(whole, killed_and_resumed(images, training, build, tmp_path / "c.h5", kills=(3, 2)))


def test_T47_with_a_network_that_draws_at_random(images, tmp_path):
    training = Training(length=f"{EPOCHS}ep", batch_size=BATCH, flatness=FLATNESS["sam"])

    def build():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.Dropout(0.5), nn.Linear(20, 10))
    torch.manual_seed(1)
    whole = session(images, training, build())
    whole.run()
    torch.manual_seed(2)
    assert_same(whole, killed_and_resumed(images, training, build, tmp_path / "c.h5", kills=(3, 2)))


def test_trainings_that_take_turns_do_not_disturb_one_another(images):
    training = Training(length=f"{EPOCHS}ep", batch_size=BATCH, flatness=FLATNESS["nvrm"], optimizer=OPTIMIZERS["adam"])

    def build():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.Dropout(0.5), nn.Linear(20, 10))
    alone = session(images, training, build())
    alone.run()
    together = [session(images, training, build()) for _ in range(2)]
    for _ in zip(*(s.steps() for s in together), strict=True):
        pass
    assert_same(alone, together[0])
    assert_same(alone, together[1])
