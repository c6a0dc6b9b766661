"""Sharpness-aware minimisation (Foret et al. 2021), restricted to kept weights.

The gradient at theta, with pruned coordinates set to zero, is scaled to the length rho and added to theta; the step is
taken with the gradient there, from theta. Batch-norm statistics are updated by the first pass alone. Weight decay and
terms of the loss take part in the step and not in the search for the worst point.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from lth_engine.masking.applied import AppliedMask
from lth_engine.specs.flatness import Sam
from lth_engine.training.flatness.plain import Plain

_TINY = 1e-12
"""Added to the norm of the gradient, as in the authors' published code."""


def build(spec: Sam, model: nn.Module, mask: AppliedMask, seed: int) -> Plain:
    """SAM on all parameters; pruned weights stay zero."""
    return _Sam(spec.rho, model, mask)


class _Sam(Plain):
    def __init__(self, rho: float, model: nn.Module, mask: AppliedMask) -> None:
        self.rho = rho
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.mask = mask
        self.norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]

    def gradient(self, backward: Callable[[], torch.Tensor]) -> torch.Tensor:
        """See :meth:`Plain.gradient`: two passes; the loss is that at the weights."""
        loss = backward().detach()
        with torch.no_grad():
            gradients = [p.grad for p in self.parameters if p.grad is not None]
            moved = [p for p in self.parameters if p.grad is not None]
            self.mask.apply_to_gradients()
            norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
            before = [p.detach().clone() for p in moved]
            torch._foreach_add_(moved, torch._foreach_mul(gradients, self.rho / (norm + _TINY)))
            torch._foreach_zero_(gradients)
        for norm_layer in self.norms:
            norm_layer.track_running_stats = False
        try:
            backward()
        finally:
            for norm_layer in self.norms:
                norm_layer.track_running_stats = True
            with torch.no_grad():
                torch._foreach_copy_(moved, before)
        return loss
