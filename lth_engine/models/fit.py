"""Whether a network fits the images: a trial pass without data, before any training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from lth_engine.core.errors import BadInput
from lth_engine.specs.models import ModelSpec

_TRIAL = 2
"""Images of the trial pass: batch normalisation of a 1 x 1 picture needs more than one."""


@contextmanager
def refusing_misfits(spec: ModelSpec, height: int, width: int, *kinds: type[Exception]) -> Iterator[None]:
    """Turns errors of these kinds inside into the sentence that the network does not fit the images.

    A missing kernel (NotImplementedError) says nothing about the images and passes.
    """
    try:
        yield
    except NotImplementedError:
        raise
    except kinds as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise BadInput(f"{spec.label} does not fit images of {height} x {width} pixels ({reason}). "
                       f"Resize them (own_images.size) or choose lenet_300_100, which takes any size.") from error


def check_fit(model: nn.Module, spec: ModelSpec, channels: int, height: int, width: int, num_classes: int) -> None:
    """A forward pass of shapes alone (on torch's meta device); the model stays as it is.

    Raises:
        BadInput: a layer does not fit the images, or the output is not one value a class.
    """
    images = torch.empty(_TRIAL, channels, height, width, device="meta")
    shapes = {name: value.to("meta") for part in (model.named_parameters(), model.named_buffers())
              for name, value in part}
    mode = model.training
    with refusing_misfits(spec, height, width, RuntimeError, ValueError, AssertionError, IndexError), torch.no_grad():
        output = torch.func.functional_call(model.eval(), shapes, (images,))
    model.train(mode)
    shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
    if shape != (_TRIAL, num_classes):
        raise BadInput(f"{spec.label} must answer {_TRIAL} images with ({_TRIAL}, {num_classes}) values, one a class. "
                       f"Got {shape}. Choose another network.")
