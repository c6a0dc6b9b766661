"""Which parameters may be pruned, on a network that holds one layer of every kind."""

import torch
from torch import nn

from lth_engine.masking.prunable import prunable
from lth_engine.masking.prune import prune_to_level
from lth_engine.models import cifar_mobilenet_v2
from lth_engine.specs.cifar_models import CifarMobilenetV2
from lth_engine.specs.finding import Aws


class Zoo(nn.Module):
    """Layers with weights of many kinds; only some of them are prunable."""

    def __init__(self) -> None:
        super().__init__()
        self.b_conv1, self.conv2 = nn.Conv1d(4, 4, 3), nn.Conv2d(4, 4, 3, groups=4)
        self.linear, self.bilinear = nn.Linear(4, 4), nn.Bilinear(2, 2, 2)
        self.attention = nn.MultiheadAttention(4, 2)
        self.cross = nn.MultiheadAttention(4, 2, kdim=3, vdim=5)
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.LayerNorm(4), nn.GroupNorm(2, 4)])
        self.words, self.slope = nn.Embedding(3, 4), nn.PReLU(4)
        self.position = nn.Parameter(nn.Embedding(3, 4).weight.detach())


def test_convolutions_linear_layers_and_attention_alone_in_sorted_order():
    model = Zoo()
    found = prunable(model)
    assert list(found) == [
        "attention.in_proj_weight", "attention.out_proj.weight", "b_conv1.weight", "conv2.weight",
        "cross.k_proj_weight", "cross.out_proj.weight", "cross.q_proj_weight", "cross.v_proj_weight", "linear.weight"]
    parameters = dict(model.named_parameters())
    assert all(parameters[name] is value for name, value in found.items())
    assert list(prunable(model, ("conv2.weight",))) == [name for name in found if name != "conv2.weight"]


def test_levels_of_mobilenet_by_the_rule_of_aws():
    """T5: 2,249,024 prunable weights on CIFAR-100, of which AWS keeps these; scores without ties."""
    with torch.device("meta"):
        model = cifar_mobilenet_v2.build(CifarMobilenetV2(), 3, 32, 32, 100)
    shapes = {name: p.shape for name, p in prunable(model, ("fc.weight",)).items()}
    sizes = [shape.numel() for shape in shapes.values()]
    order = torch.randperm(sum(sizes), generator=torch.Generator().manual_seed(0)).float().split(sizes)
    scores = {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), order, strict=True)}
    kept = {name: torch.ones(shape, dtype=torch.bool) for name, shape in shapes.items()}
    counts = []
    for level in range(4):
        kept = prune_to_level(Aws(rule="aws", fraction=0.2), level, scores, kept) if level else kept
        counts.append(sum(int(mask.sum()) for mask in kept.values()))
    assert counts == [2_249_024, 1_799_219, 1_439_375, 1_151_500]
