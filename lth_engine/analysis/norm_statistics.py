"""What normalisation layers with running statistics do on a line between two networks.

Statistics belong to weights, and those between two networks were never trained: interpolated statistics fit them badly
and make barriers that better ones remove. So how they are had is part of the question.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from lth_engine.training.mixed import Mixed


def tracking(model: nn.Module) -> list[_NormBase]:
    """The normalisation layers of `model` that keep running statistics."""
    return [m for m in model.modules() if isinstance(m, _NormBase) and m.running_mean is not None]


def protocol(name: str, model: nn.Module, train: Mixed) -> Callable[[], None]:
    """What must be done after each change of the weights, before the model is evaluated.

    Args:
        name: "recalibrated", "interpolated" or "batch", see the question `connectivity`.
        model: the network; "batch" takes its running statistics away.
        train: un-augmented training images.
    """
    layers = tracking(model)
    if name == "recalibrated" and layers:
        return partial(recalibrate, model, layers, train)
    if name == "batch":
        for layer in layers:
            layer.track_running_stats = False
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
    return lambda: None


@torch.no_grad()
def recalibrate(model: nn.Module, layers: list[_NormBase], train: Mixed) -> None:
    """Re-estimate the running statistics of `layers`: the mean over all training images, a batch at a time.

    Each image counts the same (a cumulative average in which a batch weighs as much as it has images). Everything but
    `layers` is in evaluation mode.
    """
    model.eval()
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.train()
    seen = 0
    for x, _ in train.in_order():
        seen += len(x)
        for layer in layers:
            layer.momentum = len(x) / seen
        model(x)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.eval()
