"""Convolutions and batch normalisation in a form whose second derivative is cheap; the function is the same.

Torch differentiates a convolution's gradient by convolving with kernels as large as the image, and that of batch
normalisation in some fifteen passes over the activations: together most of a product with the Hessian. Here the three
derivatives of a convolution's gradient are the same three kernels as those of the convolution itself, and
normalisation with fixed statistics that follows a convolution becomes part of its weights.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

Tensor = torch.Tensor
Maybe = Tensor | None
How = tuple[tuple[int, int], tuple[int, int], tuple[int, int], int]
"""Stride, padding, dilation, groups."""


@dataclass(frozen=True)
class _Made:
    """What a convolution was made of."""

    out: weakref.ref[Tensor]
    version: int
    x: Tensor
    weight: Tensor
    bias: Maybe
    how: How


class TwiceDifferentiable(TorchFunctionMode):
    """Within it, a network's forward pass is made of the forms of this module; its parameters stay the leaves.

    Convolutions in two dimensions with padding in numbers, batch normalisation with fixed statistics, and hard
    sigmoids are replaced; all else is torch's own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[int, _Made] = {}

    def __torch_function__(self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:
        """Called by torch for each of its functions."""
        kwargs = kwargs or {}
        if func is torch.conv2d:
            return self._convolution(*args, **kwargs)
        if func is F.batch_norm:
            return self._normalised(*args, **kwargs)
        if func is F.hardsigmoid:  # torch has no second derivative of it, though it has that of its parts
            return F.relu6(args[0] + 3) / 6
        return func(*args, **kwargs)

    def _convolution(self, x: Tensor, weight: Tensor, bias: Maybe = None, stride: Any = 1, padding: Any = 0,
                     dilation: Any = 1, groups: int = 1) -> Tensor:
        if isinstance(padding, str) or x.ndim != 4:
            return torch.conv2d(x, weight, bias, stride, padding, dilation, groups)
        how = (_pair(stride), _pair(padding), _pair(dilation), groups)
        out: Tensor = _Convolution.apply(x, weight, bias, how)
        self._made[id(out)] = _Made(weakref.ref(out), out._version, x, weight, bias, how)
        return out

    def _normalised(self, x: Tensor, mean: Maybe, variance: Maybe, weight: Maybe = None, bias: Maybe = None,
                    training: bool = False, momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
        if training or mean is None or variance is None:
            return F.batch_norm(x, mean, variance, weight, bias, training, momentum, eps)
        scale = torch.rsqrt(variance + eps)
        scale = scale if weight is None else scale * weight
        shift = -mean * scale if bias is None else bias - mean * scale
        made = self._made.get(id(x))
        if made is None or made.out() is not x or made.version != x._version:  # or changed in place since
            shape = (1, -1) + (1,) * (x.ndim - 2)
            return torch.addcmul(shift.view(shape), x, scale.view(shape))
        shift = shift if made.bias is None else shift + made.bias * scale
        folded: Tensor = _Convolution.apply(made.x, made.weight * scale[:, None, None, None], shift, made.how)
        return folded


def _pair(value: Any) -> tuple[int, int]:
    found = (value, value) if isinstance(value, int) else tuple(value)
    return found if len(found) == 2 else found * 2


class _Convolution(torch.autograd.Function):
    """A convolution: (B, C, H, W) * (K, C / groups, h, w) + (K,) -> (B, K, H', W')."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Maybe, how: How) -> Tensor:
        """The convolution."""
        ctx.save_for_backward(x, weight)
        ctx.how = how
        return torch.conv2d(x, weight, bias, *how)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Maybe, Maybe, Maybe, None]:
        """Its gradient, which can be differentiated once more."""
        x, weight = ctx.saved_tensors
        return (*_Gradient.apply(slope, x, weight, ctx.how, ctx.needs_input_grad[:3]), None)


class _Gradient(torch.autograd.Function):
    """The gradient of a convolution by its input, its weights and its bias, as a function of slope, input, weights."""

    @staticmethod
    def forward(ctx: Any, slope: Tensor, x: Tensor, weight: Tensor, how: How,
                wanted: tuple[bool, bool, bool]) -> tuple[Maybe, Maybe, Maybe]:
        """The gradient; None where it is not wanted."""
        ctx.save_for_backward(slope, x, weight)
        ctx.how = how
        ctx.set_materialize_grads(False)
        return _backward(slope, x, weight, how, wanted)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_x: Maybe, by_weight: Maybe,
                 by_bias: Maybe) -> tuple[Maybe, Maybe, Maybe, None, None]:
        """Its derivative. The gradient by x is linear in slope and weights, that by the weights in slope and x."""
        slope, x, weight = ctx.saved_tensors
        needs = ctx.needs_input_grad
        total: Maybe = None
        if needs[0] and by_weight is not None:
            total = torch.conv2d(x, by_weight, by_bias, *ctx.how)
        elif needs[0] and by_bias is not None:
            total = by_bias[:, None, None].expand_as(slope).clone()
        if needs[0] and by_x is not None:
            part = torch.conv2d(by_x, weight, None, *ctx.how)
            total = part if total is None else total.add_(part)
        wanted = (by_weight is not None and needs[1], by_x is not None and needs[2], False)
        to_x, to_weight, _ = _backward(slope, x if by_x is None else by_x, weight if by_weight is None else by_weight,
                                       ctx.how, wanted)
        return total, to_x, to_weight, None, None


def _backward(slope: Tensor, x: Tensor, weight: Tensor, how: How,
              wanted: tuple[bool, bool, bool]) -> tuple[Maybe, Maybe, Maybe]:
    """Torch's kernels: the gradient by x and by the bias from the weights, by the weights from x."""
    if not any(wanted):
        return None, None, None
    stride, padding, dilation, groups = how
    found: tuple[Maybe, Maybe, Maybe] = torch.ops.aten.convolution_backward(
        slope, x, weight, [len(weight)], stride, padding, dilation, False, [0, 0], groups, wanted)
    return found
