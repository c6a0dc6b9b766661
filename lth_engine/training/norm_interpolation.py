"""AWS's interpolated normalisation (Find a Winning Sign, equation 2).

A step sees (1 - alpha) psi + alpha psi_init in place of the parameters psi of every normalisation layer, with one
alpha from U(0, 1) for all layers and psi_init = (1, 0) for scale and shift. (As in the authors' code alpha weighs the
initial value; the paper lets it weigh the trained one, which has the same distribution.) Evaluation sees psi itself.

The interpolated values stand in the parameters during forward and backward pass, and the gradient of psi is
(1 - alpha) times theirs: the chain rule, without a graph of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm)
"""Normalisation layers: batch and instance norm, layer norm, group norm."""


def norm_parameters(model: nn.Module) -> tuple[str, ...]:
    """Names of the scales and shifts of all normalisation layers of a model; none for those without."""
    layers = [(name, module) for name, module in model.named_modules() if isinstance(module, NORMS)]
    return tuple(f"{name}.{part}" if name else part for name, module in layers
                 for part, _ in module.named_parameters(recurse=False))


class NormInterpolation:
    """The scales and shifts of all normalisation layers of a model (it may have none: nothing is done then)."""

    def __init__(self, model: nn.Module) -> None:
        layers = [m for m in model.modules() if isinstance(m, NORMS)]
        self.scales = [m.weight for m in layers if isinstance(m.weight, nn.Parameter)]
        self.shifts = [m.bias for m in layers if isinstance(m.bias, nn.Parameter)]

    @contextmanager
    def at(self, alpha: torch.Tensor) -> Iterator[None]:
        """Within it the layers hold interpolated values; afterwards their own again, and the gradients of those.

        Args:
            alpha: a tensor of no dimension in [0, 1]: 0 leaves the layers as they are.
        """
        both = self.scales + self.shifts
        if not both:
            yield
            return
        own = [p.detach().clone() for p in both]
        with torch.no_grad():
            torch._foreach_mul_(both, 1 - alpha)
            if self.scales:
                torch._foreach_add_(self.scales, alpha, alpha=1)  # without alpha=1 torch reads the number: a wait
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(both, own)
        with torch.no_grad():
            torch._foreach_mul_([p.grad for p in both if p.grad is not None], 1 - alpha)
