"""Calls of torch that name a device: copies between CPU and pretend GPU, and tensors made there."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from tests.pretend_gpu.state import STATE
from tests.pretend_gpu.tensors import DEVICE, OnGpu, any_on_gpu

_CPU_GENERATOR = torch.Generator


class Generator(_CPU_GENERATOR):
    """A generator that knows the device it was made for, and draws what one of the CPU does."""

    def __new__(cls, device: torch.device | str = "cpu") -> Generator:
        made = _CPU_GENERATOR.__new__(cls, "cpu")
        made.named = torch.device(device)
        return made

    def __init__(self, device: torch.device | str = "cpu") -> None:
        pass

    @property
    def device(self) -> torch.device:
        return DEVICE if self.named.type == "cuda" else self.named


class Calls(TorchFunctionMode):
    """Within it `device` means CPU or pretend GPU."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do one call.

        Raises:
            TypeError: an array was asked of a tensor of the device.
            RuntimeError: a generator is of the other device, or tensors of both are mixed.
        """
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        ours = bool(args) and isinstance(args[0], OnGpu)
        if name in ("__get__", "_parse_to"):
            return func(*args, **kwargs)
        if name == "to":
            return self._to(func, args[0], args[1:], kwargs)
        if name in ("cpu", "cuda"):
            return self._to(torch.Tensor.to, args[0], (torch.device(name),), kwargs)
        if name in ("numpy", "__array__") and ours:
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to "
                            "host memory first.")
        if name == "tolist" and ours:
            STATE.wait("from the device")
            return args[0].inner.tolist()
        if name == "pin_memory":
            return args[0]
        device = kwargs.pop("device", None)
        return self._run(func, args, kwargs) if device is None else self._made(func, args, kwargs, device)

    def _to(self, func: Any, x: torch.Tensor, rest: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
        device, other = kwargs.pop("device", None), kwargs.pop("other", None)
        dtype, queued = kwargs.pop("dtype", None), kwargs.pop("non_blocking", False)
        flags = []
        for value in (*rest, other):
            if isinstance(value, torch.device | str):
                device = value
            elif isinstance(value, torch.dtype):
                dtype = value
            elif isinstance(value, torch.Tensor):
                device, dtype = value.device, value.dtype
            elif isinstance(value, bool):
                flags.append(value)
        queued = flags[0] if flags else queued
        if len(flags) > 1:
            kwargs["copy"] = flags[1]
        if device is not None:
            x = _placed(x, _is_gpu(device), queued)
        kwargs = {name: value for name, value in kwargs.items() if value is not None}
        return self._run(func, (x, dtype or x.dtype), kwargs) if dtype or kwargs else x

    def _made(self, func: Any, args: Any, kwargs: dict[str, Any], device: Any) -> Any:
        """A call that says where its result shall be."""
        name = func.__name__
        kwargs.pop("pin_memory", None)
        _check_generator(kwargs.get("generator"), _is_gpu(device))
        if not _is_gpu(device):
            out = self._run(func, args, kwargs) if any_on_gpu((args, kwargs)) else func(*args, **kwargs)
            return out.inner if isinstance(out, OnGpu) else out
        given = name in ("tensor", "as_tensor")
        if given and isinstance(args[0], OnGpu):
            return args[0].clone() if name == "tensor" else args[0]
        out = self._run(func, args, kwargs) if any_on_gpu((args, kwargs)) else func(*args, **kwargs)
        if not isinstance(out, torch.Tensor) or isinstance(out, OnGpu):
            return out
        if given:
            STATE.wait("to the device")
        return OnGpu(out.detach()).requires_grad_(out.requires_grad)

    def _run(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        ours = any_on_gpu((args, kwargs))
        if kwargs.get("generator") is not None:
            _check_generator(kwargs["generator"], ours)
        if not ours or getattr(func, "__name__", "") == "copy_":
            return func(*args, **kwargs)
        STATE.inside += 1
        try:
            return func(*args, **kwargs)
        finally:
            STATE.inside -= 1


def _is_gpu(device: Any) -> bool:
    return torch.device(device).type == "cuda"


def _check_generator(generator: torch.Generator | None, on_gpu: bool) -> None:
    if generator is not None and _is_gpu(generator.device) != on_gpu:
        raise RuntimeError(f"Expected a '{'cuda' if on_gpu else 'cpu'}' device type for generator but found "
                           f"'{generator.device.type}'")


def _placed(x: torch.Tensor, on_gpu: bool, queued: bool) -> torch.Tensor:
    """`x` where it shall be; a copy if it was not there, which waits unless it is only queued."""
    if isinstance(x, OnGpu) == on_gpu:
        return x
    if not (queued and on_gpu):
        STATE.wait("to the device" if on_gpu else "from the device")
    moved = _Up if on_gpu else _Down
    return moved.apply(x) if x.requires_grad and torch.is_grad_enabled() else moved.forward(None, x)


class _Up(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return OnGpu(x.detach().clone())

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient.inner if isinstance(gradient, OnGpu) else gradient


class _Down(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: OnGpu) -> torch.Tensor:
        return x.inner.detach().clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return OnGpu(gradient)
