"""Counts what makes a program wait for its device, on a machine that has none but its processor.

A number that Python reads, numbers that are copied to the processor, and tensors whose size depends on values: for
each of them a GPU first does all that was asked of it before.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

_NEEDS_VALUES = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2"}
_COPIES = {"cpu", "tolist", "numpy"}


class _Operations(TorchDispatchMode):
    def __init__(self, seen: Callable[[str], None]) -> None:
        super().__init__()
        self.seen = seen

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        by_mask = name == "index" and any(i is not None and i.dtype == torch.bool for i in args[1])
        if name in _NEEDS_VALUES or by_mask:
            self.seen(name)
        return func(*args, **(kwargs or {}))


class _Calls(TorchFunctionMode):
    def __init__(self, seen: Callable[[str], None]) -> None:
        super().__init__()
        self.seen = seen

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in _COPIES:
            self.seen(func.__name__)
        return func(*args, **(kwargs or {}))


@contextmanager
def waits():
    """Within it each wait adds its name to the list that it gives (`x.cpu().numpy()` adds two)."""
    found: list[str] = []
    with _Operations(found.append), _Calls(found.append):
        yield found
