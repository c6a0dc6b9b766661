"""What normalisation layers with running statistics do on a line between two networks.

Statistics belong to weights, and those between two networks were never trained: interpolated statistics fit them badly
and make barriers that better ones remove. So how they are had is part of the question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from lth_engine.core.errors import BadInput
from lth_engine.training.evaluate import Shown


class InParts(Shown, Protocol):
    """Images that are shown in the same batches each time; `parts` are the indices of each."""

    @property
    def parts(self) -> tuple[torch.Tensor, ...]:
        """The indices of the images of each batch."""


def tracking(model: nn.Module) -> list[_NormBase]:
    """The normalisation layers of `model` that keep running statistics."""
    return [m for m in model.modules() if isinstance(m, _NormBase) and m.running_mean is not None]


def protocol(name: str, model: nn.Module, train: Shown) -> Callable[[], None]:
    """What must be done after each change of the weights, before the model is evaluated.

    Args:
        name: "recalibrated", "interpolated" or "batch", see the question `connectivity`.
        model: the network; "batch" takes its running statistics away.
        train: un-augmented training images.
    """
    layers = tracking(model)
    if name == "recalibrated" and layers:
        return partial(recalibrate, model, layers, train)
    if name == "batch":
        for layer in layers:
            layer.track_running_stats = False
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
    return lambda: None


@torch.no_grad()
def recalibrate(model: nn.Module, layers: list[_NormBase], train: Shown) -> None:
    """Re-estimate the running statistics of `layers`: the mean over all training images, a batch at a time.

    Each image counts the same (a cumulative average in which a batch weighs as much as it has images). Everything but
    `layers` is in evaluation mode.
    """
    model.eval()
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.train()
    seen = 0
    for x, _ in train.in_order():
        seen += len(x)
        for layer in layers:
            layer.momentum = len(x) / seen
        model(x)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.eval()


@torch.no_grad()
def require_room(name: str, model: nn.Module, example: torch.Tensor, shown: Mapping[str, InParts]) -> None:
    """Refuse batches that are too small to take statistics of: one image with one value a channel.

    Args:
        name: the protocol.
        model: the network, in evaluation mode, before :func:`protocol`.
        example: one normalised image, 1 x C x H x W.
        shown: what statistics are taken of, by the word for it ("training", "test").

    Raises:
        BadInput: the text says which images and which layer.
    """
    if name == "interpolated" or not tracking(model):
        return
    single = [what for what, images in shown.items() if min(map(len, images.parts), default=0) < 2]
    if not single:
        return
    with _sizes(model) as values:
        model(example)
    lone = [layer for layer, count in values.items() if count < 2]
    if lone:
        remedy = "" if name == "recalibrated" else ", recalibrated"
        raise BadInput(f"Statistics of a batch need two values a channel, but a batch of the {single[0]} images is a "
                       f"single image and has one at {lone[0]}: use a set with more images, or norm_statistics "
                       f"interpolated{remedy}.")


@contextmanager
def _sizes(model: nn.Module) -> Iterator[dict[str, int]]:
    """Fills a dictionary with the number of values a channel that each tracking layer sees in a forward pass."""
    seen: dict[str, int] = {}
    layers = set(tracking(model))
    hooks = [module.register_forward_pre_hook(
        lambda layer, given, name=name: seen.__setitem__(name, given[0].numel() // given[0].shape[1]))
        for name, module in model.named_modules() if module in layers]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
