"""The checks of a run notice what they are there for: each is broken once."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from lth_engine.core.mask import Mask
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet, Conv
from lth_engine.training.batches import Images
from lth_engine.training.evaluate import evaluate
from lth_engine.training.flops import forward_flops
from lth_engine.training.invariants import all_finite, disconnected, moved, rewound_exactly
from lth_engine.training.mean_loss import MeanLoss

MASK = Mask({"w": np.array([[True, True, False], [True, True, True]])})
START = {"w": np.array([[1.0, -2.0, 0.0], [3.0, -4.0, 5.0]], np.float32), "b": np.array([0.5], np.float32)}


def test_frozen_negative_weights_are_noticed():
    final = {"w": START["w"] + np.array([[0.1, 0.0, 0.0], [0.1, 0.0, 0.1]], np.float32)}
    assert moved(MASK, START, final) == (1.0, 0.0)
    assert moved(MASK, START, {"w": START["w"] + 0.1}) == (1.0, 1.0)


@pytest.mark.parametrize("name", ["w", "b"])
def test_a_rewind_that_is_off_by_one_bit_is_noticed(name):
    actual = {n: a.copy() for n, a in START.items()}
    assert rewound_exactly(MASK, actual, START)
    actual["w"][0, 2] = 7.0  # pruned: nobody's business
    assert rewound_exactly(MASK, actual, START)
    actual[name].reshape(-1)[0] = np.nextafter(actual[name].reshape(-1)[0], np.float32(9))
    assert not rewound_exactly(MASK, actual, START)


def test_units_and_layers_without_input_are_counted():
    kept = np.ones((4, 3, 2, 2), bool)
    kept[1], kept[3] = False, False
    assert disconnected(Mask({"a": kept, "b": np.zeros((2, 5), bool)})) == (4, 1)
    assert disconnected(MASK) == (0, 0)


def test_a_weight_that_is_not_finite_is_noticed():
    assert all_finite(START)
    assert not all_finite(START | {"b": np.array([np.inf])})


@pytest.mark.parametrize("spec", [CifarResnet(), Conv(layers=4)])
def test_flops_are_those_of_torchs_own_counter(spec):
    model = build(spec, 3, 32, 32, 10, 0).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, 32, 32))
    assert sum(forward_flops(model, 3, 32, 32).values()) == counter.get_total_flops()


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_is_a_naive_loop_and_leaves_the_mode(training):
    model = build(CifarResnet(depth=8, width=4), 1, 8, 8, 10, 0).train(training)
    x, y = torch.randint(0, 256, (2300, 1, 8, 8), dtype=torch.uint8), torch.randint(0, 10, (2300,))
    score = evaluate(model, Images(x, y, (0.4,), (0.3,), "cpu"))
    assert {layer.training for layer in model.modules()} == {training}
    model.eval()
    with torch.no_grad():
        logits = model((x.float() / 255 - 0.4) / 0.3)
    assert score.accuracy == pytest.approx((logits.argmax(1) == y).double().mean().item())
    assert score.loss == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-4)
    assert np.isnan(evaluate(model, Images(x[:0], y[:0], (0.4,), (0.3,), "cpu")).accuracy)


def test_mean_loss_survives_a_checkpoint_and_weighs_by_images():
    rng = np.random.default_rng(0)
    losses, counts = rng.random(700).astype(np.float32), rng.integers(1, 130, 700)
    whole, parts = MeanLoss(), MeanLoss()
    for loss, count in zip(losses, counts, strict=True):
        whole.add(torch.tensor(loss), int(count))
        parts.add(torch.tensor(loss), int(count))
        parts = MeanLoss.from_array(parts.to_array(), "cpu")
    assert whole.take() == parts.take() == pytest.approx(np.average(losses.astype(float), weights=counts))
    assert np.isnan(whole.take())
