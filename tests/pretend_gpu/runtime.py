"""torch.cuda of the pretend GPU: one device, streams on which all is done at once, graphs that can be replayed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils._pytree import tree_leaves

from lth_engine.training import material, together, workplace
from tests.pretend_gpu.calls import Calls, Generator
from tests.pretend_gpu.state import STATE
from tests.pretend_gpu.tensors import Factories, any_on_gpu

MEMORY = 80 << 30
"""Bytes that the device says it has."""


class Stream:
    """A stream; there is nothing to wait for, but who waits is counted."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def wait_stream(self, other: Stream) -> None:
        """Nothing: all that came before is done."""

    def synchronize(self) -> None:
        """Count the wait."""
        STATE.wait("stream")

    def is_capturing(self) -> bool:
        """Whether a graph is being recorded."""
        return STATE.recording is not None


class Graph:
    """Operations that were done while it was recorded, to be done again on the same memory."""

    def __init__(self) -> None:
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def replay(self) -> None:
        """Do them again; what they made is made anew in place."""
        with torch.no_grad():
            for func, args, kwargs, out in self.operations:
                for new, old in zip(tree_leaves(func(*args, **kwargs)), tree_leaves(out), strict=True):
                    if isinstance(old, torch.Tensor) and not old._is_zerotensor() and old.data_ptr() != new.data_ptr():
                        old.copy_(new)


@contextlib.contextmanager
def recording(graph: Graph, pool: Any = None, stream: Any = None, **_: Any) -> Iterator[None]:
    """Within it operations on the device are recorded (and done: a GPU would not), and waiting raises."""
    STATE.places.append((pool, stream))
    STATE.recording = graph.operations
    try:
        yield
    finally:
        STATE.recording = None


@contextlib.contextmanager
def pretended(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within it torch has the pretend GPU, and the lab holds nothing of another; `patch` undoes it."""
    STATE.clear()
    patch.setattr(workplace, "_PLACES", {})
    patch.setattr(material, "_LAST", {})
    patch.setattr(together, "_STREAMS", [], raising=False)
    patch.setattr(torch, "Generator", Generator)
    for name, value in _runtime().items():
        patch.setattr(torch.cuda, name, value)
    patch.setattr(torch.accelerator, "current_stream", lambda device=None: Stream())
    _let_backward_make_tensors(patch)
    _let_optimizers_group(patch)
    overwrite = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # a parameter cannot change its device in place
    try:
        with Factories(), Calls():
            yield
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(overwrite)


def _runtime() -> dict[str, Any]:
    """What stands in torch.cuda, by name."""
    default = torch.default_generator
    return {
        "_lazy_init": lambda: None, "is_available": lambda: True, "device_count": lambda: 1,
        "current_device": lambda: 0, "get_device_name": lambda device=None: "pretend GPU",
        "get_device_properties": lambda device=None: SimpleNamespace(total_memory=MEMORY),
        "mem_get_info": lambda device=None: (MEMORY, MEMORY), "max_memory_allocated": lambda device=None: 1,
        "memory_allocated": lambda device=None: 0, "memory_reserved": lambda device=None: 0,
        "empty_cache": lambda: None, "synchronize": lambda device=None: STATE.wait("device"),
        "Stream": Stream, "current_stream": lambda device=None: Stream(),
        "stream": lambda stream: contextlib.nullcontext(), "CUDAGraph": Graph, "graph": recording,
        "graph_pool_handle": STATE.new_pool, "is_current_stream_capturing": lambda: STATE.recording is not None,
        "default_generators": (default,), "manual_seed_all": lambda seed: None,
        "get_rng_state": lambda device=None: default.get_state(),
        "set_rng_state": lambda state, device=None: default.set_state(state)}


def _let_backward_make_tensors(patch: pytest.MonkeyPatch) -> None:
    """What a backward pass on the device makes is there, too."""
    run = torch.autograd.graph._engine_run_backward

    def inside(outputs: Any, *args: Any, **kwargs: Any) -> Any:
        ours = any_on_gpu(tuple(outputs))
        STATE.inside += ours
        try:
            return run(outputs, *args, **kwargs)
        finally:
            STATE.inside -= ours

    patch.setattr(torch.autograd.graph, "_engine_run_backward", inside)
    patch.setattr(torch.autograd, "_engine_run_backward", inside)


def _let_optimizers_group(patch: pytest.MonkeyPatch) -> None:
    """Optimizers ask C++ for the device of each parameter, where it is the CPU."""
    optimizer = torch.optim.Optimizer
    group = optimizer._group_tensors_by_device_and_dtype

    def grouped(tensors: Any, with_indices: bool = False) -> Any:
        return {(lists[0][0].device, dtype): (lists, indices)
                for (_, dtype), (lists, indices) in group(tensors, with_indices).items()}

    patch.setattr(optimizer, "_group_tensors_by_device_and_dtype", staticmethod(grouped))
