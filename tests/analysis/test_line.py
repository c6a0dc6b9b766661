"""The parts of a curve: weights on a line, images in a mixed order, and statistics of them."""

import numpy as np
import pytest
import torch
from torch import nn

from lth_engine.analysis.lines.line import Line
from lth_engine.analysis.lines.norm_statistics import protocol, recalibrate, require_room, tracking
from lth_engine.analysis.shown_again import shown_again
from lth_engine.core.errors import BadInput
from lth_engine.training.batches import Images
from lth_engine.training.evaluate import evaluate
from lth_engine.training.material import take_weights
from lth_engine.training.mixed import Mixed


def net():
    """Every kind of normalisation behind a convolution and dropout, in the layout that training uses."""
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Dropout(0.5), nn.BatchNorm2d(4), nn.ReLU(), nn.GroupNorm(2, 4),
                          nn.Flatten(), nn.LayerNorm(16), nn.Linear(16, 3))
    return model.to(memory_format=torch.channels_last)


def drawn(seed):
    """Weights for :func:`net`; half of those of the convolution and the linear layer are 0."""
    draw = np.random.default_rng(seed)
    weights = {n: (draw.normal(size=a.shape).astype(a.dtype) if a.dtype.kind == "f" else a + seed)
               for n, a in take_weights(net()).items()}
    for name in ("0.weight", "7.weight"):
        weights[name] *= draw.random(weights[name].shape) < 0.5
    weights["2.running_var"] = np.abs(weights["2.running_var"])
    return weights


@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.3, 0.5, 0.77, 1.0])
def test_every_parameter_and_buffer_is_on_the_line(alpha):
    model, first, second = net(), drawn(1), drawn(2)
    Line(model, first, second).put(alpha)
    found = take_weights(model)
    assert len(found) == len(first) == 13
    for name, value in found.items():
        if value.dtype.kind == "f":
            exact = (1 - alpha) * first[name].astype(np.float64) + alpha * second[name].astype(np.float64)
            assert value == pytest.approx(exact, rel=1e-5, abs=1e-6)
            assert not value[(first[name] == 0) & (second[name] == 0)].any()
        else:
            assert value == take_weights(net())[name]
    union = (first["0.weight"] != 0) | (second["0.weight"] != 0)
    assert ((found["0.weight"] != 0) == union).all() or alpha in (0.0, 1.0)


def test_the_ends_are_exact_in_any_order_of_places():
    model, first, second = net(), drawn(1), drawn(2)
    line = Line(model, first, second)
    for alpha, end in ((1.0, second), (0.4, None), (0.0, first), (0.9, None), (1.0, second)):
        line.put(alpha)
        if end is not None:
            found = take_weights(model)
            assert all(np.array_equal(found[n], end[n]) for n in found if found[n].dtype.kind == "f")


def images(labels, seed=0):
    draw = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 256, (len(labels), 1, 4, 4), generator=draw, dtype=torch.uint8)
    x = (x // 4 + 60 * torch.tensor(labels)[:, None, None, None]).to(torch.uint8)  # each class has its brightness
    return Images(x, torch.tensor(labels), (0.5,), (0.25,), "cpu")


def test_mixed_images_are_all_shown_once_in_even_batches_that_are_alike(monkeypatch):
    monkeypatch.setattr(Images, "evaluation_batch", 100)
    sorted_by_class = images([0] * 301 + [1] * 301 + [2] * 301)
    shown = Mixed(sorted_by_class)
    batches = list(shown.in_order())
    counted = [len(y) for _, y in batches]
    assert len(batches) == 10
    assert max(counted) - min(counted) <= 1
    for x, y in batches:
        assert (torch.bincount(y, minlength=3) > 15).all(), "every class in every batch"
        assert x.is_contiguous(memory_format=torch.channels_last)
    stored = torch.cat([x for x, _ in sorted_by_class.in_order()])
    order = torch.cat(shown.parts)
    assert torch.equal(order.sort().values, torch.arange(903))
    assert torch.equal(torch.cat([x for x, _ in batches]), stored[order])
    assert torch.equal(torch.cat([y for _, y in batches]), sorted_by_class.y[order])
    again = list(Mixed(sorted_by_class).in_order())
    assert all(torch.equal(one[0], other[0]) for one, other in zip(batches, again, strict=True))


def test_statistics_are_the_mean_over_images_and_leave_the_rest_in_evaluation(monkeypatch):
    monkeypatch.setattr(Images, "evaluation_batch", 100)
    model, train = net(), Mixed(images([0, 1, 2] * 83 + [1, 1]))
    layer, = tracking(model)
    layer.running_mean.fill_(float("nan"))
    recalibrate(model, [layer], train)
    outputs = [model[0](x).detach().double().permute(1, 0, 2, 3).flatten(1) for x, _ in train.in_order()]
    sizes = np.array([len(part) for part in train.parts])
    assert sizes.tolist() == [84, 84, 83]
    mean = sum(n * o.mean(1) for n, o in zip(sizes, outputs, strict=True)) / sizes.sum()
    var = sum(n * o.var(1) for n, o in zip(sizes, outputs, strict=True)) / sizes.sum()
    assert layer.running_mean.tolist() == pytest.approx(mean.tolist(), rel=1e-5, abs=1e-6)
    assert layer.running_var.tolist() == pytest.approx(var.tolist(), rel=1e-5)
    assert layer.momentum == 0.1
    assert not any(module.training for module in model.modules())


def test_equal_batches_give_torchs_cumulative_average(monkeypatch):
    monkeypatch.setattr(Images, "evaluation_batch", 50)
    model, train = net(), Mixed(images([0, 1, 2, 0, 1] * 40))
    layer, = tracking(model)
    recalibrate(model, [layer], train)
    found = layer.running_mean.clone(), layer.running_var.clone()
    layer.reset_running_stats()
    layer.momentum = None
    layer.train()
    for x, _ in train.in_order():
        model(x)
    torch.testing.assert_close(found, (layer.running_mean, layer.running_var))


def test_batch_statistics_see_the_batch_and_nothing_else():
    model, shown = net(), Mixed(images([0, 1, 2] * 20))
    clean = evaluate(model.eval(), shown)
    protocol("batch", model, shown)()
    batch = evaluate(model, shown)
    assert batch.loss != clean.loss
    x, y = next(iter(shown.in_order()))
    again = net().eval()
    again.load_state_dict(model.state_dict(), strict=False)
    again[2].train()
    logits = again(x)
    assert batch.count == len(y) == 60
    assert batch.loss == pytest.approx(nn.functional.cross_entropy(logits, y).item(), rel=1e-6)
    assert batch.error == (logits.argmax(1) != y).sum().item() / 60


@pytest.mark.parametrize("how", ["recalibrated", "interpolated", "batch"])
def test_a_network_without_running_statistics_needs_no_protocol(how):
    model, counted = nn.Sequential(nn.Flatten(), nn.LayerNorm(16), nn.Linear(16, 3)), []
    shown, = shown_again([Mixed(images([0, 1, 2]))], counted.append)
    protocol(how, model, shown)()
    assert counted == []


def narrow():
    """Batch norm over 4 x 4 maps, and over 1 x 1 maps."""
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 2, 4), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 3))
    return model.eval()


@pytest.mark.parametrize(("how", "remedy"), [("batch", "interpolated, recalibrated"),
                                             ("recalibrated", "interpolated")])
def test_statistics_of_a_single_value_are_refused(how, remedy):
    one = images([1])
    example = next(one.in_order())[0]
    with pytest.raises(BadInput, match=rf"of the test images is a single image and has one at 2: .* {remedy}\."):
        require_room(how, narrow(), example, {"training": Mixed(images([0, 1])), "test": Mixed(one)})
    require_room(how, narrow(), example, {"training": Mixed(images([0, 1]))})
    require_room("interpolated", narrow(), example, {"test": Mixed(one)})
    wide = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(16, 3)).eval()
    require_room(how, wide, example, {"test": Mixed(one)})
    model = narrow()
    with pytest.raises(ValueError, match="more than 1 value per channel"):  # what it spares the user
        model.train()(example)
