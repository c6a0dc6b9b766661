"""What a training needs at hand: the images on the device, and the network with given weights."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lth_engine.core.artifact import Array
from lth_engine.data.image_set import ImageSet, load
from lth_engine.models.build import build
from lth_engine.specs.data import DataSpec
from lth_engine.specs.models import ModelSpec
from lth_engine.training.batches import Images


@dataclass(frozen=True)
class Material:
    """An image set on the device: its three parts, and its facts."""

    facts: ImageSet
    train: Images
    validation: Images
    test: Images


@functools.lru_cache(maxsize=1)
def material(data: DataSpec, data_root: Path, device: str) -> Material:
    """The images of `data` on `device`; the last set asked for stays there for the next level."""
    facts = load(data, data_root)
    return Material(facts, Images(facts.train_x, facts.train_y, facts, device),
                    Images(facts.validation_x, facts.validation_y, facts, device),
                    Images(facts.test_x, facts.test_y, facts, device))


def network(spec: ModelSpec, facts: ImageSet, init_seed: int, device: str) -> nn.Module:
    """A freshly initialised network for the images, on `device`, in channels_last layout."""
    model = build(spec, facts.channels, facts.height, facts.width, facts.num_classes, init_seed)
    return model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def put_weights(model: nn.Module, weights: Mapping[str, Array]) -> None:
    """Copy parameters and buffers into the model, in place; names and shapes must match."""
    model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()}, strict=True)


def take_weights(model: nn.Module) -> dict[str, Array]:
    """Copies of all parameters and buffers as C-ordered arrays."""
    return {name: np.array(value.detach().cpu().numpy(), order="C") for name, value in model.state_dict().items()}
