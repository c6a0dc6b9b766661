"""What stands beside the weights of two networks, told apart: factors and shifts, running statistics, biases."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lth_engine.diagnosis.anatomy import BUFFERS
from lth_engine.diagnosis.findings.finding import counted


def beside(others: Mapping[str, tuple[torch.Tensor, torch.Tensor]]) -> str:
    """Which of these tensors differ, in a sentence; "" if there are none.

    Args:
        others: name -> the tensor in the first network and in the second, of one shape; a copy in less precision is
            held against the other one rounded alike.
    """
    if not others:
        return ""
    differ: dict[str, int] = {}
    for name, (one, other) in others.items():
        if not _equal(one, other):
            kind = _kind(name, one, others)
            differ[kind] = differ.get(kind, 0) + 1
    if not differ:
        return f"So are the {len(others):,} tensors beside them (normalisation and biases)."
    parts = [f"{counted(count, 'tensor')} of {kind}" for kind, count in differ.items()]
    hint = " as after its statistics were estimated anew" if set(differ) == {"running statistics"} else ""
    return f"But {', '.join(parts)} differ{'s' if sum(differ.values()) == 1 else ''}{hint}."


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    narrow = min((one.dtype, other.dtype), key=lambda kind: torch.finfo(kind).bits)
    return torch.equal(one.to(narrow), other.to(narrow))


def _kind(name: str, tensor: torch.Tensor, others: Mapping[str, object]) -> str:
    layer, _, leaf = name.rpartition(".")
    if leaf in BUFFERS:
        return "running statistics"
    if leaf == "bias" and f"{layer}.weight" not in others:
        return "biases"
    return "normalisation" if tensor.ndim == 1 else "other parameters"
