"""Small networks, masks and batches that the acceptance tests share."""

import numpy as np
import torch
from torch import nn

from lth_engine.core.mask import Mask
from lth_engine.masking.applied import AppliedMask
from lth_engine.masking.prunable import prunable
from lth_engine.specs.models import CifarResnet, Lenet300100
from lth_engine.training.batches import Batches
from lth_engine.training.material import network
from lth_engine.training.stepper import Stepper

LENET, RESNET = Lenet300100(first=20, second=10), CifarResnet(depth=8, width=4)


class DoubleBatches(Batches):
    """Batches in float64, so that an oracle can be compared to many digits."""

    def epoch(self, epoch, first_step=0):
        for x, y in super().epoch(epoch, first_step):
            yield x.double(), y


def random_mask(model, density=0.3, seed=0):
    rng = np.random.default_rng(seed)
    return Mask({n: rng.random(tuple(p.shape)) < density for n, p in prunable(model).items()})


def double(spec, images, seed=0):
    """A network in float64 whose normalisation is not at its initial values."""
    model = network(spec, images.facts, seed, "cpu").double()
    return stir(model)


def stir(model):
    draw = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d | nn.LayerNorm | nn.GroupNorm):
                for p in layer.parameters():
                    p.add_(0.3 * torch.randn(p.shape, generator=draw))
    return model


def three_norms():
    """A network with batch, group and layer norm, for 1 x 8 x 8 images."""
    torch.manual_seed(3)
    return stir(nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.GroupNorm(2, 4),
                              nn.Flatten(), nn.LayerNorm(64), nn.Linear(64, 10)).double())


def stepper(model, training, density=0.3, seed=0, anchor=None):
    return Stepper(model, AppliedMask(model, random_mask(model, density)), training, seed, anchor)
