"""No search for flat minima."""

from __future__ import annotations

from torch import nn

from lth_engine.masking.applied import AppliedMask
from lth_engine.specs.flatness import NoFlatness
from lth_engine.training.flatness.plain import Plain


def build(spec: NoFlatness, model: nn.Module, mask: AppliedMask, seed: int) -> Plain:
    """The gradient at the weights themselves."""
    return Plain()
