"""Which kept weights can matter: those on a path of kept weights from the input to the output.

A unit of a layer (an output channel, an output feature) is dead if no such path runs through it: nothing that varies
comes in, or nothing goes out. Kept weights that are joined to dead units alone do nothing, so the effective density is
below the nominal one. A unit without incoming weights may still put out its bias or that of its normalisation: a
constant, which carries nothing of the image, so it is dead. A shortcut carries its channels past a layer, so that a
channel stays alive where a unit of the layer is dead. Weights that meet nothing but padding do not count either.

Source: Vysogorets & Kempe 2023, Connectivity matters: effective sparsity.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.func import functional_call

from lth_engine.analysis.pairs.reach import Reach
from lth_engine.core.mask import Mask


def effective(model: nn.Module, mask: Mask, channels: int, height: int, width: int,
              dtype: torch.dtype = torch.float64) -> Mask:
    """The kept weights through which a path runs.

    Args:
        model: a network of the architecture, on the CPU; it stays as it is.
        mask: kept weights of all its prunable parameters.
        channels: of the images.
        height: of the images, in pixels.
        width: of the images, in pixels.
        dtype: of the computation; float32 takes half the time, and is exact while no unit adds up 2^24 numbers.

    Returns:
        A mask within `mask`. A kept weight is in it if the derivative of the network's outputs with respect to it is
        not zero, where the network is run as :class:`Reach` says, with the mask as its weights and an image
        of ones.
    """
    state = {name: torch.zeros_like(p, dtype=dtype) for name, p in model.named_parameters()}
    fixed = [value for name, value in state.items() if name not in mask]
    for name, kept in mask.items():
        state[name] = torch.tensor(kept, dtype=dtype, requires_grad=True)
    buffers = {name: b.to(dtype) if b.is_floating_point() else b for name, b in model.named_buffers()}
    image = torch.ones(1, channels, height, width, dtype=dtype)
    mode = model.training
    model.eval()
    with torch.enable_grad(), Reach(fixed):
        output = functional_call(model, state | buffers, (image,))
    model.train(mode)
    weights = [state[name] for name in mask]
    if not output.requires_grad:
        return Mask({name: kept & False for name, kept in mask.items()})
    through = torch.autograd.grad(output.sum(), weights, allow_unused=True)
    return Mask({name: kept & (g.abs() > 0.5).numpy() if g is not None else kept & False
                 for (name, kept), g in zip(mask.items(), through, strict=True)})


def dead_units(live: Mask) -> dict[str, int]:
    """Units of each layer through which no path runs, the classes of the output included.

    Args:
        live: what :func:`effective` found. A unit is a row of the weight: a path runs through it if an effective
            weight leads into it.
    """
    return {name: int((~array.reshape(len(array), -1).any(axis=1)).sum()) for name, array in live.items()}
