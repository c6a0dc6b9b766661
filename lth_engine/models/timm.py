"""Any network of timm (PyTorch Image Models), untrained; the library is asked for only when one is built."""

from __future__ import annotations

import difflib
import importlib
from types import ModuleType
from typing import Any

from torch import nn

from lth_engine.core.errors import BadInput, UnknownName
from lth_engine.models.fit import refusing_misfits
from lth_engine.specs.library_models import Timm


def build(spec: Timm, channels: int, height: int, width: int, num_classes: int) -> nn.Module:
    """The network that timm calls `spec.arch`.

    Raises:
        UnknownName: timm has no such network.
        BadInput: timm is not installed, or the network does not fit the images.
    """
    timm = _library()
    if not timm.is_model(spec.arch):
        raise UnknownName("timm network (the nearest are listed)", spec.arch, _near(spec.arch, timm.list_models()))
    options: dict[str, Any] = {"in_chans": channels, "num_classes": num_classes}
    if getattr(timm.get_pretrained_cfg(spec.arch), "fixed_input_size", False):
        options["img_size"] = (height, width)
    with refusing_misfits(spec, height, width, AssertionError, ValueError):
        model: nn.Module = timm.create_model(spec.arch, pretrained=False, **options)
    return model


def _near(word: str, names: list[str]) -> list[str]:
    """Up to ten of timm's thousand names: those that begin with the word, or else look like it."""
    return [n for n in names if n.startswith(word)][:10] or difflib.get_close_matches(word, names, n=10, cutoff=0.0)


def _library() -> ModuleType:
    try:
        return importlib.import_module("timm")
    except ModuleNotFoundError as error:
        if error.name != "timm":
            raise
        raise BadInput("The networks of timm need the library timm, which is not installed. Install it with "
                       "pip install timm, or choose a network of torchvision.") from None
