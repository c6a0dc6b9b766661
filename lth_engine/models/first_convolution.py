"""Gives a network for colour images another number of channels by replacing its first convolution."""

from __future__ import annotations

import torch
from torch import nn


def set_channels(model: nn.Module, channels: int) -> None:
    """Replace, in place, the first convolution (in order of definition) by one of `channels` inputs.

    Its weights are drawn from a normal distribution with the old deviation times sqrt(old / new channels), so that its
    output is as large as before; the draw is torch's global generator's. The bias stays. Nothing happens if the number
    is right.
    """
    name, old = next((n, m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d))
    if old.in_channels == channels:
        return
    new = nn.Conv2d(channels, old.out_channels, old.kernel_size, old.stride,  # type: ignore[arg-type]
                    old.padding, old.dilation, bias=old.bias is not None)  # type: ignore[arg-type]
    with torch.no_grad():
        new.weight.normal_(0.0, float(old.weight.std()) * (old.in_channels / channels) ** 0.5)
        if old.bias is not None and new.bias is not None:
            new.bias.copy_(old.bias)
    model.set_submodule(name, new)
