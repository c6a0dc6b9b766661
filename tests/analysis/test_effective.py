"""Effective weights, against graphs walked by hand and against networks whose every kept weight is moved."""

import copy
import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.swin_transformer import SwinTransformer
from torchvision.models.vision_transformer import VisionTransformer

from lth_engine.analysis.pairs.effective import dead_units, effective
from lth_engine.analysis.pairs.reach import Reach
from lth_engine.core.mask import Mask
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.models.cifar_efficientnet_b0 import SqueezeExcite
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100, MlpMixer
from tests.models.small import cases


def random_mask(model, density, seed):
    draw = np.random.default_rng(seed)
    return Mask({n: draw.random(tuple(p.shape)) < density for n, p in prunable(model).items()})


def mlp(*sizes):
    layers = [nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    return nn.Sequential(nn.Flatten(), *(part for layer in layers for part in (layer, nn.ReLU())))


@pytest.mark.parametrize("seed", range(10))
def test_a_multilayer_perceptron_against_all_of_its_paths(seed):
    sizes = (6, 5, 5, 4)
    model = mlp(*sizes)
    mask = random_mask(model, 0.25, seed)
    layers = list(mask)
    expected = {name: np.zeros_like(mask[name]) for name in layers}
    for path in itertools.product(*map(range, sizes)):
        edges = [(name, (b, a)) for name, (a, b) in zip(layers, itertools.pairwise(path), strict=True)]
        if all(mask[name][edge] for name, edge in edges):
            for name, edge in edges:
                expected[name][edge] = True
    live = effective(model, mask, 1, 2, 3)
    assert live == Mask(expected)
    dead = {name: sum(not any(expected[name][unit]) for unit in range(len(mask[name]))) for name in layers}
    assert dead_units(live) == dead
    assert live.kept < mask.kept


def conv_edges(mask, name, inside, side):
    """(source, target, weight) of a 3 x 3 convolution with padding 1; nodes are (layer, channel, y, x)."""
    for (o, i, ky, kx), y, x in itertools.product(np.argwhere(mask[name]).tolist(), range(side), range(side)):
        v, u = y + ky - 1, x + kx - 1
        if 0 <= v < side and 0 <= u < side:
            yield (inside, i, v, u), (name, o, y, x), (name, (o, i, ky, kx))


def walked(edges, starts, ends):
    """Weights on a path, by flooding the graph from both sides until nothing changes."""
    forward, backward = set(starts), set(ends)
    while True:
        more = {b for a, b, _ in edges if a in forward} - forward
        less = {a for a, b, _ in edges if b in backward} - backward
        if not more and not less:
            return {w for a, b, w in edges if w and a in forward and b in backward}
        forward |= more
        backward |= less


@pytest.mark.parametrize("seed", range(5))
def test_convolutions_pools_and_flattening_against_a_graph_of_pixels(seed):
    model = build(Conv(layers=2, width=0.05), 2, 8, 8, 3, 0)
    mask = random_mask(model, 0.12, seed)
    edges = [*conv_edges(mask, "conv1.weight", "image", 8), *conv_edges(mask, "conv2.weight", "conv1.weight", 8)]
    for c, y, x in itertools.product(range(len(mask["conv2.weight"])), range(8), range(8)):
        edges.append((("conv2.weight", c, y, x), ("pool", 16 * c + 4 * (y // 2) + x // 2), None))
    for name, inside in (("fc1.weight", "pool"), ("fc2.weight", "fc1.weight"), ("fc.weight", "fc2.weight")):
        edges += [((inside, i), (name, o), (name, (o, i))) for o, i in np.argwhere(mask[name]).tolist()]
    image = itertools.product(["image"], range(2), range(8), range(8))
    expected = walked(edges, image, [("fc.weight", k) for k in range(3)])
    live = effective(model, mask, 2, 8, 8)
    assert {(name, tuple(place)) for name in live for place in np.argwhere(live[name]).tolist()} == expected
    assert 0 < live.kept < mask.kept


def swin():
    """Two windows and two stages, so that windows shift and patches merge."""
    return SwinTransformer([2, 2], 4, [2, 2], [2, 2], [2, 2], num_classes=3)


def mixer():
    return build(MlpMixer(width=6, depth=2, patch=2, token_mlp=4, channel_mlp=5), 3, 8, 8, 3, 0)


def resnet(shortcut):
    return build(CifarResnet(depth=8, width=2, shortcut=shortcut), 3, 8, 8, 3, 0)


REAL = {
    "projection": (lambda: resnet("projection"), 0.3, "conv.weight"),
    "padding": (lambda: resnet("padding"), 0.3, "conv.weight"),
    "mixer": (mixer, 0.25, "embed.weight"),
    "swin": (swin, 0.25, "features.0.0.weight"),
    "vit": (lambda: VisionTransformer(8, 4, 2, 2, 6, 7, num_classes=3), 0.3, "conv_proj.weight"),
}
"""Networks that are small enough to move every kept weight, the density at which some of them do nothing, and their
first layer: one of its units gets no weight."""


def plain(model, mask, seed):
    """A copy that computes products and sums only: kept weights positive and random, no bias, no normalisation.

    Rows sum to about 1, so that no softmax has only one place left.
    """
    model = copy.deepcopy(model).double().eval()
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.zero_()
            if name in mask:
                row = max(1, mask[name].sum() / len(p))
                p.copy_((0.5 + torch.rand(p.shape, generator=draw, dtype=p.dtype)) * torch.tensor(mask[name]) / row)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.LayerNorm | nn.BatchNorm2d):
            model.set_submodule(name, nn.Identity())
    return model


@torch.no_grad()
def moved(model, mask, image):
    """Kept weights whose change changes an output: one forward pass each."""
    before, found = model(image), {}
    for name, p in prunable(model).items():
        found[name] = np.zeros_like(mask[name])
        for place in map(tuple, np.argwhere(mask[name]).tolist()):
            old = p[place].item()
            p[place] = 2 * old
            found[name][place] = bool(((model(image) - before).abs() > 1e-13 * before.abs()).any())
            p[place] = old
    return Mask(found)


@pytest.mark.parametrize("name", REAL)
def test_networks_with_shortcuts_and_attention_against_moving_every_weight(name):
    make, density, first = REAL[name]
    model = make()
    drawn = {n: kept.copy() for n, kept in random_mask(model, density, 3).items()}
    drawn[first][1] = False
    mask = Mask(drawn)
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = moved(plain(model, mask, 1), mask, image)
    assert 0 < expected.kept < mask.kept
    assert effective(model, mask, 3, 8, 8) == expected


def test_a_channel_that_a_shortcut_carries_stays_alive():
    model = build(CifarResnet(depth=8, width=4), 3, 8, 8, 10, 0)
    mask = {n: np.ones(tuple(p.shape), bool) for n, p in prunable(model).items()}
    mask["blocks.0.conv2.weight"][1] = False
    live = effective(model, Mask(mask), 3, 8, 8)
    assert dead_units(live) | {"blocks.0.conv2.weight": 0} == dict.fromkeys(mask, 0)
    assert dead_units(live)["blocks.0.conv2.weight"] == 1
    assert live == Mask(mask), "channel 1 still comes from the stem and goes on into the next block"


def test_a_unit_with_nothing_coming_in_kills_what_it_feeds_though_normalisation_gives_it_a_constant():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 3, 1, bias=False), nn.ReLU(),
                          nn.Conv2d(3, 1, 1), nn.Flatten())
    nn.init.ones_(model[1].bias)
    mask = {"0.weight": [[1], [0]], "3.weight": [[1, 1], [0, 1], [0, 0]], "5.weight": [[1, 1, 1]]}
    expected = {"0.weight": [[1], [0]], "3.weight": [[1, 0], [0, 0], [0, 0]], "5.weight": [[1, 0, 0]]}
    mask, expected = (Mask({n: np.array(v, bool)[..., None, None] for n, v in m.items()}) for m in (mask, expected))
    assert effective(model, mask, 1, 1, 1) == expected
    assert dead_units(expected) == {"0.weight": 1, "3.weight": 2, "5.weight": 0}


def test_a_layer_without_weights_leaves_nothing_but_what_goes_around_it():
    lenet = build(Lenet300100(first=30, second=20), 1, 8, 8, 10, 0)
    mask = {n: np.ones(tuple(p.shape), bool) for n, p in prunable(lenet).items()}
    mask["fc2.weight"][:] = False
    live = effective(lenet, Mask(mask), 1, 8, 8)
    assert live.kept == 0
    assert dead_units(live) == {"fc.weight": 10, "fc1.weight": 30, "fc2.weight": 20}
    resnet = build(CifarResnet(depth=8, width=4), 3, 8, 8, 10, 0)
    mask = {n: np.ones(tuple(p.shape), bool) for n, p in prunable(resnet).items()}
    mask["blocks.0.conv2.weight"][:] = False
    live = effective(resnet, Mask(mask), 3, 8, 8)
    assert live == Mask(mask | {"blocks.0.conv1.weight": np.zeros_like(mask["blocks.0.conv1.weight"])})


def test_a_gate_without_weights_lets_features_through():
    model = nn.Sequential(nn.Conv2d(1, 4, 1), SqueezeExcite(4, 2), nn.Conv2d(4, 3, 1), nn.Flatten())
    whole = {n: np.ones(tuple(p.shape), bool) for n, p in prunable(model).items()}
    assert effective(model, Mask(whole), 1, 1, 1) == Mask(whole)
    shut = whole | {"1.excite.weight": np.zeros_like(whole["1.excite.weight"])}
    live = effective(model, Mask(shut), 1, 1, 1)
    assert live == Mask(shut | {"1.squeeze.weight": np.zeros_like(whole["1.squeeze.weight"])})
    cut = {n: kept.copy() for n, kept in whole.items()}
    cut["2.weight"][:, 1] = False
    live = effective(model, Mask(cut), 1, 1, 1)
    assert dead_units(live) == {"0.weight": 0, "1.excite.weight": 1, "1.squeeze.weight": 0, "2.weight": 0}
    assert live["0.weight"][1].all(), "channel 1 still reaches the gates of the others"


def test_attention_mixes_places_and_keeps_images_and_features_apart():
    attention = nn.MultiheadAttention(4, 2, bias=False).double()
    with torch.no_grad():
        for weight in (*attention.in_proj_weight.chunk(3), attention.out_proj.weight):
            weight.copy_(torch.eye(4))
    x = torch.zeros(3, 2, 4, dtype=torch.float64)
    x[0, 1, 2] = 1
    with Reach():
        reached = attention(x, x, x)[0]
    assert reached.shape == x.shape
    assert np.argwhere(reached.detach().numpy()).tolist() == [[place, 1, 2] for place in range(3)]


def test_weights_that_meet_only_padding_do_not_count():
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Flatten())
    live = effective(model, Mask({"0.weight": np.ones((1, 1, 3, 3), bool)}), 1, 1, 1)
    assert np.argwhere(live["0.weight"]).tolist() == [[0, 0, 1, 1]]


def test_no_depth_overflows_or_underflows():
    model = mlp(*[64] * 301)  # 64 ** 300 paths
    mask = random_mask(model, 1.1, 0)
    assert effective(model, mask, 1, 8, 8) == mask
    thin = Mask({n: np.eye(64, dtype=bool) for n in mask})
    assert effective(model, thin, 1, 8, 8) == thin


@pytest.mark.parametrize(("spec", "side"), cases())
def test_every_network_of_the_catalogue_is_alive_without_pruning_and_is_left_as_it_is(spec, side):
    model = build(spec, 3, side, side, 7, 0)
    before = copy.deepcopy(model.state_dict())
    mask = random_mask(model, 1.1, 0)
    live = effective(model, mask, 3, side, side)
    assert live.density > 0.5
    assert set(dead_units(live).values()) == {0}
    assert model.training
    assert all(torch.equal(value, before[n]) for n, value in model.state_dict().items())
    assert all(p.grad is None and p.dtype == torch.float32 for p in model.parameters())
