"""The draws of the three first networks, which stored answers depend on."""

import pytest
import torch
from torch import nn

from lth_engine.core.seeds import derive
from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.models.initialise import initialise
from lth_engine.specs.models import CifarResnet, Conv, Lenet300100


@pytest.mark.parametrize(("spec", "channels", "side"), [
    (Lenet300100(), 1, 28), (Conv(layers=6), 3, 32), (CifarResnet(), 3, 32),
    (CifarResnet(depth=8, width=4, shortcut="padding"), 1, 8),
])
def test_old_networks_are_drawn_as_before_there_were_knobs(spec, channels, side):
    """Each weight by He's rule from the seed of its layer's name; biases 0, batch normalisation 1, 0, 0, 1, 0."""
    still = {"running_mean": 0, "bias": 0, "num_batches_tracked": 0, "running_var": 1}
    for name, value in build(spec, channels, side, side, 10, 7).state_dict().items():
        layer, _, part = name.rpartition(".")
        if part == "weight" and value.ndim > 1:
            draw = torch.Generator().manual_seed(derive(7, "init", layer))
            deviation = 2**0.5 / value[0].numel() ** 0.5
            assert torch.equal(value, torch.empty_like(value).normal_(0, deviation, generator=draw)), name
        else:
            assert bool((value == still.get(part, 1)).all()), name


def test_a_drawn_value_is_pinned():
    """So that neither the seed of a layer nor torch's generator changes unseen; the last bits differ by processor."""
    weight = build(Lenet300100(), 1, 28, 28, 10, 7).fc1.weight
    assert weight.detach()[0, :3].tolist() == pytest.approx([0.007284213, 0.03518175, 0.02505167], rel=1e-5)


def test_weights_have_he_deviation():
    weight = prunable(build(Lenet300100(), 1, 28, 28, 10, 0))["fc1.weight"]
    assert float(weight.detach().std()) == pytest.approx((2 / 784) ** 0.5, rel=0.01)


def test_the_librarys_own_draw_has_torchs_deviation():
    """Torch draws a linear layer uniformly within 1 / sqrt(fan in): deviation 1 / sqrt(3 fan in), biases not 0."""
    model = build(Lenet300100(init="library"), 1, 28, 28, 10, 0)
    assert float(model.fc1.weight.detach().std()) == pytest.approx((1 / (3 * 784)) ** 0.5, rel=0.01)
    assert bool((model.fc1.bias != 0).all())


@pytest.mark.parametrize("sizes", [{}, {"kdim": 32, "vdim": 128}])
def test_attention_is_drawn_by_the_same_rule(sizes):
    first, again = (nn.ModuleDict({"attention": nn.MultiheadAttention(64, 2, **sizes)}) for _ in range(2))
    initialise(first, 0)
    initialise(again, 0)
    drawn = prunable(first)
    assert len(drawn) == (4 if sizes else 2)
    for name, weight in drawn.items():
        assert float(weight.detach().std()) == pytest.approx((2 / weight.shape[1]) ** 0.5, rel=0.05), name
        assert torch.equal(weight, prunable(again)[name])
