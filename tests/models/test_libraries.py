"""Networks by the name that torchvision or timm gives them; timm's through a module that stands for it."""

import importlib.util
import socket
import sys
import types

import pytest
import torch
from torch import nn
from torchvision.models import get_model, list_models

from lth_engine.core.errors import BadInput, UnknownName
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.models.first_convolution import set_channels
from lth_engine.specs.library_models import Timm, Torchvision


@pytest.mark.parametrize("arch", ["densenet121", "googlenet", "shufflenet_v2_x0_5", "efficientnet_b0",
                                  "regnet_y_400mf", "mnasnet0_5", "squeezenet1_1"])
def test_torchvision_by_name(arch, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("weights are never downloaded")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    model = build(Torchvision(arch=arch), 1, 32, 32, 5, 0)
    out = model(torch.randn(2, 1, 32, 32))
    assert isinstance(out, torch.Tensor)
    assert out.shape == (2, 5)
    naive = sorted(n for n, p in model.named_parameters() if n.endswith("weight") and p.ndim >= 2)
    assert list(prunable(model)) == naive


def test_colour_images_get_the_network_that_torchvision_draws():
    model = build(Torchvision(arch="mobilenet_v3_small"), 3, 32, 32, 5, 0)
    theirs = get_model("mobilenet_v3_small", weights=None, num_classes=5)
    theirs.load_state_dict(model.state_dict(), strict=True)
    assert float(theirs.classifier[0].weight.detach().std()) == pytest.approx(0.01, rel=0.02)  # not He's


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(UnknownName, match=r"Unknown torchvision network: 'resnet51'\. Did you mean resnet50\?"):
        build(Torchvision(arch="resnet51"), 3, 32, 32, 5, 0)


@pytest.mark.parametrize("arch", ["fasterrcnn_resnet50_fpn", "fcn_resnet50", "r3d_18", "quantized_resnet18",
                                  "raft_small"])
def test_networks_for_other_tasks_are_refused(arch):
    assert arch in list_models()
    with pytest.raises(BadInput, match=rf"{arch} of torchvision is no classification network of images\. Choose"):
        build(Torchvision(arch=arch), 3, 32, 32, 5, 0)


def test_images_that_are_not_square_are_refused_where_they_must_be():
    with pytest.raises(BadInput, match=r"vit_b_16 needs square images\. Got 32 x 48"):
        build(Torchvision(arch="vit_b_16"), 3, 32, 48, 5, 0)


def test_knobs_of_batch_normalisation_need_one():
    for change in ({"running_stats": False}, {"norm_init": "uniform"}):
        with pytest.raises(BadInput, match=r"squeezenet1_1 has no batch normalisation\. Leave torchvision\."):
            build(Torchvision(arch="squeezenet1_1", **change), 3, 32, 32, 5, 0)


def test_tokens_and_positions_are_drawn_from_the_seed_and_never_pruned():
    spec = Torchvision(arch="vit_b_32")
    one = build(spec, 3, 32, 32, 5, 1)
    torch.manual_seed(4)
    again = build(spec, 3, 32, 32, 5, 1)
    assert float(one.encoder.pos_embedding.detach().std()) == pytest.approx(0.02, rel=0.1)
    assert torch.equal(one.encoder.pos_embedding, again.encoder.pos_embedding)
    assert one(torch.zeros(2, 3, 32, 32)).shape == (2, 5)
    assert "encoder.layers.encoder_layer_0.self_attention.in_proj_weight" in prunable(one)
    assert not {"class_token", "encoder.pos_embedding"} & set(prunable(one))


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_another_number_of_channels_keeps_the_size_of_the_output(channels):
    torch.manual_seed(0)
    model = nn.Sequential(nn.ReLU(), nn.Conv2d(3, 256, 3, stride=2, padding=1, dilation=2), nn.Conv2d(256, 3, 1))
    before, bias = model(torch.randn(64, 3, 9, 9)), model[1].bias.clone()
    assert before.shape == (64, 3, 4, 4)
    hidden = model[1](torch.randn(64, 3, 9, 9)).detach().std()
    set_channels(model, channels)
    assert model[1].in_channels == channels
    assert (model[1].stride, model[1].padding, model[1].dilation) == ((2, 2), (1, 1), (2, 2))
    assert torch.equal(model[1].bias, bias)
    assert float(model[1](torch.randn(64, channels, 9, 9)).detach().std()) == pytest.approx(float(hidden), rel=0.05)


def fake_timm(asked):
    """What the adapter uses of timm: a network that needs the image size, and one that does not."""

    class Net(nn.Module):
        def __init__(self, in_chans, num_classes, size) -> None:
            super().__init__()
            self.position = nn.Parameter(torch.randn(1, in_chans, *size) if size else torch.randn(1))
            self.stem, self.bn = nn.Conv2d(in_chans, 8, 3, padding=1), nn.BatchNorm2d(8)
            self.head = nn.Linear(8, num_classes)

        def forward(self, x):
            return self.head(self.bn(self.stem(x + self.position)).mean(dim=(2, 3)))

    def create_model(name, pretrained, in_chans, num_classes, img_size=None):
        asked.append((name, pretrained, in_chans, num_classes, img_size))
        assert img_size is None or img_size[0] % 4 == 0, "indivisible"
        return Net(in_chans, num_classes, img_size)

    module = types.ModuleType("timm")
    names = ["convish_tiny", "vitish_base", "vitish_tiny_patch4"]
    module.is_model, module.list_models = names.__contains__, lambda: names
    module.get_pretrained_cfg = lambda name: types.SimpleNamespace(fixed_input_size=name.startswith("vitish"))
    module.create_model = create_model
    return module


def test_timm_by_name(monkeypatch):
    asked = []
    monkeypatch.setitem(sys.modules, "timm", fake_timm(asked))
    one, same = (build(Timm(arch="vitish_base"), 1, 8, 12, 5, 3) for _ in range(2))
    build(Timm(arch="convish_tiny"), 3, 9, 9, 5, 3)
    assert asked == [("vitish_base", False, 1, 5, (8, 12))] * 2 + [("convish_tiny", False, 3, 5, None)]
    assert torch.equal(one.position, same.position)
    assert list(prunable(one)) == ["head.weight", "stem.weight"]
    assert build(Timm(arch="vitish_base", running_stats=False), 1, 8, 12, 5, 3).bn.running_mean is None
    with pytest.raises(BadInput, match=r"vitish_base does not fit images of 9 x 9 pixels \(indivisible\)"):
        build(Timm(arch="vitish_base"), 1, 9, 9, 5, 3)


def test_unknown_names_of_timm_list_the_nearest(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", fake_timm([]))
    with pytest.raises(UnknownName, match=r"Did you mean vitish_tiny_patch4\? Known: vitish_tiny_patch4\.$"):
        build(Timm(arch="vitish_tiny"), 3, 8, 8, 5, 0)
    with pytest.raises(UnknownName, match=r"Did you mean convish_tiny\?"):
        build(Timm(arch="convisch_tiny"), 3, 8, 8, 5, 0)


@pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed")
def test_without_timm_the_remedy_is_said():
    with pytest.raises(BadInput, match=r"not installed\. Install it with pip install timm, or choose"):
        build(Timm(), 3, 32, 32, 5, 0)


def test_a_timm_that_is_broken_is_not_called_missing(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'safetensors'", name="safetensors")

    monkeypatch.setattr(importlib, "import_module", lambda name, real=importlib.import_module: (
        missing(name) if name == "timm" else real(name)))
    with pytest.raises(ModuleNotFoundError, match="safetensors"):
        build(Timm(), 3, 32, 32, 5, 0)
