"""Each score against its definition: finite differences, closed forms, and what the original code computes."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from lth_engine.core.errors import BadInput, NonFinite
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.scorers import grasp, saliency, snip, synflow
from lth_engine.specs.models import CifarResnet, Vgg
from lth_engine.specs.objectives import GradientNorm, ReverseKl, TaskLoss
from lth_engine.specs.scorers import Grasp, Saliency, Snip, StartMagnitude, Synflow
from tests.scorers.showing import digits, drawn, everything, lived_in, shown, whole


@pytest.fixture
def toy():
    """A small network in float64 with batch normalisation off its initial values, and batches of unequal size."""
    torch.manual_seed(4)
    model = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.BatchNorm2d(4), nn.Tanh(), nn.Flatten(), nn.Linear(36, 10))
    x, y = digits(30, side=8, channels=1)
    return lived_in(model.double(), x.double()), list(zip(x.double().split([18, 12]), y.split([18, 12]), strict=True))


def mean_loss(model, batches, weights, temperature=1.0):
    x, y = (torch.cat(parts) for parts in zip(*batches, strict=True))
    return F.cross_entropy(functional_call(model, weights, (x,)) / temperature, y)


def gradient(model, batches, weights, temperature=1.0):
    leaves = {n: w.detach().clone().requires_grad_() for n, w in weights.items()}
    found = torch.autograd.grad(mean_loss(model, batches, leaves, temperature), list(leaves.values()))
    return dict(zip(leaves, found, strict=True))


def nudged(weights, name, index, by):
    changed = {n: w.detach().clone() for n, w in weights.items()}
    changed[name].view(-1)[index] += by
    return changed


def test_T35_snip_is_the_derivative_by_a_mask_in_the_graph_and_the_change_of_the_loss(toy):
    model, batches = toy
    weights = {n: p.detach() for n, p in prunable(model).items()}
    found = snip.score(Snip(), whole(model, batches))
    masks = {n: torch.ones_like(w).requires_grad_() for n, w in weights.items()}
    by_mask = torch.autograd.grad(mean_loss(model, batches, {n: masks[n] * w for n, w in weights.items()}),
                                  list(masks.values()))
    for (name, score), slope in zip(found.items(), by_mask, strict=True):
        assert torch.allclose(score, slope.abs(), rtol=1e-12, atol=1e-15)
        step = 1e-6
        for index in range(0, score.numel(), 7):
            size = float(weights[name].view(-1)[index]) * step
            change = mean_loss(model, batches, nudged(weights, name, index, size)) - mean_loss(
                model, batches, nudged(weights, name, index, -size))
            assert score.view(-1)[index].item() == pytest.approx(abs(change.item()) / (2 * step), rel=1e-5, abs=1e-9)


def test_T34_the_product_of_grasp_is_that_of_finite_differences(toy):
    model, batches = toy
    weights = {n: p.detach() for n, p in prunable(model).items()}
    found = grasp.score(Grasp(), whole(model, batches))
    along, step = gradient(model, batches, weights, 200.0), 1e-2
    there, back = (gradient(model, batches, {n: w + s * along[n] for n, w in weights.items()}, 200.0)
                   for s in (step, -step))
    for name, score in found.items():
        expected = weights[name] * (there[name] - back[name]) / (2 * step)
        assert torch.allclose(score, expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())


def test_T34_grasp_keeps_what_the_original_keeps_which_removes_the_largest_of_minus_w_Hg(toy):
    model, batches = toy
    weights = {n: p.detach().clone().requires_grad_() for n, p in prunable(model).items()}
    loss = mean_loss(model, batches, weights, 200.0)
    slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
    sum((g.detach() * g).sum() for g in slopes).backward()
    original = {n: -(w * w.grad).detach() for n, w in weights.items()}
    flat = torch.cat([v.reshape(-1) for v in original.values()])
    threshold = flat.sort(descending=True).values[flat.numel() - round(0.3 * flat.numel()) - 1]
    ours = drawn(model, batches, Grasp(), 0.3)
    assert all(torch.equal(ours[n], v < threshold) for n, v in original.items())


def test_pruned_weights_neither_count_nor_take_part(toy):
    model, batches = toy
    allowed = {n: torch.rand(p.shape, generator=torch.Generator().manual_seed(1)) < 0.5
               for n, p in prunable(model).items()}
    subject = shown(model, batches)
    weights = {n: p.detach() * allowed[n] for n, p in prunable(model).items()}
    slopes = {n: g * allowed[n] for n, g in gradient(model, batches, weights, 200.0).items()}
    there, back = (gradient(model, batches, {n: w + s * slopes[n] for n, w in weights.items()}, 200.0)
                   for s in (1e-2, -1e-2))
    for name, score in grasp.score(Grasp(), subject(allowed)).items():
        assert not score[~allowed[name]].any()
        expected = weights[name] * (there[name] - back[name]) / 2e-2
        assert torch.allclose(score, expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())
    for name, score in snip.score(Snip(), shown(model, batches)(allowed)).items():
        assert torch.allclose(score, (weights[name] * gradient(model, batches, weights)[name]).abs())


def test_statistics_of_each_batch_are_used_where_they_are_asked_for(toy):
    model, batches = toy
    one = batches[:1]
    training = copy.deepcopy(model).train()
    weights = {n: p.detach() for n, p in prunable(model).items()}
    expected = gradient(training, one, weights)
    found = snip.score(Snip(norm_statistics="batch"), whole(model, one))
    assert all(torch.allclose(found[n], (weights[n] * expected[n]).abs(), rtol=1e-9, atol=1e-15) for n in weights)
    running = snip.score(Snip(), whole(model, one))
    assert not any(torch.allclose(found[n], running[n], rtol=1e-3) for n in weights)


def flow_of(scores, name):
    return scores[name].sum().item()


def test_T32_the_flow_through_each_layer_of_a_chain_is_the_same():
    x, _ = digits(20, side=32)
    model = lived_in(build(Vgg(depth=11, width=8), 3, 32, 32, 10, 0), x)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("bias"):
                p.zero_()
    scores = synflow.score(Synflow(), whole(model, [(x, None)]))
    flows = torch.stack([s.sum() for s in scores.values()])
    assert flows.dtype == torch.float64
    assert ((flows - flows[0]).abs() / flows[0]).max() < 1e-9


def test_T32_what_flows_into_a_resnet_flows_out():
    x, _ = digits(20)
    model = build(CifarResnet(depth=20, width=4), 3, 16, 16, 10, 0)
    scores = synflow.score(Synflow(), whole(model, [(x, None)]))
    first = next(iter(n for n in scores if scores[n].shape[1] == 3))
    assert flow_of(scores, first) == pytest.approx(flow_of(scores, "fc.weight"), rel=1e-9)


def test_a_flow_that_is_too_large_for_a_number_is_refused():
    model = nn.Sequential(*(nn.Linear(4, 4, bias=False) for _ in range(3))).double()
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(1e150)
    with pytest.raises(NonFinite, match="too large"):
        synflow.score(Synflow(), whole(model, [(torch.ones(1, 1, 1, 4), None)]))


def test_saliency_of_the_task_loss_without_noise_is_snip(toy):
    model, batches = toy
    ours = saliency.score(Saliency(objective=TaskLoss(), sigma=0.0), whole(model, batches))
    theirs = snip.score(Snip(), whole(model, batches))
    assert all(torch.allclose(ours[n], theirs[n], rtol=1e-9, atol=1e-15) for n in theirs)


def test_saliency_of_the_gradient_norm_without_noise_ranks_as_grasp(toy):
    """d(-|g|)/ds at s = 1 holds w Hg / |g|, and beside it what the factor on the gradient itself does."""
    model, batches = toy
    one = batches[:1]
    ours = saliency.score(Saliency(objective=GradientNorm(of="masked"), sigma=0.0), whole(model, one))
    theirs = grasp.score(Grasp(temperature=1.0), whole(model, one))
    weights = {n: p.detach() for n, p in prunable(model).items()}
    size = torch.sqrt(sum(g.square().sum() for g in gradient(model, one, weights).values()))
    assert all(torch.allclose(ours[n], theirs[n].abs() / size, rtol=1e-8, atol=1e-12) for n in theirs)


def test_saliency_of_the_divergence_is_that_of_finite_differences(toy):
    model, batches = toy
    spec, subject = Saliency(objective=ReverseKl(), sigma=0.06), whole(model, batches, seed=7)
    found = saliency.score(spec, subject)
    overlay = saliency._overlay(0.06, subject, torch.zeros(sum(w.numel() for w in subject.weights.values())).double())
    factors = dict(zip(subject.weights, overlay.split([w.numel() for w in subject.weights.values()]), strict=True))
    assert 0.04 < overlay.std() < 0.08
    x = torch.cat([x for x, _ in batches])
    dense = model(x).log_softmax(1).detach()

    def divergence(name=None, index=0, by=0.0):
        weights = {n: factors[n].view_as(w) * w for n, w in subject.weights.items()}
        if name:
            weights[name].view(-1)[index] += by * subject.weights[name].view(-1)[index]
        ours = functional_call(model, weights, (x,)).log_softmax(1)
        return (ours.exp() * (ours - dense)).sum(1).mean().item()
    for name, score in found.items():
        for index in range(0, score.numel(), 11):
            slope = (divergence(name, index, 1e-5) - divergence(name, index, -1e-5)) / 2e-5
            assert score.view(-1)[index].item() == pytest.approx(abs(slope), rel=1e-4, abs=1e-9)


def test_an_objective_that_compares_equal_networks_is_refused():
    with pytest.raises(BadInput, match=r"saliency\.sigma must be above 0 for the objective reverse_kl"):
        Saliency(objective=ReverseKl(), sigma=0.0)


def test_pruned_weights_have_no_part_in_the_gradient_that_a_saliency_measures(toy):
    model, batches = toy
    allowed = {n: torch.rand(p.shape, generator=torch.Generator().manual_seed(1)) < 0.5
               for n, p in prunable(model).items()}
    subject = shown(model, batches[:1])(allowed)
    found = saliency.score(Saliency(objective=GradientNorm(of="weights"), sigma=0.0), subject)

    def norm(factors):
        slopes = gradient(model, batches[:1], {n: factors[n] * w for n, w in subject.weights.items()})
        return -torch.sqrt(sum((factors[n] * g).square().sum() for n, g in slopes.items())).item()
    ones = {n: kept.double() for n, kept in allowed.items()}
    for name, score in found.items():
        for index in allowed[name].view(-1).nonzero().view(-1)[::9].tolist():
            slope = (norm(nudged(ones, name, index, 1e-5)) - norm(nudged(ones, name, index, -1e-5))) / 2e-5
            assert score.view(-1)[index].item() == pytest.approx(abs(slope), rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("scorer", [StartMagnitude(), Snip(), Grasp(), Synflow(rounds=2)], ids=lambda s: s.name)
def test_T06_kthvalue_keeps_4294_of_a_resnet20_whatever_the_score(scorer):
    batch = digits(10, side=32)
    model = lived_in(build(CifarResnet(depth=20), 3, 32, 32, 10, 0), batch[0])
    kept = drawn(model, [batch], scorer, 10**-1.8, rule="kthvalue")
    assert sum(int(mask.sum()) for mask in kept.values()) == 4_294


@pytest.mark.parametrize("scorer", [Snip, Grasp])
def test_rounds_score_what_the_round_before_left(toy, scorer):
    model, batches = toy
    in_steps = drawn(model, batches, scorer(rounds=5), 0.1)
    allowed, subject, total = everything(model), shown(model, batches), sum(
        p.numel() for p in prunable(model).values())
    for done in range(1, 6):
        module = {Snip: snip, Grasp: grasp}[scorer]
        scores = module.score(scorer(), subject(allowed))
        keep = round(total * 0.1 ** (done / 5))
        ranked = torch.cat([torch.where(allowed[n], s, -torch.inf).reshape(-1) for n, s in scores.items()])
        threshold = ranked.sort(descending=True).values[keep - 1]
        allowed = {n: allowed[n] & (s >= threshold) for n, s in scores.items()}
    assert all(torch.equal(in_steps[n], allowed[n]) for n in allowed)
    at_once = drawn(model, batches, scorer(), 0.1)
    assert any(not torch.equal(in_steps[n], at_once[n]) for n in at_once)
