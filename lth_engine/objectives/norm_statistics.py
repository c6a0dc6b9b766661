"""Whose statistics normalisation uses while a network is looked at near its start."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _NormBase


def use_batch_statistics(model: nn.Module) -> None:
    """Let batch normalisation use the mean and variance of each batch from now on; it keeps none."""
    for layer in model.modules():
        if isinstance(layer, _NormBase):
            layer.track_running_stats = False
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
