"""Images that stay on the device, and the score of a network on them."""

import numpy as np
import pytest
import torch
from torch import nn

from lth_engine.analysis.lines import score as module
from lth_engine.analysis.lines.score import score
from lth_engine.analysis.shown_again import shown_again
from lth_engine.core.errors import Cancelled
from lth_engine.training.batches import Images
from lth_engine.training.evaluate import evaluate
from lth_engine.training.mixed import Mixed


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(Images, "evaluation_batch", 30)


def images(count):
    draw = torch.Generator().manual_seed(count)
    x = torch.randint(0, 256, (count, 2, 4, 4), generator=draw, dtype=torch.uint8)
    return Mixed(Images(x, torch.randint(0, 3, (count,), generator=draw), (0.5,) * 2, (0.25,) * 2, "cpu"))


def test_held_batches_are_those_of_the_first_pass_and_are_made_once(monkeypatch):
    counted, made = [], []
    normalise = Images.normalise
    monkeypatch.setattr(Images, "normalise", lambda self, x: made.append(len(x)) or normalise(self, x))
    kept, = shown_again([images(100)], counted.append)
    passes = [list(kept.in_order()) for _ in range(3)]
    assert made == [25] * 4
    assert counted == [25] * 12
    for batches in passes:
        for (x, y), (plain_x, plain_y) in zip(batches, images(100).in_order(), strict=True):
            assert torch.equal(x, plain_x)
            assert torch.equal(y, plain_y)
            assert x.is_contiguous(memory_format=torch.channels_last)


def test_a_pass_that_is_stopped_is_not_mistaken_for_a_whole_one():
    left = [3]

    def seen(count):
        left[0] -= 1
        if left[0] == 0:
            raise Cancelled("Stopped.")

    kept, = shown_again([images(100)], seen)
    with pytest.raises(Cancelled):
        list(kept.in_order())
    assert sum(len(y) for _, y in kept.in_order()) == 100


def test_images_are_held_within_the_budget():
    sets = [images(100), images(50), images(10)]
    size = 4 * 2 * 4 * 4
    assert [kept.keep for kept in shown_again(sets, budget=160 * size)] == [True, True, True]
    assert [kept.keep for kept in shown_again(sets, budget=160 * size - 1)] == [True, True, False]
    assert [kept.keep for kept in shown_again(sets, budget=60 * size)] == [False, True, True]
    loose = shown_again(sets, budget=0)[0]
    one, other = (list(loose.in_order()) for _ in range(2))
    assert one[0][0] is not other[0][0]
    assert torch.equal(one[0][0], other[0][0])


@pytest.mark.parametrize("at_once", [1, 100, 1 << 20])
def test_the_score_is_that_of_a_plain_evaluation(at_once, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    model = nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).eval()
    shown = images(100)
    found, plain = score(model, shown), evaluate(model, shown)
    assert found.error == plain.error > 0
    assert found.loss == pytest.approx(plain.loss, rel=1e-6)
    wrong = np.concatenate([(model(x).argmax(1) != y).numpy() for x, y in shown.in_order()])
    assert np.array_equal(found.wrong.numpy(), wrong)


def test_a_dead_network_is_scored_as_it_is_elsewhere():
    """All logits are equal: the first class is the answer."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).eval()
    nn.init.zeros_(model[1].weight)
    nn.init.zeros_(model[1].bias)
    shown = images(100)
    assert score(model, shown).error == evaluate(model, shown).error == (shown.y != 0).double().mean().item()
    assert score(model, shown).loss == pytest.approx(np.log(3))
