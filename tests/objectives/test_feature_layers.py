"""Which modules count as the features of a network, and that what is taken of them is their output."""

import torch
from torch import nn

from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.objectives.compared import Compared
from lth_engine.objectives.feature_layers import feature_layers, taken
from lth_engine.objectives.masked_network import MaskedNetwork
from lth_engine.objectives.measured import measured
from lth_engine.specs.library_models import Swin
from lth_engine.specs.models import CifarResnet, Lenet300100, MlpMixer, Vgg
from lth_engine.specs.objectives import FeatureMatching


def paths(spec, side, normalised, channels=3):
    model = build(spec, channels, side, side, 10, 0).eval()
    names = {id(module): name for name, module in model.named_modules()}
    found = feature_layers(model, torch.randn(2, channels, side, side), list(prunable(model)), normalised)
    return [names[id(module)] for module in found]


def test_lenet_has_its_three_layers():
    for normalised in (True, False):
        assert paths(Lenet300100(), 8, normalised, 1) == ["fc1", "fc2", "fc"]


def test_resnet20_has_each_convolution_or_the_normalisation_after_it_in_the_order_they_run():
    raw, after = paths(CifarResnet(), 16, False), paths(CifarResnet(), 16, True)
    assert len(raw) == len(after) == 22
    assert raw[:3] == ["conv", "blocks.0.conv1", "blocks.0.conv2"]
    assert after[:3] == ["bn", "blocks.0.bn1", "blocks.0.bn2"]
    assert raw[-1] == after[-1] == "fc"
    assert [name for name in raw if "shortcut" in name] == ["blocks.3.shortcut.0", "blocks.6.shortcut.0"]
    assert [name for name in after if "shortcut" in name] == ["blocks.3.shortcut.1", "blocks.6.shortcut.1"]


def test_vgg_takes_a_normalisation_for_every_convolution():
    spec = Vgg(depth=11, width=8)
    model = build(spec, 3, 16, 16, 10, 0)
    kinds = {name: type(module).__name__ for name, module in model.named_modules()}
    after = [kinds[name] for name in paths(spec, 16, True)]
    assert after == ["BatchNorm2d"] * 8 + ["Linear"]
    assert [kinds[name] for name in paths(spec, 16, False)] == ["Conv2d"] * 8 + ["Linear"]


def test_a_norm_that_reads_a_residual_sum_does_not_stand_for_a_layer():
    spec = MlpMixer(width=16, depth=2, token_mlp=8, channel_mlp=16)
    assert paths(spec, 16, True) == paths(spec, 16, False)
    assert len(paths(spec, 16, True)) == 10


def test_swin_takes_the_norm_that_reads_a_reduction_and_no_other():
    raw, after = (paths(Swin(window=3), 16, normalised) for normalised in (False, True))
    changed = [one for one, other in zip(raw, after, strict=True) if one != other]
    assert changed == [name for name in raw if name.endswith("reduction")]
    assert len(changed) == 3


def test_features_of_a_mixer_can_be_matched():
    model = build(MlpMixer(width=16, depth=2, token_mlp=8, channel_mlp=16), 3, 16, 16, 10, 0)
    net = MaskedNetwork(model, list(prunable(model)))
    overlay = torch.full_like(net.flat, 0.7, requires_grad=True)
    compared = Compared(net, overlay, torch.randn(2, 3, 16, 16), torch.zeros(2, dtype=torch.long))
    gradient, = torch.autograd.grad(measured(FeatureMatching(), compared), overlay)
    assert bool(gradient.isfinite().all())
    assert gradient.norm() > 0


def test_what_is_taken_is_not_what_the_network_makes_of_it_in_place():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(inplace=True))
    x = torch.randn(3, 5)
    with taken([model[0]]) as found:
        model(x)
    torch.testing.assert_close(found[0], x @ model[0].weight.T + model[0].bias)
    assert bool((found[0] < 0).any())


def test_ignored_layers_are_no_features_and_stay_as_they_are():
    model = build(Lenet300100(first=6, second=5), 1, 4, 4, 3, 0).eval()
    net = MaskedNetwork(model, ["fc1.weight", "fc2.weight"])
    x = torch.randn(4, 1, 4, 4)
    features = Compared(net, torch.zeros_like(net.flat), x, torch.zeros(4, dtype=torch.long)).student_features("raw")
    assert [f.shape[1] for f in features] == [6, 5]
    logits = Compared(net, torch.zeros_like(net.flat), x, torch.zeros(4, dtype=torch.long)).student
    torch.testing.assert_close(logits, model.fc(model.fc2.bias.clamp(min=0)).expand(4, 3))
