"""The posterior: which weights are drawn, how, and that nothing else moves; the search, against autograd and torch's
own SGD in a plain loop."""

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lth_engine.analysis.bounds.flat_weights import FlatWeights
from lth_engine.analysis.bounds.notes import Notes
from lth_engine.analysis.bounds.posterior import Posterior
from lth_engine.analysis.bounds.posterior_search import PosteriorSearch, surrogate
from lth_engine.analysis.trained_images import TrainedImages
from lth_engine.core.errors import NonFinite
from lth_engine.core.mask import Mask
from lth_engine.core.seeds import derive
from lth_engine.core.workbench import Workbench
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.bounds import PacBayes
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.specs.training import Training
from lth_engine.training.batches import Images

MODELS = {"lenet": Lenet300100(first=12, second=9), "resnet": CifarResnet(depth=8, width=4),
          "projection": CifarResnet(depth=8, width=4, shortcut="projection")}


def sparse(name, density=0.3):
    """A network with statistics of its own, pruned weights 0, and its mask."""
    model = build(MODELS[name], 1, 8, 8, 10, 0).to(memory_format=torch.channels_last)
    rng = np.random.default_rng(1)
    mask = Mask({n: rng.random(tuple(p.shape)) < density for n, p in prunable(model).items()})
    with torch.no_grad():
        for buffer in model.buffers():
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 1.5)
        for n, parameter in model.named_parameters():
            if n in mask:
                parameter.mul_(torch.tensor(mask[n]))
    return model, mask


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[n], other[n]) for n in one | other)


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (300, 1, 8, 8), dtype=torch.uint8, generator=generator)
    y = torch.randint(0, 10, (300,), generator=generator)
    return TrainedImages(Images(x, y, (0.5,), (0.3,), "cpu"), Training())


def search_of(posterior, images, **knobs):
    question = PacBayes(**({"length": 2, "batch_size": 64} | knobs))
    bench = Workbench(Path())
    squared = torch.linspace(0, 1e-3, posterior.shift.numel())
    return PosteriorSearch(question, posterior, squared, 12.0, images, Notes(bench, "toy"), bench)


@pytest.mark.parametrize("name", MODELS)
def test_the_flat_network_is_the_network(name):
    model, _ = sparse(name)
    plain, x = copy.deepcopy(model).eval(), torch.randn(5, 1, 8, 8)
    flat = FlatWeights(model.eval())
    assert torch.equal(model(x), plain(x))
    assert flat.values.numel() == sum(flat.sizes) == sum(p.numel() for p in plain.parameters())
    for other in (model, plain):
        other(x).square().sum().backward()
    assert torch.equal(flat.gradient, flat.laid({n: p.grad.numpy() for n, p in plain.named_parameters()}, 0.0))
    assert torch.equal(flat.values, flat.laid({n: p.detach().numpy() for n, p in plain.named_parameters()}, 7.0))
    flat.values.zero_()
    assert all(not p.any() for p in model.parameters())


def test_T27_deviations_begin_at_softplus_of_rho():
    assert F.softplus(torch.tensor(-4.0, dtype=torch.float64)).item() == 0.018149927917809738
    model, mask = sparse("lenet")
    sigma = Posterior(model, mask, True, PacBayes().first_rho).sigma()
    assert sigma.unique().tolist() == [pytest.approx(0.018149927917809738, rel=1e-6)]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("spikes", [True, False])
def test_T29_what_is_drawn_is_every_weight_but_the_spikes(name, spikes):
    model, mask = sparse(name)
    before = state(model)
    posterior = Posterior(model, mask, spikes, -4.0)
    posterior.put(posterior.sigma(), 0, "a draw")
    moved = {n: p.detach() != before[n] for n, p in model.named_parameters()}
    for n, places in moved.items():
        expected = torch.tensor(mask[n]) if spikes and n in mask else torch.ones_like(places)
        assert torch.equal(places, expected), n
    pruned = mask.size - mask.kept if spikes else 0
    count = sum(int(m.sum()) for m in moved.values())
    assert count == posterior.shift.numel() == sum(p.numel() for p in model.parameters()) - pruned
    by_layer = posterior.by_layer(np.arange(count))
    assert [len(part) for part in by_layer] == [int(m.sum()) for m in moved.values()]
    posterior.put_mean()
    assert same(state(model), before)


def test_draws_are_normal_with_the_deviation_of_each_weight():
    model, mask = sparse("lenet")
    posterior = Posterior(model, mask, True, -4.0)
    sigma = torch.linspace(0.01, 0.2, posterior.shift.numel())
    draws = []
    for i in range(400):
        posterior.put(sigma, 0, "draw", i)
        draws.append((posterior.drawn(posterior.flat.values) - posterior.drawn(posterior.mean)) / sigma)
    stacked = torch.stack(draws)
    assert abs(stacked.mean()) < 4 / math.sqrt(stacked.numel())
    assert abs(stacked.std() - 1) < 4 / math.sqrt(2 * stacked.numel())
    assert (stacked.std(dim=0) - 1).abs().max() < 6 / math.sqrt(2 * 400)
    posterior.put(sigma, 0, "draw", 7)
    again = (posterior.drawn(posterior.flat.values) - posterior.drawn(posterior.mean)) / sigma
    assert torch.equal(again, draws[7])


def test_the_surrogate_is_that_of_probabilities():
    logits, y = 6 * torch.randn(500, 10, generator=torch.Generator().manual_seed(1)), torch.arange(500) % 10
    logits.requires_grad_()
    chosen = logits.softmax(dim=1)[torch.arange(500), y]
    assert (chosen < 1e-4).any()
    expected = (-chosen.clamp(1e-4, 1).log()).mean() / math.log(10)
    assert surrogate(logits, y).item() == pytest.approx(expected.item(), rel=1e-5)
    (one,), (other,) = (torch.autograd.grad(v, logits) for v in (surrogate(logits, y), expected))
    assert torch.allclose(one, other, atol=1e-7)
    wrong = 20 * F.one_hot((y + 1) % 10, 10).float()
    assert surrogate(wrong, y).item() == pytest.approx(-math.log(1e-4) / math.log(10))


def naive(model, posterior, mask_part, question, images, steps):
    """What becomes of rho by autograd and torch's own SGD, the same draws laid in tensor by tensor."""
    rho = (posterior.first_rho + posterior.shift).requires_grad_()
    optimizer = torch.optim.SGD([rho], lr=question.lr, momentum=question.momentum)
    squared = torch.linspace(0, 1e-3, rho.numel())
    where = torch.arange(posterior.mean.numel()) if posterior.where is None else posterior.where
    parameters = {n: (p.shape, p.stride()) for n, p in model.named_parameters()}
    sizes = [p.numel() for p in model.parameters()]
    buffers, n = dict(model.named_buffers()), len(images)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(derive(question.seed, "posterior order", 0)))
    objectives = []
    for step, batch in enumerate(order.split(question.batch_size)[:steps]):
        sigma = torch.log1p(torch.exp(rho))
        noise = torch.empty_like(rho).normal_(
            generator=torch.Generator().manual_seed(derive(question.seed, "posterior", step)))
        weights = posterior.mean.index_add(0, where, sigma * noise)
        parts = {name: part.as_strided(shape, stride)
                 for (name, (shape, stride)), part in zip(parameters.items(), weights.split(sizes), strict=True)}
        (x, y), = images.in_parts([batch])
        probability = torch.func.functional_call(model, parts | buffers, (x,)).softmax(dim=1)[torch.arange(len(y)), y]
        risk = -probability.clamp(1e-4, 1).log().mean() / math.log(10)
        kl = 0.5 * torch.log(1 + squared / sigma**2).sum() + mask_part
        b = (kl + math.log(2 * math.sqrt(n) / question.delta)) / n
        objective = torch.minimum(risk + b + torch.sqrt(b * (b + 2 * risk)), risk + torch.sqrt(b / 2))
        optimizer.zero_grad()
        objective.backward()
        optimizer.step()
        objectives.append(objective.item())
    return rho.detach(), objectives


@pytest.mark.parametrize(("name", "spikes"), [("lenet", True), ("resnet", False), ("projection", True)])
@pytest.mark.parametrize("mask_part", [1e-3, 300.0])
def test_the_search_is_that_of_autograd_and_torchs_sgd(name, spikes, mask_part, images):
    model, mask = sparse(name)
    plain, posterior = copy.deepcopy(model).eval(), Posterior(model, mask, spikes, -2.5)
    search = search_of(posterior, images, lr=3.0)
    search.mask_part = mask_part
    expected, _ = naive(plain, posterior, mask_part, search.question, images, 4)
    first = (posterior.first_rho + posterior.shift).clone()
    for (x, y), _ in zip(search.batches(), range(4), strict=False):
        search.descend(x, y)
    moved, wanted = posterior.shift, expected - first
    assert wanted.abs().max() > 1e-3
    assert (moved - wanted).abs().max() < 2e-3 * wanted.abs().max()


@pytest.mark.parametrize("name", MODELS)
def test_T28_the_search_moves_rho_alone(name, images):
    model, mask = sparse(name)
    before = state(model)
    posterior = Posterior(model, mask, True, -4.0)
    mean = posterior.mean.clone()
    search_of(posterior, images, lr=0.1).run()
    assert (posterior.shift != 0).float().mean() > 0.99
    assert torch.equal(posterior.mean, mean)
    posterior.put_mean()
    assert same(state(model), before)
    assert not model.training


def test_the_search_lowers_the_bound(images):
    model, mask = sparse("lenet")
    search = search_of(Posterior(model, mask, True, -4.0), images, length=30, lr=0.5)
    search.run()
    found = search.history()
    assert found["epoch"].tolist() == list(range(1, 31))
    assert found["bound"][-1] < found["bound"][0] - 0.01
    assert found["kl"][-1] < found["kl"][0]
    half = (found["kl"] + math.log(2 * math.sqrt(300) / 0.01)) / 300
    assert found["bound"] == pytest.approx(np.minimum(found["risk"] + np.sqrt(half / 2), (
        np.sqrt(found["risk"] + half / 2) + np.sqrt(half / 2)) ** 2), rel=1e-9)


def test_a_rate_far_too_high_ends_in_a_sentence(images):
    model, mask = sparse("lenet")
    search = search_of(Posterior(model, mask, True, -4.0), images, length=30, lr=20.0)
    with pytest.raises(NonFinite, match=r"NaN or infinite while the variances .* \(epoch \d+ of 30\)\. "
                                        r".*\(pac_bayes\.lr is 20\)"):
        search.run()
