"""Checkpoints made by hand, as reading and recognition would give them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from lth_engine.importing.checkpoint import Architecture, Checkpoint, Sparse, Unwrapped
from lth_engine.importing.contents import Contents
from lth_engine.specs.models import ModelSpec


def checkpoint(weights: Mapping[str, torch.Tensor], masks: Mapping[str, torch.Tensor] | None = None,
               architecture: Architecture | None = None, extra: Mapping[str, torch.Tensor] | None = None,
               **contents: object) -> Checkpoint:
    """A flat state dict, masks beside it; `extra` tensors lie in the file but are no weights."""
    masks = dict(masks or {})
    stored = {f"{name}_mask": mask.float() for name, mask in masks.items()}
    tensors = {**weights, **stored, **(extra or {})}
    return Checkpoint(
        Contents("torch zip", tensors, **contents),
        Unwrapped({**weights, **stored}, {name: name for name in (*weights, *stored)}),
        Sparse(dict(weights), masks, "weight_mask" if masks else "none", {name: name for name in weights}),
        architecture, None)


def of_model(model: nn.Module, spec: ModelSpec, shape: tuple[int, int, int], classes: int,
             masks: Mapping[str, torch.Tensor] | None = None) -> Checkpoint:
    """A network of the lab as a file of its state dict."""
    known = Architecture(spec.label, "by hand", spec, *shape, True, classes)
    return checkpoint({name: value.clone() for name, value in model.state_dict().items()}, masks, known)
