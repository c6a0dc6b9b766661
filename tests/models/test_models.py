"""Networks: published counts, published shapes, blocks that equal another library's."""

import pytest
import torch
from torch import nn
from torchvision.models import Swin_S_Weights, swin_t
from torchvision.models.efficientnet import MBConv, MBConvConfig
from torchvision.models.mobilenetv2 import InvertedResidual

from lth_engine.core.errors import BadInput
from lth_engine.masking.prunable import prunable
from lth_engine.models import cifar_efficientnet_b0, cifar_mobilenet_v2, cifar_shufflenet, mlp_mixer, swin
from lth_engine.models.build import build
from lth_engine.models.initialise import initialise
from lth_engine.specs.cifar_models import CifarEfficientnetB0, CifarMobilenetV2, CifarShufflenet
from lth_engine.specs.library_models import Swin
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100, MlpMixer, Resnet, Vgg


def counts(model, ignore=()):
    return sum(p.numel() for p in prunable(model, ignore).values()), sum(p.numel() for p in model.parameters())


def test_lenet_has_the_published_counts():
    assert counts(build(Lenet300100(), 1, 28, 28, 10, 0)) == (266_200, 266_610)


def test_resnet20_has_the_published_counts():
    model = build(CifarResnet(), 3, 32, 32, 10, 0)
    assert counts(model) == (270_896, 272_474)
    assert len(prunable(model)) == 22


def test_resnet20_with_padded_shortcuts_has_the_published_count():
    assert counts(build(CifarResnet(shortcut="padding"), 3, 32, 32, 10, 0))[0] == 268_336


@pytest.mark.parametrize(("layers", "millions"), [(2, 4.3), (4, 2.4), (6, 2.3)])
def test_conv_nets_have_the_published_sizes(layers, millions):
    """Frankle & Carbin 2019, figure 2: 4.3M, 2.4M and (Conv-6) 1.7M, which no padding of its layers gives: 9 (3 x 64 +
    64 x 64 + 64 x 128 + 128 x 128 + 128 x 256 + 256 x 256) + 4096 x 256 + 256 x 256 + 2560 = 2.26M."""
    assert counts(build(Conv(layers=layers), 3, 32, 32, 10, 0))[0] / 1e6 == pytest.approx(millions, abs=0.05)


def test_vgg16_has_the_published_counts():
    """T1 and T2: open_lth and SynFlow count 14 tensors; Pruning Close to Home leaves the last layer dense."""
    model = build(Vgg(), 3, 32, 32, 10, 0)
    assert counts(model) == (14_715_584, 14_728_266)
    assert len(prunable(model)) == 14
    assert counts(model, ("fc.weight",))[0] == 14_710_464


@pytest.mark.parametrize(("depth", "millions"), [(11, 132.863), (13, 133.047), (16, 138.358), (19, 143.667)])
def test_vggs_are_the_published_ones_without_their_three_dense_layers(depth, millions):
    """Simonyan & Zisserman 2015, table 2 (in millions): theirs end in 25088 - 4096 - 4096 - 1000 with biases."""
    model = build(Vgg(depth=depth), 3, 32, 32, 10, 0)
    convolutions = sum(p.numel() for n, p in model.named_parameters() if n.startswith("conv"))
    dense = 25_089 * 4096 + 4097 * 4096 + 4097 * 1000
    assert (convolutions + dense) / 1e6 == pytest.approx(millions, abs=0.001)


@pytest.mark.parametrize(("spec", "pruned", "total", "tensors", "grouped"), [
    (Resnet(depth=50), 23_447_232, 23_705_252, 53, 0),
    (CifarMobilenetV2(), 2_249_024, 2_412_212, 57, 17),
    (CifarEfficientnetB0(), 3_547_616, 3_628_576, 81, 16),
    (CifarShufflenet(), 879_288, 1_012_108, 49, 48),
], ids=lambda value: getattr(value, "label", None))
def test_networks_of_aws_have_its_counts(spec, pruned, total, tensors, grouped):
    """CIFAR-100, classifier not prunable: AWS counts every convolution and no linear layer of `num_classes` rows."""
    model = build(spec, 3, 32, 32, 100, 0)
    assert counts(model, ("fc.weight",)) == (pruned, total)
    assert len(prunable(model, ("fc.weight",))) == tensors
    assert sum(m.groups > 1 for m in model.modules() if isinstance(m, nn.Conv2d)) == grouped


def test_mixer_has_the_published_layers():
    """AWS masks 49 layers and interpolates 25 layer normalisations; at 224 pixels and 1000 classes Mixer-B/16 has 59
    million parameters and Mixer-S/16 18 million (Tolstikhin et al. 2021, table 1)."""
    with torch.device("meta"):
        model = mlp_mixer.build(MlpMixer(patch=16), 3, 224, 224, 1000)
    assert len(prunable(model, ("fc.weight",))) == 49
    assert sum(isinstance(m, nn.LayerNorm) for m in model.modules()) == 25
    assert counts(model)[1] / 1e6 == pytest.approx(59.9, abs=0.05)
    with torch.device("meta"):
        small = mlp_mixer.build(MlpMixer(patch=16, depth=8, width=512, token_mlp=256, channel_mlp=2048),
                                3, 224, 224, 1000)
    assert counts(small)[1] / 1e6 == pytest.approx(18.5, abs=0.05)


def test_swin_t_is_the_one_of_torchvision():
    ours = build(Swin(patch=4), 3, 64, 64, 1000, 0).eval()
    theirs = swin_t(weights=None).eval()
    assert counts(ours)[1] == 28_288_354
    theirs.load_state_dict(ours.state_dict(), strict=True)
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(ours(x), theirs(x))


def test_swin_s_has_the_published_count():
    with torch.device("meta"):
        model = swin.build(Swin(patch=4, size="small"), 3, 224, 224, 1000)
    assert counts(model)[1] == Swin_S_Weights.DEFAULT.meta["num_params"] == 49_606_258


def last_map(model, x):
    """Height and width of the last picture inside a network, before its global average."""
    seen = []
    handles = [m.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
               for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    model.eval()(x)
    for handle in handles:
        handle.remove()
    return tuple(seen[-1][2:])


@pytest.mark.parametrize(("spec", "side", "left"), [
    (Resnet(), 32, 4), (Resnet(stem="64px"), 64, 4), (Resnet(stem="imagenet"), 224, 7),
    (Resnet(stem="imagenet"), 32, 1), (Vgg(width=4), 32, 2),
    (CifarMobilenetV2(), 32, 4), (CifarShufflenet(), 32, 4), (CifarEfficientnetB0(), 32, 2),
], ids=str)
def test_stems_and_strides_leave_the_published_picture(spec, side, left):
    assert last_map(build(spec, 3, side, side, 10, 0), torch.zeros(1, 3, side, side)) == (left, left)


def copied(ours, theirs):
    """Two modules with the same random numbers, paired in order of definition."""
    initialise(ours, 3)
    values = list(ours.state_dict().values())
    theirs.load_state_dict(dict(zip(theirs.state_dict(), values, strict=True)), strict=True)
    return ours.eval(), theirs.eval()


@pytest.mark.parametrize("stride", [1, 2])
def test_block_of_mobilenet_equals_torchvisions(stride):
    ours, theirs = copied(cifar_mobilenet_v2.Block(8, 8, 6, stride), InvertedResidual(8, 8, stride, 6))
    x = torch.rand(2, 8, 9, 9)  # small, so that ReLU6 is ReLU
    torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize("stride", [1, 2])
def test_block_of_efficientnet_equals_torchvisions(stride):
    other = MBConv(MBConvConfig(6, 5, stride, 24, 24, 1), 0.0, nn.BatchNorm2d)
    ours, theirs = copied(cifar_efficientnet_b0.Block(24, 24, 6, 5, stride, 0.0), other)
    x = torch.randn(2, 24, 9, 9)
    torch.testing.assert_close(ours(x), theirs(x))


def test_blocks_of_efficientnet_are_skipped_ever_more_often():
    blocks = build(CifarEfficientnetB0(drop_connect=0.3), 3, 32, 32, 10, 0).blocks
    assert [b.drop.p for b in blocks] == pytest.approx([0.3 * i / 15 for i in range(16)])


def test_channels_are_shuffled_as_torch_does():
    x = torch.randn(2, 12, 3, 5)
    assert torch.equal(cifar_shufflenet.shuffle(x, 3), nn.ChannelShuffle(3)(x))


@pytest.mark.parametrize(("out", "stride"), [(24, 1), (48, 2)])
def test_unit_of_shufflenet_adds_or_sets_beside(out, stride):
    unit = cifar_shufflenet.Unit(24, out, stride).eval()
    x = torch.randn(2, 24, 8, 8)
    path = nn.Sequential(unit.squeeze, unit.bn1, nn.ReLU(), nn.ChannelShuffle(3), unit.depthwise, unit.bn2,
                         unit.expand, unit.bn3)
    expected = x + path(x) if stride == 1 else torch.cat([nn.AvgPool2d(3, 2, 1)(x), path(x)], 1)
    torch.testing.assert_close(unit(x), expected.clamp(min=0))


def test_block_of_mixer_is_the_papers_equation():
    """U = X + W2 gelu(W1 LN(X)) over patches; Y = U + W4 gelu(W3 LN(U)) over channels (Tolstikhin et al. 2021, 1)."""
    block = mlp_mixer.Block(patches=5, width=6, token_mlp=7, channel_mlp=8).double()
    x = torch.randn(2, 5, 6).double()

    def normal(v):
        return (v - v.mean(-1, keepdim=True)) / (v.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()

    def gelu(v):
        return v * (1 + torch.erf(v / 2**0.5)) / 2

    t, c = block.token_mlp, block.channel_mlp
    hidden = gelu(torch.einsum("hp,bpw->bhw", t.fc1.weight, normal(x)) + t.fc1.bias[:, None])
    u = x + torch.einsum("ph,bhw->bpw", t.fc2.weight, hidden) + t.fc2.bias[:, None]
    y = u + gelu(normal(u) @ c.fc1.weight.T + c.fc1.bias) @ c.fc2.weight.T + c.fc2.bias
    torch.testing.assert_close(block(x), y)


def test_patches_that_do_not_divide_the_image_are_refused_with_the_remedy():
    with pytest.raises(BadInput, match=r"patch must divide the image size of 28 x 28 pixels\. Got 8\. Choose 7, or"):
        build(MlpMixer(patch=8, width=8, depth=1), 3, 28, 28, 10, 0)
