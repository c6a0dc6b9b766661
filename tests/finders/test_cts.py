"""Concrete Ticket Search against algorithms 1 to 3 written out, and what it finds on the digits."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from naive_cts import NaiveCts

from lth_engine.answer import answer
from lth_engine.core.workbench import Workbench
from lth_engine.finders.concrete import logistic_noise
from lth_engine.finders.cts import LARGEST, Concrete
from lth_engine.finders.learner import Setting
from lth_engine.masking.prunable import prunable
from lth_engine.objectives.compared import Compared
from lth_engine.objectives.masked_network import MaskedNetwork
from lth_engine.objectives.measured import measured
from lth_engine.specs.data import Digits
from lth_engine.specs.mask_learners import Cts
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.objectives import ReverseKl, TaskLoss
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.tickets import DenseTicket, FoundTicket, LearnedMask
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from lth_engine.training.batches import Batches
from lth_engine.training.material import material, network, put_weights
from tests.objectives.naive_objectives import ALL, IDS, Naive, batch, toy


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def searching(spec, model=None, density=0.3, total=10, names=None):
    """A search of a copy of the model, and a function that does its step number `done`."""
    model = toy() if model is None else model
    names = names or list(prunable(model))
    size = sum(prunable(model)[name].numel() for name in names)
    noise = torch.Generator()
    learner = Concrete(Setting(LearnedMask(search=spec), model, names, round(density * size), total, 5, noise))

    def step(done, x, y):
        noise.manual_seed(100 + done)
        return learner.step(x, y, done)
    return learner, step


def drawn(done, size):
    """The noise of a step; its distribution is tested by itself."""
    return logistic_noise(torch.empty(size, dtype=torch.float64), torch.Generator().manual_seed(100 + done))


def follow(spec, steps=4, above=0.15):
    """Both searches side by side, from logits a little `above` the beginning, so that the density is first too high
    and then too low; yields what each says and holds after every step."""
    learner, step = searching(spec)
    formulas, naive = Naive(toy(), spec.norm_statistics), NaiveCts(spec, len(learner.logits), learner.density)
    learner.logits.add_(above)
    naive.logits += above
    for done in range(steps):
        x, y = batch(seed=done)
        found = dict(zip(learner.columns, step(done, x, y), strict=True))
        expected = naive.step(lambda mask, x=x, y=y: formulas.value(spec.objective, mask, x, y),
                              drawn(done, len(learner.logits)))
        yield found, expected, learner.logits, naive.logits


@pytest.mark.parametrize("balance", ["gradbalance", "lagrange"])
@pytest.mark.parametrize("objective", ALL, ids=IDS)
def test_steps_are_those_of_the_algorithms(objective, balance):
    for found, expected, logits, naive in follow(Cts(objective=objective, balance=balance, slack=1.02)):
        for name, value in zip(("objective", "density_loss", "balancer"), expected, strict=True):
            torch.testing.assert_close(found[name], value, rtol=1e-7, atol=1e-9)
        torch.testing.assert_close(logits, naive, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("statistics", ["batch", "running"])
def test_steps_with_other_settings(statistics):
    spec = Cts(norm_statistics=statistics, temperature=0.5, smoothing=0.3, slack=1.0, lr=0.03)
    for found, expected, logits, naive in follow(spec, steps=6):
        torch.testing.assert_close(found["balancer"], expected[2], rtol=1e-7, atol=1e-9)
        torch.testing.assert_close(logits, naive, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("begin", "loss"), [("density", -1 / 11), ("held", 0.0)])
def test_T36_density_loss_at_the_beginning(begin, loss):
    _, step = searching(Cts(begin=begin, slack=1.1))
    assert float(step(0, *batch())[2]) == pytest.approx(loss, abs=1e-9)


@pytest.mark.parametrize("begin", ["density", "held"])
def test_T37_balancer_rises_only_while_the_density_is_above_the_one_held(begin):
    learner, step = searching(Cts(begin=begin, smoothing=0.0, slack=1.0))
    learner.logits.add_(0.5)
    assert float(step(0, *batch())[3]) > 0
    learner.logits.sub_(2.0)
    assert float(step(1, *batch())[3]) == 0


def test_learning_rate_drops_to_a_tenth_at_nine_tenths():
    learner, step = searching(Cts(), total=10)
    rates = []
    for done in range(10):
        step(done, *batch())
        rates.append(learner.optimizer.param_groups[0]["lr"])
    assert rates == [0.1] * 9 + [pytest.approx(0.01)]


def test_density_near_1_with_slack_is_held_below_1():
    learner, step = searching(Cts(slack=1.1, begin="held"), density=0.99)
    assert learner.held == LARGEST
    for done in range(3):
        assert all(bool(value.isfinite()) for value in step(done, *batch()))
    assert bool(learner.logits.isfinite().all())


@pytest.mark.parametrize("balance", ["gradbalance", "lagrange"])
def test_resumed_search_goes_on_to_the_same_bits(balance):
    spec = Cts(balance=balance)
    whole, first = searching(spec), searching(spec)
    for done in range(8):
        whole[1](done, *batch(done))
    for done in range(5):
        first[1](done, *batch(done))
    second = searching(spec)
    second[0].resume(copy.deepcopy(first[0].state()))
    for done in range(5, 8):
        second[1](done, *batch(done))
    assert torch.equal(whole[0].logits, second[0].logits)
    assert torch.equal(whole[0].balancer, second[0].balancer)
    assert not torch.equal(whole[0].logits, first[0].logits)


def test_same_seed_same_search_and_other_noise_another():
    one, other, third = (searching(Cts()) for _ in range(3))
    for done in range(3):
        one[1](done, *batch(done))
        other[1](done, *batch(done))
        third[1](done + 50, *batch(done))
    assert torch.equal(one[0].logits, other[0].logits)
    assert not torch.equal(one[0].logits, third[0].logits)


def test_ignored_layers_have_no_score_and_keep_all_their_weights():
    model = toy()
    learner, step = searching(Cts(), model, names=["0.weight", "3.weight"])
    step(0, *batch())
    assert list(learner.scores()) == ["0.weight", "3.weight"]
    assert len(learner.logits) == model[0].weight.numel() + model[3].weight.numel()


@pytest.mark.parametrize("statistics", ["batch", "running"])
def test_T38_the_network_is_the_same_bit_for_bit_after_the_search(statistics):
    model = toy()
    before = copy.deepcopy(model.state_dict())
    learner, step = searching(Cts(norm_statistics=statistics), model)
    inside = copy.deepcopy(learner.network.model.state_dict())
    for done in range(4):
        step(done, *batch(done))
    for state, known in ((model.state_dict(), before), (learner.network.model.state_dict(), inside)):
        assert state.keys() == known.keys()
        assert all(torch.equal(state[name], value) for name, value in known.items())


TRAINING = Training(length="3ep", batch_size=200, optimizer=Sgd(lr=0.1))
SMALL = Cts(length="4it", batch_size=128, rewind="1ep")


@pytest.mark.parametrize("level", [3, 19])
def test_T39_a_ticket_keeps_exactly_its_density_of_the_weights_of_the_rewind_point(level, tmp_path):
    start = DenseTicket(model=CifarResnet(depth=8, width=4), training=TRAINING, rewind="1ep")
    ticket = FoundTicket(start=start, training=TRAINING, search=SMALL.replace(ignore=("fc.weight",)), at_level=level)
    found = answer(ticket, Store(tmp_path / "store"), data_root=tmp_path)
    learned = answer(ticket.learned(), Store(tmp_path / "store"), data_root=tmp_path)
    dense = answer(start, Store(tmp_path / "store"), data_root=tmp_path)
    mask, size = found.group("mask"), sum(m.size for m in found.group("mask").values())
    assert sum(int(m.sum()) for m in mask.values()) == mask["fc.weight"].size + round(
        0.8**level * (size - mask["fc.weight"].size))
    assert mask["fc.weight"].all()
    scores = learned.group("score")
    kept = np.concatenate([s[mask[n]].ravel() for n, s in scores.items()])
    cut = np.concatenate([s[~mask[n]].ravel() for n, s in scores.items()])
    assert kept.min() >= cut.max()
    for name, value in dense.group("start").items():
        expected = np.where(mask[name], value, 0) if name in mask else value
        assert found.group("start")[name].tobytes() == expected.astype(value.dtype).tobytes()


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """LeNet-300-100 after 2 epochs, the digits, and all the training images as one batch."""
    root: Path = tmp_path_factory.mktemp("digits")
    training = Training(length="4ep", batch_size=128, optimizer=Sgd(lr=0.1, momentum=0.9))
    start = answer(DenseTicket(training=training, rewind="2ep"), Store(root / "store"), data_root=root)
    images = material(Digits(), Workbench(root))
    model = network(Lenet300100(), images.facts, 0, "cpu")
    put_weights(model, start.group("start"))
    x = torch.cat([x for x, _ in images.train.in_order()])
    y = torch.cat([y for _, y in images.train.in_order()])
    return model.eval(), images.train, x, y


def searched(digits, spec, density, steps):
    """The last density over the one asked for, and the hard mask."""
    model, images, _, _ = digits
    learner, step = searching(spec, model, density, steps)
    batches = Batches(images, Training(batch_size=256), 0, 0)
    per_epoch = batches.steps_per_epoch
    shown = (b for epoch in range(steps) for b in batches.epoch(epoch))
    for done in range(steps):
        last = step(done, *next(shown))
    assert per_epoch > 1
    mask = torch.zeros_like(learner.logits)
    mask[learner.logits.topk(round(density * len(mask))).indices] = 1
    return float(last[1]) / density, mask


def hard(digits, spec, mask):
    model, _, x, y = digits
    with torch.no_grad():
        return float(measured(spec, Compared(MaskedNetwork(model, list(prunable(model))), mask, x, y)))


@pytest.mark.parametrize("balance", ["gradbalance", "lagrange"])
@pytest.mark.parametrize("objective", [TaskLoss(), ReverseKl()], ids=lambda one: one.name)
def test_a_search_finds_a_better_ticket_than_magnitude_random_or_saliency(digits, objective, balance):
    """At 5% density, by the very objective on the very training images."""
    spec = Cts(objective=objective, balance=balance)
    reached, mask = searched(digits, spec, 0.05, 300)
    flat = MaskedNetwork(digits[0], list(prunable(digits[0]))).flat
    count, ours = int(mask.sum()), hard(digits, objective, mask)
    scores = {"random": torch.rand(len(flat), generator=torch.Generator().manual_seed(0)), "magnitude": flat.abs(),
              "snip": snip(digits)}
    for score in scores.values():
        other = torch.zeros_like(flat)
        other[score.topk(count).indices] = 1
        assert ours < 0.7 * hard(digits, objective, other)
    assert 0.8 < reached < 1.3


def snip(digits):
    model, _, x, y = digits
    leaf = torch.ones(sum(w.numel() for w in prunable(model).values()), requires_grad=True)
    net = MaskedNetwork(model, list(prunable(model)))
    loss = F.cross_entropy(net.logits(net.split(leaf * net.flat), x), y)
    return torch.autograd.grad(loss, leaf)[0].abs()
