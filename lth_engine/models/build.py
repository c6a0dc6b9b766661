"""Builds the network of a spec for given images, with every draw made from one recorded seed."""

from __future__ import annotations

import importlib

import torch
from torch import nn

from lth_engine.core.errors import BadInput
from lth_engine.core.seeds import derive
from lth_engine.models.batch_norm import set_batch_norm
from lth_engine.models.fit import check_fit
from lth_engine.models.initialise import initialise
from lth_engine.specs.models import ModelSpec, Normalised

_FITTING: set[tuple[ModelSpec, int, int, int, int]] = set()
"""Networks that were found to fit their images in this process: the trial takes longer than drawing the weights."""


def build(spec: ModelSpec, channels: int, height: int, width: int, num_classes: int, init_seed: int) -> nn.Module:
    """A network on the CPU for images of `channels` x `height` x `width`.

    What the definition draws (all of it with init="library", class tokens and position embeddings always) depends on
    `init_seed`; the layers that :func:`initialise` draws have a seed each. No global generator moves.

    Raises:
        BadInput: the network does not fit the images, or knobs do not fit the network.
        UnknownName: no network has the name in `arch`.
    """
    if min(height, width) < spec.min_size:
        raise BadInput(f"{spec.label} needs images of at least {spec.min_size} x {spec.min_size} pixels. "
                       f"Got {height} x {width}. Resize them (own_images.size) or choose lenet_300_100.")
    module = importlib.import_module(f"{spec.package}.{spec.name}")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(init_seed, "library"))
        model: nn.Module = module.build(spec, channels, height, width, num_classes)
    if spec.init != "library":
        initialise(model, init_seed, signed_constant=spec.init == "signed_constant")
    if isinstance(spec, Normalised):
        set_batch_norm(model, spec, init_seed)
    wanted = spec, channels, height, width, num_classes
    if wanted not in _FITTING:
        check_fit(model, *wanted)
        _FITTING.add(wanted)
    return model
