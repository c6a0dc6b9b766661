"""Any classification network of torchvision, untrained, for images of any number of channels."""

from __future__ import annotations

from typing import Any

import torchvision.models as networks
from torch import nn

from lth_engine.core.errors import BadInput, UnknownName
from lth_engine.models.first_convolution import set_channels
from lth_engine.models.fit import refusing_misfits
from lth_engine.specs.library_models import Torchvision

_AUXILIARY = ("googlenet", "inception_v3")
"""Networks with more outputs than one, unless told otherwise."""


def build(spec: Torchvision, channels: int, height: int, width: int, num_classes: int) -> nn.Module:
    """The network that torchvision calls `spec.arch`.

    Raises:
        UnknownName: torchvision has no such network.
        BadInput: it has, but for another task than classification, or it does not fit the images.
    """
    known = networks.list_models(module=networks)
    if spec.arch not in known:
        if spec.arch in networks.list_models():
            raise BadInput(f"{spec.arch} of torchvision is no classification network of images. Choose one that is, "
                           f"such as {known[0]}.")
        raise UnknownName("torchvision network", spec.arch, known)
    options: dict[str, Any] = {"num_classes": num_classes}
    if spec.arch.startswith("vit_"):
        if height != width:
            raise BadInput(f"{spec.arch} needs square images. Got {height} x {width}. Resize them (own_images.size).")
        options["image_size"] = height
    elif spec.arch.startswith("maxvit_"):
        options["input_size"] = (height, width)
    elif spec.arch in _AUXILIARY:
        options |= {"aux_logits": False, "init_weights": True}
    with refusing_misfits(spec, height, width, AssertionError, ValueError):
        model: nn.Module = networks.get_model(spec.arch, weights=None, **options)
    set_channels(model, channels)
    return model
