"""Batch normalisation in evaluation mode, folded into the convolution before it: fewer operations, the same function.

What a weight is worth by |w dR/dw| does not change with it: the factor that the weight takes over its derivative
loses.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

TOLERANCE = 1e-9
"""Relative difference of the sum of the outputs, in float64, up to which a folded network computes the same."""


@torch.no_grad()
def fold_norms(model: nn.Module, ones: torch.Tensor) -> nn.Module:
    """A copy in which every batch normalisation that reads the output of one convolution and nothing else is folded.

    Where the copy does not compute the same (a convolution whose output is used elsewhere too), it is the model as it
    was. Parameters that are left keep their names.

    Args:
        model: in evaluation mode and float64; its normalisation has running statistics, or none is folded.
        ones: the input that the copy is tried on.
    """
    pairs, wanted = _pairs(model, ones)
    if not pairs:
        return model
    tried = copy.deepcopy(model)
    for convolution, norm in pairs:
        _fold(tried, convolution, norm)
    same = (wanted - tried(ones).sum()).abs() <= TOLERANCE * wanted.abs()
    return tried if bool(same) else model


def _fold(model: nn.Module, convolution_name: str, norm_name: str) -> None:
    convolution: Any = model.get_submodule(convolution_name)
    norm: Any = model.get_submodule(norm_name)
    factor = torch.rsqrt(norm.running_var + norm.eps) * (1 if norm.weight is None else norm.weight)
    shift = (0 if norm.bias is None else norm.bias) - norm.running_mean * factor
    convolution.weight.mul_(factor.reshape(-1, *[1] * (convolution.weight.dim() - 1)))
    if convolution.bias is not None:
        shift = shift + convolution.bias * factor
    if bool(shift.count_nonzero()):
        convolution.bias = nn.Parameter(shift, requires_grad=False)
    parent, _, own = norm_name.rpartition(".")
    setattr(model.get_submodule(parent), own, nn.Identity())


def _pairs(model: nn.Module, ones: torch.Tensor) -> tuple[list[tuple[str, str]], torch.Tensor]:
    """Names of convolutions and of the batch normalisation that reads the very output of each, where both run once;
    and the sum of the outputs."""
    calls: list[tuple[nn.Module, Any, Any]] = []
    handles = [m.register_forward_hook(lambda module, inputs, output: calls.append((module, inputs[0], output)))
               for m in model.modules() if isinstance(m, nn.Conv2d | _BatchNorm)]
    total = model(ones).sum()
    for handle in handles:
        handle.remove()
    names = {id(m): name for name, m in model.named_modules()}
    once = {id(m) for m, _, _ in calls if sum(m is other for other, _, _ in calls) == 1}
    written = {id(output): m for m, _, output in calls if isinstance(m, nn.Conv2d) and id(m) in once}
    pairs = [(names[id(written[id(read)])], names[id(m)]) for m, read, _ in calls
             if isinstance(m, _BatchNorm) and m.running_var is not None and id(m) in once and id(read) in written]
    return pairs, total
