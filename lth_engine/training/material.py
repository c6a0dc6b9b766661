"""What a training needs at hand: the images on the device, and the network with given weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lth_engine.core.artifact import Array
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.data.image_set import ImageSet, load
from lth_engine.data.streamed_set import StreamedSet
from lth_engine.models.build import build
from lth_engine.specs.data import DataSpec
from lth_engine.specs.models import ModelSpec
from lth_engine.training.batches import Images
from lth_engine.training.streamed import StreamedImages


@dataclass(frozen=True)
class Facts:
    """Sizes of the images, and mean and deviation of each channel over the training part (pixels in [0, 1])."""

    channels: int
    height: int
    width: int
    num_classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Material:
    """An image set, on the device or streamed to it: its three parts, and its facts."""

    facts: Facts
    train: Images | StreamedImages
    validation: Images | StreamedImages
    test: Images | StreamedImages


_LAST: dict[tuple[DataSpec, Path, str], Material] = {}
"""The set used last, so that the next level finds it on the device; one at a time."""


def material(data: DataSpec, bench: Workbench) -> Material:
    """The images of `data` on the bench's device; loading reports what it does and can be stopped."""
    wanted = (data, bench.data_root, bench.device)
    if wanted not in _LAST:
        _LAST.clear()
        found = load(data, bench.data_root, lambda text: bench.report(Progress(0, 0, text)))
        facts = Facts(found.channels, found.height, found.width, found.num_classes, found.mean, found.std)
        _LAST[wanted] = Material(facts, *_parts(found, bench.device))
    return _LAST[wanted]


def _parts(found: ImageSet | StreamedSet, device: str) -> list[Images | StreamedImages]:
    """Training, validation and test images."""
    if isinstance(found, StreamedSet):
        files = ((found.train, found.train_y), (found.validation, found.validation_y), (found.test, found.test_y))
        return [StreamedImages(x, y, found.size, found.mean, found.std, device) for x, y in files]
    arrays = ((found.train_x, found.train_y), (found.validation_x, found.validation_y), (found.test_x, found.test_y))
    return [Images(x, y, found.mean, found.std, device) for x, y in arrays]


def network(spec: ModelSpec, facts: Facts, init_seed: int, device: str) -> nn.Module:
    """A freshly initialised network for the images, on `device`, in channels_last layout."""
    model = build(spec, facts.channels, facts.height, facts.width, facts.num_classes, init_seed)
    return model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def put_weights(model: nn.Module, weights: Mapping[str, Array]) -> None:
    """Copy parameters and buffers into the model, in place; names and shapes must match."""
    state = model.state_dict()
    found = {name: torch.tensor(value) for name, value in weights.items()}
    state.update(found)  # its metadata stay, which some networks read
    model.load_state_dict(state, strict=True)


def take_weights(model: nn.Module) -> dict[str, Array]:
    """Copies of all parameters and buffers as C-ordered arrays."""
    return {name: np.array(value.detach().cpu().numpy(), order="C") for name, value in model.state_dict().items()}
