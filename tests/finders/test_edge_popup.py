"""T44, and edge-popup against a plain rewrite."""

import math
from fractions import Fraction

import pytest
import torch
from torch import nn

from lth_engine.finders.edge_popup import Popup, first_scores, kept_in_forward
from lth_engine.specs.mask_learners import EdgePopup
from tests.finders.learned_toys import images, parameters, setting, toy, toy_loss


def test_T44_each_layer_keeps_size_minus_floor_of_what_is_removed_in_the_forward_pass():
    for size in (1, 9, 36, 1000, 1440):
        for density in (Fraction(1), Fraction(1, 2), Fraction("0.2"), Fraction("0.0144")):
            assert kept_in_forward(size, density) == math.ceil(density * size)
    learner = Popup(setting(EdgePopup(fraction=0.3)))  # density 0.7
    mask = learner.network.split(learner.mask())
    assert {n: int(m.sum()) for n, m in mask.items()} == {"0.weight": 36 - 10, "4.weight": 1440 - 432}
    for name, score in learner.scores().items():
        assert score[mask[name] == 1].min() > score[mask[name] == 0].max()


def test_what_is_kept_shows_as_a_half_and_more():
    for scope in ("layerwise", "global"):
        learner = Popup(setting(EdgePopup(fraction=0.3, scope=scope)))
        assert torch.equal(learner.probabilities() >= 0.5, learner.mask() == 1)
        learner.learned.zero_()
        assert float(learner.probabilities().abs().max()) == 0


def test_one_threshold_for_all_layers_where_they_are_ranked_together():
    learner = Popup(setting(EdgePopup(fraction=0.3, scope="global")))
    score, mask = torch.cat([s.reshape(-1) for s in learner.scores().values()]), learner.mask()
    assert int(mask.sum()) == 1476 - 442
    assert score[mask == 1].min() > score[mask == 0].max()


def test_first_scores_are_kaimings_uniform_draw():
    ours = first_scores(torch.Size((8, 5, 3, 3)), torch.Generator().manual_seed(3))
    torch.manual_seed(3)
    theirs = nn.init.kaiming_uniform_(torch.empty(8, 5, 3, 3), a=math.sqrt(5))
    torch.testing.assert_close(ours, theirs)


class LargestKept(torch.autograd.Function):
    """The mask of the largest values; its gradient is handed on as it is."""

    @staticmethod
    def forward(ctx, size, density):
        order = size.reshape(-1).sort(descending=True).indices
        mask = torch.zeros(size.numel())
        mask[order[:math.ceil(density * size.numel())]] = 1
        return mask.view_as(size)

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None


@pytest.mark.parametrize("scale_fan", [True, False])
def test_steps_are_those_of_a_plain_rewrite(scale_fan):
    search = EdgePopup(fraction=0.75, lr=0.5, weight_decay=0.01, momentum=0.8, scale_fan=scale_fan)
    learner = Popup(setting(search, total=10))
    weights = parameters(toy())
    scores = {n: learner.network.split(learner.learned)[n].clone().requires_grad_() for n in ("0.weight", "4.weight")}
    signed = {n: s.clone() for n, s in scores.items()}
    optimizer = torch.optim.SGD(scores.values(), lr=0.5, momentum=0.8, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for done in range(3):
        x, y = images(seed=done)
        optimizer.zero_grad()
        masked = {n: weights[n] * LargestKept.apply(s.abs(), 0.25) * (2 if scale_fan else 1)
                  for n, s in scores.items()}
        loss = toy_loss(weights | masked, x, y)
        loss.backward()
        optimizer.step()
        schedule.step()
        found, density = learner.step(x, y, done)
        torch.testing.assert_close(found, loss.detach())
        assert float(density) == pytest.approx((9 + 360) / 1476)
        for name, value in learner.network.split(learner.learned).items():
            torch.testing.assert_close(value, scores[name].detach(), rtol=1e-4, atol=1e-6)
    assert all(not torch.equal(signed[n], s) for n, s in scores.items())
