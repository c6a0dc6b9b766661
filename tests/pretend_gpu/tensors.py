"""Tensors of the pretend GPU, and what operations on them do."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from tests.pretend_gpu.state import STATE

DEVICE = torch.device("cuda:0")

_ANSWERS = {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive",
            "is_nonzero", "equal", "repeat_interleave"}
"""Operations whose result or its size Python must know."""

_INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_"}
"""Take indices of the CPU, too; the copy waits."""

_BROADCAST = {"where", "fill_", "lerp_", "addcmul_", "masked_fill_"}
"""Take a single number of the CPU beside the pointwise operations."""

_FACTORIES = {"empty", "zeros", "ones", "full", "arange", "rand", "randn", "randint", "randperm", "linspace",
              "logspace", "eye", "scalar_tensor", "empty_strided", "tril_indices", "triu_indices",
              "_efficientzerotensor"}


class OnGpu(torch.Tensor):
    """A tensor that says cuda:0; its numbers are in `inner`, a tensor of the CPU."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor, requires_grad: bool = False) -> OnGpu:
        """Wrap a tensor of the CPU; the memory is shared."""
        made = torch.Tensor._make_wrapper_subclass(
            cls, inner.size(), strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            layout=inner.layout, device=inner.device, requires_grad=requires_grad)
        made.inner = inner
        return made

    device = property(lambda self: DEVICE)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)
    __torch_function__ = torch._C._disabled_torch_function_impl

    @property
    def data(self) -> torch.Tensor:
        return self.detach()

    @data.setter
    def data(self, value: torch.Tensor) -> None:
        if not isinstance(value, OnGpu):
            raise RuntimeError("incompatible tensor type: data of the CPU for a tensor of cuda:0")
        torch.Tensor.data.__set__(self, value)
        self.inner = value.inner

    def __repr__(self) -> str:
        return f"OnGpu({self.inner})"

    def get_device(self) -> int:
        return 0

    def data_ptr(self) -> int:
        return self.inner.data_ptr()

    def untyped_storage(self) -> torch.UntypedStorage:
        return self.inner.untyped_storage()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError("A tensor of the pretend GPU was pickled.")

    def __deepcopy__(self, memo: dict[int, Any]) -> torch.Tensor:
        if id(self) not in memo:
            copied = OnGpu(self.inner.detach().clone(memory_format=torch.preserve_format))
            parameter = isinstance(self, torch.nn.Parameter)
            memo[id(self)] = (torch.nn.Parameter(copied, self.requires_grad) if parameter
                              else copied.requires_grad_(self.requires_grad))
        return memo[id(self)]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return operate(func, args, kwargs or {})


class Factories(TorchDispatchMode):
    """Within a call on tensors of the device, what torch makes from nothing is on the device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do one operation."""
        kwargs = kwargs or {}
        if any_on_gpu((args, kwargs)):
            return operate(func, args, kwargs)
        out = func(*args, **kwargs)
        tensors = any(isinstance(x, torch.Tensor) for x in tree_leaves((args, kwargs)))
        if not STATE.inside or tensors or func.overloadpacket.__name__ not in _FACTORIES:
            return out
        _record(func, args, kwargs, out)
        return OnGpu(out)


def any_on_gpu(values: Any) -> bool:
    """Whether a tensor among nested values is on the pretend GPU."""
    return any(isinstance(x, OnGpu) for x in tree_leaves(values))


def operate(func: Any, args: Any, kwargs: Any) -> Any:
    """An operation with a tensor of the device: checked, counted if it waits, done on the CPU and recorded.

    Raises:
        RuntimeError: tensors of the CPU are among its arguments where a GPU would refuse them.
    """
    name = func.overloadpacket.__name__
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, torch.Tensor)]
    ours, cpu = [x for x in tensors if isinstance(x, OnGpu)], [x for x in tensors if not isinstance(x, OnGpu)]
    if name != "copy_":
        _refuse_mixed(func, args[0], ours, cpu)
    what = _awaited(name, args, ours, cpu)
    if what is not None:
        STATE.wait(what)
    inner_args, inner_kwargs = tree_map(_inner, args), tree_map(_inner, kwargs)
    out = func(*inner_args, **inner_kwargs)
    if name == "copy_" and not isinstance(args[0], OnGpu):
        return args[0]
    _record(func, inner_args, inner_kwargs, out)
    if torch.Tag.inplace_view in func.tags:  # torch's own view of the tensor takes the new shape, too
        with no_dispatch():
            func(*args, **kwargs)
    known = {id(x.inner): x for x in ours}

    def wrapped(value: Any) -> Any:
        if not isinstance(value, torch.Tensor) or isinstance(value, OnGpu):
            return value
        same = known.get(id(value))
        return OnGpu(value) if same is None else same

    return tree_map(wrapped, out)


def _inner(value: Any) -> Any:
    return value.inner if isinstance(value, OnGpu) else value


def _refuse_mixed(func: Any, first: Any, ours: list[OnGpu], cpu: list[torch.Tensor]) -> None:
    if not (ours and cpu):
        return
    name = func.overloadpacket.__name__
    numbers = torch.Tag.pointwise in func.tags or name in _BROADCAST
    if name in _INDEXED and isinstance(first, OnGpu):
        wrong: list[torch.Tensor] = []
    elif name.startswith(("_foreach", "_fused")) or not numbers:
        wrong = cpu
    else:
        wrong = [x for x in cpu if x.dim() > 0]
    written = name.endswith("_") and isinstance(first, torch.Tensor) and not isinstance(first, OnGpu)
    if wrong or written:
        raise RuntimeError("Expected all tensors to be on the same device, but found at least two devices, cuda:0 "
                           f"{[tuple(x.shape) for x in ours]} and cpu {[tuple(x.shape) for x in cpu]}, in {func}")


def _awaited(name: str, args: Any, ours: list[OnGpu], cpu: list[torch.Tensor]) -> str | None:
    """What an operation waits for; None if it does not wait."""
    if not ours:
        return None
    if name in _ANSWERS:
        return name
    if name == "copy_" and (cpu or not isinstance(args[0], OnGpu)):
        return "to the device" if isinstance(args[0], OnGpu) else "from the device"
    if name in _INDEXED and cpu:
        return "index to the device"
    if name in _INDEXED and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1]):
        return "index by a mask"
    return None


def _record(func: Any, args: Any, kwargs: Any, out: Any) -> None:
    """Note an operation of the graph that is recorded, with its tensors in their shapes of now."""
    if STATE.recording is not None and torch.Tag.inplace_view not in func.tags:
        STATE.recording.append(tree_map(_alias, (func, args, kwargs, out)))


def _alias(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value
