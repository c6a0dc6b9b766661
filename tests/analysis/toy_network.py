"""A network of 200 parameters in double precision, with its dense Hessian by torch's own differentiation."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad, jacrev

from lth_engine.analysis.curvature.at_network import Drawn
from lth_engine.core.mask import Mask
from lth_engine.training.batches import Images


class Doubled(nn.Module):
    """Takes images in single precision and computes in double."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.hidden, self.out = nn.Linear(9, 11), nn.Linear(11, 7)
        self.double().eval()

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x.double().flatten(1))))


def toy(seed=0, density=0.7):
    """The network, pruned at random, its mask, and 23 random images; on one thread, which is faster at this size."""
    torch.set_num_threads(1)
    model, rng = Doubled(seed), np.random.default_rng(seed)
    weights = {n: p for n, p in model.named_parameters() if p.ndim > 1}
    mask = Mask({n: rng.random(tuple(p.shape)) < density for n, p in weights.items()})
    with torch.no_grad():
        for name, weight in weights.items():
            weight.mul_(1.5 * torch.tensor(mask[name]))
    draw = torch.Generator().manual_seed(seed)
    images = Images(torch.randint(0, 256, (23, 1, 3, 3), dtype=torch.uint8, generator=draw),
                    torch.randint(0, 7, (23,), generator=draw), (0.5,), (0.3,), "cpu")
    return model, mask, Drawn(images)


def free(model, mask, weights="kept"):
    """For each coordinate of the model, in the order of its parameters, whether it may move."""
    return torch.cat([torch.tensor(mask[n]).flatten() if weights == "kept" and n in mask
                      else torch.ones(p.numel(), dtype=torch.bool) for n, p in model.named_parameters()])


def dense(model, images):
    """Hessian and gradient of the mean loss in all parameters, and the loss."""
    named = {n: p.detach() for n, p in model.named_parameters()}
    x, y = next(iter(images.in_order()))

    def loss(flat):
        parts = flat.split([p.numel() for p in named.values()])
        moved = {n: part.view_as(p) for (n, p), part in zip(named.items(), parts, strict=True)}
        return F.cross_entropy(functional_call(model, moved, (x,)), y)

    flat = torch.cat([p.flatten() for p in named.values()])
    return jacrev(grad(loss))(flat), grad(loss)(flat), loss(flat)


class Memory:
    """A checkpoint that stays here."""

    saved = None

    def load(self):
        return self.saved

    def save(self, arrays, scalars):
        self.saved = ({n: a.copy() for n, a in arrays.items()}, dict(scalars))
