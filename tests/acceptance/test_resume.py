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
    kills = (2, 2, 3)  # within an epoch, at the end of one, and within the next
    resumed = killed_and_resumed(images, training, build, tmp_path / "c.h5", kills)
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


def with_dropout(masks=None):
    """The same small network every time; what its dropout keeps in training is added to `masks`, step by step."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.Dropout(0.5), nn.Linear(20, 10))
    if masks is not None:
        model[2].register_forward_hook(lambda layer, _, out: masks.append(out != 0) if layer.training else None)
    return model


def test_T47_with_a_network_that_draws_at_random(images, tmp_path):
    training = Training(length=f"{EPOCHS}ep", batch_size=BATCH, flatness=FLATNESS["sam"])
    torch.manual_seed(1)
    whole = session(images, training, with_dropout())
    whole.run()
    torch.manual_seed(2)
    assert_same(whole, killed_and_resumed(images, training, with_dropout, tmp_path / "c.h5", kills=(3, 2)))


def test_dropout_draws_another_mask_at_every_step_and_the_same_ones_when_repeated_or_resumed(images, tmp_path):
    training = Training(length=f"{EPOCHS}ep", batch_size=BATCH)
    first, again, resumed = [], [], []
    for seed, masks in enumerate((first, again)):
        torch.manual_seed(seed)
        session(images, training, with_dropout(masks)).run()
    assert len(first) == EPOCHS * PER_EPOCH
    rows = min(map(len, first))
    assert all(0.45 < mask.double().mean() < 0.55 for mask in first)
    assert not any(torch.equal(a[:rows], b[:rows]) for a, b in itertools.combinations(first, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    killed_and_resumed(images, training, lambda: with_dropout(resumed), tmp_path / "c.h5", kills=(3, 4))
    assert all(torch.equal(a, b) for a, b in zip(first, resumed, strict=True))


@pytest.mark.parametrize("change", [{"order_seed": 2}, {"level": 3}])
def test_another_run_and_another_level_draw_other_dropout(images, change):
    training, drawn = Training(length="1ep", batch_size=BATCH), []
    for seeds in ({"order_seed": 1, "level": 2}, {"order_seed": 1, "level": 2} | change):
        masks = []
        one = session(images, training, with_dropout(masks))
        one.batches, one.stop = Batches(images.train, training, **seeds), 3
        one.run()
        drawn.append(masks)
    assert not any(torch.equal(a, b) for a, b in zip(*drawn, strict=True))


def test_trainings_that_take_turns_do_not_disturb_one_another(images):
    training = Training(length=f"{EPOCHS}ep", batch_size=BATCH, flatness=FLATNESS["nvrm"],
                        optimizer=OPTIMIZERS["adam"])
    alone = session(images, training, with_dropout())
    alone.run()
    together = [session(images, training, with_dropout()) for _ in range(2)]
    for _ in zip(*(s.steps() for s in together), strict=True):
        pass
    assert_same(alone, together[0])
    assert_same(alone, together[1])
