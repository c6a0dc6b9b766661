"""A small network with batch normalisation, written twice: as a module, and as plain functions of its weights."""

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.finders.learner import Setting
from lth_engine.masking.prunable import prunable
from lth_engine.specs.tickets import LearnedMask

NAMES = ["0.weight", "4.weight"]
"""Its prunable parameters: 4 x 1 x 3 x 3 and 10 x 144."""


def toy():
    torch.manual_seed(5)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
    nn.init.normal_(model[1].weight, 1.0, 0.3)
    return model.eval()


def images(count=32, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, 8, 8, generator=draw), torch.randint(0, 10, (count,), generator=draw)


def toy_loss(weights, x, y):
    """Cross-entropy of the toy with these parameters, normalised by the statistics of the batch."""
    h = F.conv2d(x, weights["0.weight"], weights["0.bias"])
    h = F.batch_norm(h, None, None, weights["1.weight"], weights["1.bias"], training=True)
    return F.cross_entropy(F.linear(h.relu().flatten(1), weights["4.weight"], weights["4.bias"]), y)


def parameters(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def setting(search, at_level=1, seed=0, total=20, steps_per_epoch=5, model=None):
    question = LearnedMask(search=search, at_level=at_level, seed=seed)
    model = toy() if model is None else model
    size = sum(p.numel() for p in prunable(model).values())
    return Setting(question, model, list(prunable(model)), search.kept(at_level, size), total, steps_per_epoch,
                   torch.Generator())
