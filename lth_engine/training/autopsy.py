"""Names the layer where a number stopped being finite."""

from __future__ import annotations

import torch
from torch import nn

from lth_engine.core.errors import NonFinite


def not_finite(model: nn.Module, x: torch.Tensor, step: int, total: int, rate: float) -> NonFinite:
    """The error for a loss that is NaN or infinite at `step`, after a second look at the same batch `x`."""
    return NonFinite(f"The loss became NaN or infinite at step {step + 1} of {total}, first in {first_bad(model, x)}. "
                     f"Everything before it is kept. Lower the learning rate of this training (it was {rate:g}) or "
                     "add warm-up.")


@torch.no_grad()
def first_bad(model: nn.Module, x: torch.Tensor) -> str:
    """The first parameter that is not finite, else the first layer whose output is not, in words."""
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            return f"the parameter {name}"
    culprit: list[str] = []

    def look(name: str) -> object:
        def hook(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
            if not culprit and not bool(torch.isfinite(output).all()):
                culprit.append(name)
        return hook

    leaves = [(name, module) for name, module in model.named_modules() if not list(module.children())]
    handles = [module.register_forward_hook(look(name)) for name, module in leaves]  # type: ignore[arg-type]
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model(x)
    for handle in handles:
        handle.remove()
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])
    return f"the output of layer {culprit[0]}" if culprit else "the loss itself"
