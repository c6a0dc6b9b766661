"""Runs any network on "can the images be felt here": 1 where a path of kept weights leads from the input, else 0.

A torch function mode, so that no network has to be written twice: while it is active, every operation that could hide
a path, or invent one, is replaced by what it does to paths.

- Linear layers and convolutions: a unit is reached if a kept weight joins it to one that is. Biases carry nothing.
- Activations and normalisation pass on what they get, unit by unit. That a layer normalisation shares one mean and one
  deviation among units counts as no path.
- Max pools become mean pools: any of the pixels may be the largest.
- A softmax is never 0, so what it multiplies stays reached whatever goes into it; it mixes all places. (Nor is a
  sigmoid: it runs as it is.)
- A factor that nothing reaches counts as 0 in a product of two features, and so does its bias.

Everything else (sums of shortcuts, concatenation, shifts, means) runs as it is: of numbers that are not negative, the
result and its derivative are positive exactly where a path is. The derivatives lead back from the output in the same
way. Both are cut to 0 and 1 before and after each layer with weights, so that no depth overflows or underflows.

Source: Vysogorets & Kempe 2023, Connectivity matters, who push ones through the masks as SynFlow does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_PASS = frozenset((
    "relu", "relu_", "relu6", "gelu", "silu", "hardswish", "hardtanh", "leaky_relu", "elu", "selu", "celu", "mish",
    "tanh", "softplus", "prelu", "batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm",
    "local_response_norm", "normalize"))
"""Functions of torch, and methods of its tensors, that pass on what they get, unit by unit."""

_LAYERS = frozenset(("linear", "conv1d", "conv2d"))
_PRODUCTS = frozenset(("mul", "mul_"))


class _Cut(torch.autograd.Function):
    """1 where a number is above `floor`, else 0; its derivative is cut in the same way at `floor_back`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, floor: float, floor_back: float) -> Tensor:
        ctx.floor_back = floor_back
        return (x.abs() > floor).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return (gradients[0].abs() > ctx.floor_back).to(gradients[0].dtype), None, None


class _Positive(torch.autograd.Function):
    """1 everywhere, with the derivative of the identity."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.ones_like(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


def layer(multiply: Callable[..., Tensor], x: Tensor, weight: Tensor, *options: Any, **named: Any) -> Tensor:
    """A linear layer or convolution of zeros and ones, without bias; its counts are cut to zeros and ones.

    Counts are whole numbers, so half is the floor for those that `multiply` has summed up, forward and backward.
    """
    counts = multiply(_Cut.apply(x, 0.0, 0.5), weight, None, *options, **named)
    cut: Tensor = _Cut.apply(counts, 0.5, 0.0)
    return cut


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """(..., places, features) each -> (..., places, features): every place may look at every other one."""
    return _softmax(query @ key.transpose(-2, -1), -1) @ value


def _softmax(input: Tensor, dim: int = -1, *options: Any, **named: Any) -> Tensor:
    reached: Tensor = _Positive.apply(input.sum(dim, keepdim=True).expand_as(input))
    return reached


def multi_head_attention(given: Mapping[str, Any]) -> tuple[Tensor, None]:
    """What torch's attention module does, (places, batch, features) -> (the same, no weights)."""
    if given.get("use_separate_proj_weight"):
        weights = [given[f"{part}_proj_weight"] for part in "qkv"]
    else:
        weights = list(given["in_proj_weight"].chunk(3))
    heads = []
    for x, weight in zip((given["query"], given["key"], given["value"]), weights, strict=True):
        y = layer(F.linear, x, weight)
        heads.append(y.reshape(*y.shape[:-1], given["num_heads"], -1).movedim(0, -2))  # (batch, heads, places, size)
    mixed = attention(*heads).movedim(-2, 0).flatten(-2)
    return layer(F.linear, mixed, given["out_proj_weight"]), None


def _mean_pool(given: Mapping[str, Any], pool: Callable[..., Tensor]) -> Tensor:
    """A mean over the windows of a max pool."""
    size, dilation = given["kernel_size"], given.get("dilation", 1)
    sizes, dilations = (v if isinstance(v, tuple | list) else (v,) for v in (size, dilation))
    spans = [d * (s - 1) + 1 for s, d in zip(sizes, dilations * len(sizes), strict=False)]
    return pool(given["input"], spans if len(spans) > 1 else spans[0], given.get("stride") or size,
                given.get("padding", 0), given.get("ceil_mode", False))


_SIGNATURES = {
    "multi_head_attention_forward": inspect.signature(F.multi_head_attention_forward),
    **dict.fromkeys(("max_pool1d", "max_pool2d"), inspect.signature(
        lambda input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False: None)),
}


class Reach(TorchFunctionMode):
    """While active, networks compute what is reached instead of what they compute.

    Args:
        factors: tensors (parameters that may not be pruned, all 0) that count as 1 where they multiply, as the scale
            of a layer does; where they are added, as positions are, they carry nothing.
    """

    def __init__(self, factors: Collection[Tensor] = ()) -> None:
        super().__init__()
        self.factors = {id(tensor) for tensor in factors}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        if name in _PASS:
            return args[0].clone() if args else kwargs["input"].clone()
        if name in _LAYERS:
            return _without_bias(func, *args, **kwargs)
        if name == "softmax":
            return _softmax(*args, **kwargs)
        if name in _PRODUCTS and any(id(factor) in self.factors for factor in args):
            return torch.mul(*(torch.ones_like(a) if id(a) in self.factors else a for a in args))
        if name == "scaled_dot_product_attention":
            return attention(*args[:3])
        if name.startswith("adaptive_max_pool"):
            return getattr(F, name.replace("max", "avg"))(*args[:2])
        if name in _SIGNATURES:
            given = _SIGNATURES[name].bind(*args, **kwargs).arguments
            if name == "multi_head_attention_forward":
                return multi_head_attention(given)
            return _mean_pool(given, getattr(F, name.replace("max", "avg")))
        return func(*args, **kwargs)


def _without_bias(func: Callable[..., Tensor], input: Tensor, weight: Tensor, bias: Tensor | None = None,
                  *options: Any, **named: Any) -> Tensor:
    return layer(func, input, weight, *options, **named)
