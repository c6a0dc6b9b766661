"""A network and images, shown to a scorer as a search does."""

from __future__ import annotations

import copy
import gzip

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

from lth_engine.data.fashion_mnist import OFFICIAL as FASHION
from lth_engine.finders.ranked import keep_best
from lth_engine.masking.prunable import prunable
from lth_engine.scorers.subject import Subject
from lth_engine.specs.finding import OneShot
from lth_engine.specs.tickets import FoundTicket


def shown(model, batches, seed=0):
    """Mask -> subject, as all rounds of one search get it."""
    weights = {name: p.detach().clone() for name, p in prunable(model).items()}
    kept = {}

    def subject(allowed):
        masked = {name: weight * allowed[name] for name, weight in weights.items()}

        def network():
            found = copy.deepcopy(model).eval()
            with torch.no_grad():
                for name, p in prunable(found).items():
                    p.copy_(masked[name])
            return found
        return Subject(masked, allowed, seed, network, lambda per_class: batches,
                       lambda: tuple(batches[0][0].shape[1:]), kept)
    return subject


def everything(model):
    return {name: torch.ones(p.shape, dtype=torch.bool) for name, p in prunable(model).items()}


def whole(model, batches, seed=0):
    """The subject before anything is pruned."""
    return shown(model, batches, seed)(everything(model))


def drawn(model, batches, scorer, density, **search):
    """The mask that a one-shot search draws at a density."""
    question = FoundTicket(search=OneShot(scorer=scorer, fraction=1 - density, **search))
    return keep_best(question, scorer, shown(model, batches), everything(model), 0)


def lived_in(model, x, seed=5):
    """The network with statistics of normalisation that have seen images, and factors and shifts off 1 and 0."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.weight.mul_(1 + 0.2 * torch.randn(layer.weight.shape, generator=draw))
                layer.bias.add_(0.1 * torch.randn(layer.bias.shape, generator=draw))
        model.train()
        for _ in range(10):
            model(x)
    return model.eval()


def digits(count=40, side=16, channels=3):
    """Real digits, enlarged, as many of each class."""
    x, y = load_digits(return_X_y=True)
    index = np.concatenate([np.flatnonzero(y == c)[:count // 10] for c in range(10)])
    return _inputs(x[index].reshape(-1, 8, 8), y[index], side, channels)


def fashion(count=20, side=32, channels=3):
    """Real photographs of clothes, enlarged, as many of each class, read from the files without the lab's reader."""
    images, labels = (FASHION.system_folder / name for name in ("train-images-idx3-ubyte.gz",
                                                                  "train-labels-idx1-ubyte.gz"))
    with gzip.open(images) as file:
        x = np.frombuffer(file.read(16 + 600 * 784)[16:], np.uint8).reshape(600, 28, 28)
    with gzip.open(labels) as file:
        y = np.frombuffer(file.read(8 + 600)[8:], np.uint8)
    index = np.concatenate([np.flatnonzero(y == c)[:count // 10] for c in range(10)])
    return _inputs(x[index], y[index], side, channels)


def _inputs(x, y, side, channels):
    small = torch.tensor(np.asarray(x, dtype=np.float32))[:, None]
    large = F.interpolate(small, size=(side, side), mode="bilinear", align_corners=False).repeat(1, channels, 1, 1)
    return (large - large.mean()) / large.std(), torch.tensor(np.asarray(y, dtype=np.int64))
