"""T46, and continuous sparsification against a plain rewrite."""

import math

import pytest
import torch

from lth_engine.finders.continuous_sparsification import LOWEST, Sparsified, kept_between, soft_mask
from lth_engine.specs.mask_learners import ContinuousSparsification
from tests.finders.learned_toys import NAMES, images, parameters, setting, toy, toy_loss


def test_T46_nothing_is_masked_at_first_and_a_hard_mask_is_worth_one_over_sigmoid_of_s0():
    for first in (-0.3, 0.0, 0.3, -10.0):
        hard = 1 + math.exp(-first)
        start = soft_mask(torch.full((3,), first), 1.0, first)
        torch.testing.assert_close(start, torch.ones(3))
        end = soft_mask(torch.tensor([-5.0, 5.0]), 1e4, first)
        torch.testing.assert_close(end, torch.tensor([0.0, hard]))
    assert soft_mask(torch.zeros(3), 1.0, 0.0).tolist() == [1, 1, 1]


def test_between_rounds_the_suppression_stays_for_beta_goes_back_after_it():
    s = torch.tensor([-0.03, -0.001, 0.0, 0.5])
    kept = kept_between(s, 200.0, 0.0)
    torch.testing.assert_close(kept, torch.tensor([-6.0, -0.2, 0.0, 0.0]))
    assert float(torch.sigmoid(kept[0])) == pytest.approx(0.0025, abs=5e-5)  # .4925 in the public code
    deep = torch.tensor([-1.0])
    for _ in range(100):
        deep = kept_between(deep, 1e6, 0.0)
    assert float(deep) == pytest.approx(LOWEST)
    assert float(torch.sigmoid(1e6 * deep)) == 0


def betas(total, per_epoch, hardness=16.0):
    learner = Sparsified(setting(ContinuousSparsification(hardness=hardness), total=total, steps_per_epoch=per_epoch))
    return [float(learner.step(*images(4, seed=done), done)[2]) for done in range(2 * total)]


def test_beta_grows_by_the_same_factor_each_epoch_of_a_round_and_goes_back():
    assert betas(6, 2) == pytest.approx(2 * [1, 1, 4, 4, 16, 16])
    assert betas(5, 2) == pytest.approx(2 * [1, 1, 4, 4, 16])
    assert betas(3, 9) == pytest.approx(2 * [1, 4, 16])
    assert betas(1, 9) == [1, 1]


def test_steps_of_two_rounds_are_those_of_a_plain_rewrite():
    search = ContinuousSparsification(begin=0.1, hardness=5.0, penalty=1e-4, lr=0.05, weight_decay=0.01, momentum=0.8,
                                      rounds=2)
    learner = Sparsified(setting(search, total=4, steps_per_epoch=2))
    weights = {n: p.requires_grad_() for n, p in parameters(toy()).items()}
    s = {n: torch.full_like(weights[n], 0.1).requires_grad_() for n in NAMES}
    of_weights = torch.optim.SGD(weights.values(), lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.01)
    of_masks = torch.optim.SGD(s.values(), lr=0.05, momentum=0.8, nesterov=True)
    sigmoid = 1 / (1 + math.exp(-0.1))
    for done in range(8):
        within, (x, y) = done % 4, images(seed=done)
        if done == 4:
            with torch.no_grad():
                for value in s.values():
                    value.copy_(torch.minimum(5.0 * value, torch.tensor(0.1)))
        beta = 1.0 if within < 2 else 5.0
        for optimizer in (of_weights, of_masks):
            optimizer.param_groups[0]["lr"] = 0.05 * (0.1 if within == 3 else 1)  # 3/4 lies between 56/85 and 71/85
            optimizer.zero_grad()
        masks = {n: torch.sigmoid(beta * value) / sigmoid for n, value in s.items()}
        loss = toy_loss(weights | {n: weights[n] * masks[n] for n in NAMES}, x, y)
        loss = loss + 1e-4 * sum(m.sum() for m in masks.values())
        loss.backward()
        density = float(torch.cat([torch.sigmoid(beta * v).reshape(-1) for v in s.values()]).mean().detach())
        of_weights.step()
        of_masks.step()
        found = [float(v) for v in learner.step(x, y, done)]
        assert found == pytest.approx([float(loss.detach()), density, beta], rel=1e-4)
        for name in NAMES:
            torch.testing.assert_close(learner.scores()[name], s[name].detach(), rtol=1e-3, atol=1e-5)
            torch.testing.assert_close(learner.network.split(learner.weights)[name].detach(), weights[name].detach(),
                                       rtol=1e-3, atol=1e-5)
        for name, value in learner.others.items():
            torch.testing.assert_close(value.detach(), weights[name].detach(), rtol=1e-3, atol=1e-5)
    assert set(learner.others) == set(weights) - set(NAMES)
