"""Masks whose values are neither 0 nor 1: scores, soft masks, or a damaged file."""

from __future__ import annotations

import torch

from lth_engine.diagnosis.anatomy import Anatomy
from lth_engine.diagnosis.findings.finding import Finding

ABOUT = "health_mask_values"

_NAMES = ("mask", "fixed_m", "flag")
"""Last parts of the names of masks in the formats that are known."""


def find(anatomy: Anatomy) -> list[Finding]:
    """A warning a mask tensor with other values than 0 and 1."""
    found = []
    for name, value in anatomy.checkpoint.unwrapped.tensors.items():
        if name in anatomy.weights or not _is_mask(name) or value.dtype == torch.bool or not value.numel():
            continue
        other = int(((value != 0) & (value != 1)).sum())
        if other:
            numbers = value[torch.isfinite(value)] if value.is_floating_point() else value
            span = "none finite" if not numbers.numel() else \
                f"from {float(numbers.min()):.3g} to {float(numbers.max()):.3g}"
            found.append(Finding("mask_values", "warning", f"{name} has {other:,} of {value.numel():,} values that "
                                 f"are neither 0 nor 1 ({span}): it is a soft mask or no mask. What is not 0 counts "
                                 "as kept here, and the sizes are not multiplied in.", name, ABOUT))
    return found


def _is_mask(name: str) -> bool:
    last = name.rsplit(".", 1)[-1]
    return last.startswith("mask_") or last.endswith(_NAMES)
