"""Operations by layer against torch's own counter, and of attention by hand."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lth_engine.masking.prunable import prunable
from lth_engine.models.build import build
from lth_engine.specs.cifar_models import CifarMobilenetV2
from lth_engine.specs.library_models import Swin, Torchvision
from lth_engine.specs.models import CifarResnet, Lenet300100, MlpMixer, Vgg
from lth_engine.training.flops import forward_flops


@pytest.mark.parametrize("spec", [Lenet300100(), CifarResnet(depth=8), Vgg(depth=11), MlpMixer(depth=2),
                                  CifarMobilenetV2()], ids=lambda spec: spec.name)
def test_the_sum_is_that_of_torchs_counter(spec):
    model = build(spec, 3, 32, 32, 10, 0).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as theirs:
        model(torch.zeros(1, 3, 32, 32))
    assert sum(forward_flops(model, 3, 32, 32).values()) == theirs.get_total_flops()


@pytest.mark.parametrize(("spec", "side"), [(Swin(), 32), (Torchvision(arch="vit_b_32"), 32)],
                         ids=lambda value: getattr(value, "name", value))
def test_no_prunable_weight_of_attention_is_free(spec, side):
    model = build(spec, 3, side, side, 10, 0)
    counts = forward_flops(model, 3, side, side)
    assert all(counts[name] > 0 for name in prunable(model))


def test_attention_weights_count_once_a_place():
    """Swin-T with patches of 2 sees 16 x 16 places of 96 channels in its first block."""
    model = build(Swin(), 3, 32, 32, 10, 0)
    counts = forward_flops(model, 3, 32, 32)
    first = next(name for name in counts if name.endswith("attn.qkv.weight"))
    assert counts[first] == 2 * 16 * 16 * 96 * 3 * 96
