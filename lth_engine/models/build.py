"""Builds the network of a spec for given images, with weights drawn from one recorded seed."""

from __future__ import annotations

import importlib

import torch
from torch import nn

from lth_engine.core.errors import BadInput
from lth_engine.core.seeds import derive
from lth_engine.specs.models import ModelSpec


def build(spec: ModelSpec, channels: int, height: int, width: int, num_classes: int, init_seed: int) -> nn.Module:
    """A network on the CPU for images of `channels` x `height` x `width`.

    Convolution and linear weights are drawn by He's normal rule (fan in, gain of ReLU: He et al. 2015), each from its
    own seed, so that a layer's draw does not depend on the layers before it; biases are 0, normalisation is 1 and 0.

    Raises:
        BadInput: the images are too small for the network.
    """
    if min(height, width) < spec.min_size:
        raise BadInput(f"{spec.title} needs images of at least {spec.min_size} x {spec.min_size} pixels. "
                       f"Got {height} x {width}. Resize them (own_images.size) or choose lenet_300_100.")
    module = importlib.import_module(f"{spec.package}.{spec.name}")
    with torch.random.fork_rng(devices=[]):
        model: nn.Module = module.build(spec, channels, height, width, num_classes)
    initialise(model, init_seed)
    return model


def initialise(model: nn.Module, init_seed: int) -> None:
    """Draw the weights of `model` in place; see :func:`build`."""
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            draw = torch.Generator().manual_seed(derive(init_seed, "init", name))
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=draw)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
