"""Whether a network fits the images: a trial pass without data, before any training."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from lth_engine.core.errors import BadInput
from lth_engine.specs.models import ModelSpec

_TRIAL = 2
"""Images of the trial pass: batch normalisation of a 1 x 1 picture needs more than one."""

_MISFIT = (RuntimeError, ValueError, AssertionError, IndexError)
"""What layers raise for shapes that they cannot take."""


@contextmanager
def refusing_misfits(spec: ModelSpec, height: int, width: int, *kinds: type[Exception]) -> Iterator[None]:
    """Turns errors of these kinds inside into the sentence that the network does not fit the images."""
    try:
        yield
    except kinds as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise BadInput(f"{spec.label} does not fit images of {height} x {width} pixels ({reason}). "
                       f"Resize them (own_images.size) or choose lenet_300_100, which takes any size.") from error


def check_fit(model: nn.Module, spec: ModelSpec, channels: int, height: int, width: int, num_classes: int) -> None:
    """A forward pass of copies; the model stays as it is.

    Raises:
        BadInput: a layer does not fit the images, or the output is not one value a class.
    """
    size = (_TRIAL, channels, height, width)
    try:
        output = _pass(_without_data(model), torch.empty(size, device="meta"))
    except _MISFIT:  # of the images, or a layer that needs real numbers: only they can tell
        with refusing_misfits(spec, height, width, *_MISFIT):
            output = _pass(copy.deepcopy(model), torch.zeros(size))
    shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
    if shape != (_TRIAL, num_classes):
        raise BadInput(f"{spec.label} must answer {_TRIAL} images with ({_TRIAL}, {num_classes}) values, one a class. "
                       f"Got {shape}. Choose another network.")


def _without_data(model: nn.Module) -> nn.Module:
    """A copy whose parameters and buffers are shapes only (torch's meta device): it costs no memory."""
    empty: dict[int, object] = {id(p): nn.Parameter(p.detach().to("meta"), p.requires_grad)
                                for p in model.parameters()}
    empty |= {id(b): b.to("meta") for b in model.buffers()}
    return copy.deepcopy(model, empty)


@torch.no_grad()
def _pass(model: nn.Module, images: torch.Tensor) -> object:
    """What `model` answers in evaluation mode; no number is drawn from a global generator."""
    with torch.random.fork_rng(devices=[]):
        return model.eval()(images)
