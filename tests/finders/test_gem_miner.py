"""T45, and Gem-Miner against a plain rewrite."""

import itertools
import math
from fractions import Fraction

import pytest
import torch

from lth_engine.core.errors import BadInput
from lth_engine.finders.freezing_out import densities, rate
from lth_engine.finders.gem_miner import Miner
from lth_engine.specs.mask_learners import GemMiner
from tests.finders.learned_toys import NAMES, images, parameters, setting, toy, toy_loss


def test_T45_schedule_of_the_paper():
    search = GemMiner(length="150ep", period="5ep")
    times = search.times(steps_per_epoch=391)
    assert times == 29
    assert rate(0.0144, times) == pytest.approx(0.136037, abs=5e-7)
    left = 268_336
    for _ in range(times):  # the public code removes ceil(p x active) each time, so that the rounding adds up
        left -= math.ceil(rate(0.0144, times) * left)
    assert left == 3_861
    assert round(densities(Fraction("0.0144"), times)[-1] * 268_336) == 3_864  # the exact count


@pytest.mark.parametrize(("length", "period", "times"), [
    ("150ep", "5ep", 29), ("151ep", "5ep", 30), ("20ep", "1ep", 19), ("2ep", "1ep", 1), ("31it", "10it", 3),
    ("30it", "10it", 2), ("2ep", "3it", 2)])
def test_scores_are_frozen_out_after_every_period_that_ends_before_the_search(length, period, times):
    assert GemMiner(length=length, period=period).times(steps_per_epoch=4) == times


@pytest.mark.parametrize(("length", "period"), [("1ep", "1ep"), ("10it", "3ep")])
def test_a_search_of_too_few_periods_is_refused(length, period):
    with pytest.raises(BadInput, match=rf"after every {period}, but the search of {length} ends before"):
        GemMiner(length=length, period=period).require_length(4)


def mined(steps=20, **more):
    search = GemMiner(length="20it", period="5it", fraction=0.8, lr=0.3, **more)
    learner = Miner(setting(search, steps_per_epoch=1000))
    active, counts = [learner.active()], []
    for done in range(steps):
        learner.step(*images(seed=done), done)
        active.append(learner.active())
        counts.append(int(active[-1].sum()))
    return learner, active, counts


def test_what_is_frozen_out_stays_so_and_the_last_time_reaches_the_exact_density():
    _, active, counts = mined()
    left = [round(0.2 ** (done / 3) * 1476) for done in range(4)]
    assert counts == [*[left[0]] * 4, *[left[1]] * 5, *[left[2]] * 5, *[left[3]] * 6]
    assert counts[-1] == round(0.2 * 1476)
    assert all(bool((after <= before).all()) for before, after in itertools.pairwise(active))


def test_scores_rank_what_is_frozen_out_below_all_others_the_earliest_lowest():
    learner, active, _ = mined()
    score = torch.cat([s.reshape(-1) for s in learner.scores().values()])
    assert torch.isfinite(score).all()
    rounds = [active[0] & ~active[5], active[5] & ~active[10], active[10] & ~active[15], active[20]]
    assert all(int(r.sum()) > 100 for r in rounds)
    for lower, higher in itertools.pairwise(rounds):
        assert score[lower].max() < score[higher].min()
    assert score[active[20]].min() >= 0
    likely = learner.probabilities()
    assert float(likely[~active[20]].max()) == 0 <= float(likely.min()) <= float(likely.max()) <= 1


class Rounded(torch.autograd.Function):
    """1 above a half, else 0; its gradient is handed on as it is."""

    @staticmethod
    def forward(ctx, score):
        return score.gt(0.5).to(score.dtype)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def test_steps_are_those_of_a_plain_rewrite():
    search = GemMiner(length="10it", period="2it", fraction=0.7, lr=0.4, penalty=1e-3, momentum=0.8)
    learner = Miner(setting(search, total=10, steps_per_epoch=1000))
    weights = parameters(toy())
    scores = {n: learner.network.split(learner.learned)[n].clone().requires_grad_() for n in NAMES}
    flags = {n: torch.ones_like(s) for n, s in scores.items()}
    optimizer = torch.optim.SGD(scores.values(), lr=0.4, momentum=0.8)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for done in range(4):
        x, y = images(seed=done)
        optimizer.zero_grad()
        masks = {n: Rounded.apply(s) * flags[n] for n, s in scores.items()}
        loss = toy_loss(weights | {n: weights[n] * m for n, m in masks.items()}, x, y)
        loss = loss + 1e-3 * sum(s.square().sum() for s in scores.values())
        loss.backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for s in scores.values():
                s.clamp_(0, 1)
        kept = sum(float(m.detach().sum()) for m in masks.values()) / 1476
        active = sum(float(f.sum()) for f in flags.values()) / 1476
        found = [float(v) for v in learner.step(x, y, done)]
        assert found == pytest.approx([float(loss.detach()), kept, active], rel=1e-5)
        for name, value in learner.network.split(learner.learned).items():
            torch.testing.assert_close(value, scores[name].detach(), rtol=1e-4, atol=1e-6)
        if done == 1:  # the first time; lowest scores, ties (of clipped ones) by their place
            keep = round(0.3 ** (1 / 4) * 1476)
            flat = torch.cat([s.detach().reshape(-1) for s in scores.values()])
            order = torch.argsort(flat, descending=True, stable=True)
            flag = torch.zeros(1476)
            flag[order[:keep]] = 1
            flags = {"0.weight": flag[:36].view(4, 1, 3, 3), "4.weight": flag[36:].view(10, 144)}
            assert math.isclose(float(learner.active().sum()), keep)
