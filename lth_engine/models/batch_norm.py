"""The two choices about batch normalisation: running statistics or not, and the first factors."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from lth_engine.core.errors import BadInput
from lth_engine.core.seeds import derive
from lth_engine.specs.models import Normalised


def set_batch_norm(model: nn.Module, spec: Normalised, init_seed: int) -> None:
    """Apply `spec.running_stats` and `spec.norm_init` to every batch normalisation of `model`, in place.

    Raises:
        BadInput: a knob is set, but the network has no batch normalisation.
    """
    layers = {name: module for name, module in model.named_modules() if isinstance(module, _BatchNorm)}
    if not layers and (not spec.running_stats or spec.norm_init != "ones"):
        raise BadInput(f"{spec.label} has no batch normalisation. Leave {spec.name}.running_stats on and "
                       f"{spec.name}.norm_init at ones.")
    for name, layer in layers.items():
        if not spec.running_stats:
            layer.track_running_stats = False
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
        if spec.norm_init == "uniform" and layer.affine:
            draw = torch.Generator().manual_seed(derive(init_seed, "init", name))
            nn.init.uniform_(layer.weight, generator=draw)
            nn.init.zeros_(layer.bias)
