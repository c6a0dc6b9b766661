"""Keeps pruned weights at exactly zero while an optimizer works on them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from lth_engine.core.errors import BadInput
from lth_engine.core.mask import Mask


class AppliedMask:
    """A mask laid over the parameters of a model, on the model's device.

    Call :meth:`apply` after every optimizer step: one fused multiplication over all masked parameters (25 times
    cheaper than walking the modules). Layers that keep all weights are left out, unless `every_layer` is given: then
    :meth:`put` can lay another mask over the same parameters in place.

    Raises:
        BadInput: the mask names a parameter that the model does not have, or of another shape.
    """

    def __init__(self, model: nn.Module, mask: Mask, every_layer: bool = False) -> None:
        parameters = dict(model.named_parameters())
        for name, kept in mask.items():
            if name not in parameters or tuple(parameters[name].shape) != kept.shape:
                raise BadInput(f"The mask does not fit the network: {name} {list(kept.shape)} has no counterpart.")
        self.prunable = [parameters[name] for name in mask]
        self.names = [name for name in mask if every_layer or not mask[name].all()]
        self.parameters = [parameters[name] for name in self.names]
        self.factors = [torch.empty_like(p) for p in self.parameters]
        self._factor = {id(p): factor for p, factor in zip(self.parameters, self.factors, strict=True)}
        self.put(mask)

    @torch.no_grad()
    def put(self, mask: Mask) -> None:
        """Take over another mask, in place, as numbers of each parameter's type and memory layout."""
        for name, factor in zip(self.names, self.factors, strict=True):
            factor.copy_(torch.tensor(mask[name]))

    @torch.no_grad()
    def apply(self) -> None:
        """Set the pruned weights to zero."""
        if self.parameters:
            torch._foreach_mul_(self.parameters, self.factors)

    @torch.no_grad()
    def apply_to_gradients(self) -> None:
        """Set the gradients of pruned weights to zero."""
        pairs = [(p.grad, factor) for p, factor in zip(self.parameters, self.factors, strict=True)
                 if p.grad is not None]
        if pairs:
            torch._foreach_mul_([gradient for gradient, _ in pairs], [factor for _, factor in pairs])

    @torch.no_grad()
    def apply_like(self, tensors: Sequence[torch.Tensor], parameters: Sequence[torch.Tensor]) -> None:
        """Set what stands at pruned weights to zero in `tensors`, each shaped like its parameter."""
        pairs = [(tensor, self._factor[id(p)]) for tensor, p in zip(tensors, parameters, strict=True)
                 if id(p) in self._factor]
        if pairs:
            torch._foreach_mul_([tensor for tensor, _ in pairs], [factor for _, factor in pairs])

    @torch.no_grad()
    def count_nonzero(self) -> int:
        """Number of pruned weights that are not exactly zero: the invariant is 0."""
        if not self.parameters:
            return 0
        counts = [torch.count_nonzero((p != 0) & (m == 0))
                  for p, m in zip(self.parameters, self.factors, strict=True)]
        return int(torch.stack(counts).sum())  # one wait for a device
