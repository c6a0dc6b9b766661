"""Running variances of batch normalisation that are negative, exploded, or vanished."""

from __future__ import annotations

import torch

from lth_engine.diagnosis.anatomy import Anatomy, Norm
from lth_engine.diagnosis.findings.finding import Finding, counted

ABOUT = "health_norm_variance"

EXPLODED = 1e6
"""Variance above which activations of a thousand are usual: trained networks stay below 1e3."""

VANISHED = 1e-8
"""Variance a thousand times below the 1e-5 that batch normalisation adds: what comes in is constant."""

MANY = 0.5
"""Share of vanished channels that is worth a warning: a sparse network has some."""


def find(anatomy: Anatomy) -> list[Finding]:
    """Problems where variances are negative, warnings where they exploded or vanished."""
    return [finding for norm in anatomy.norms if norm.variance is not None for finding in _of(norm, norm.variance)]


def _of(norm: Norm, variance: torch.Tensor) -> list[Finding]:
    channels = variance.numel()
    negative = int((variance < 0).sum())
    if negative:
        return [Finding("norm_variance", "problem", f"{norm.name} has {negative:,} of {channels:,} running variances "
                        f"below 0 (lowest {float(variance.min()):.3g}), which no average of squares can be: the file "
                        "was altered or averaged wrongly, and below -1e-5 their root is NaN.", norm.name, ABOUT)]
    finite = variance[torch.isfinite(variance)]
    large, small = int((finite > EXPLODED).sum()), int((finite < VANISHED).sum())
    found = []
    if large:
        found.append(Finding("norm_variance", "warning", f"{norm.name} has {large:,} of {channels:,} running "
                             f"variances above {EXPLODED:,.0f} (highest {float(finite.max()):.3g}): activations "
                             "before it have exploded, and half precision would overflow.", norm.name, ABOUT))
    if small:
        found.append(Finding("norm_variance", "warning" if small > MANY * channels else "note",
                             f"{norm.name} has {counted(small, 'channel')} of {channels:,} with a running variance "
                             f"below {VANISHED:g}: what comes in there is constant, as behind pruned filters.",
                             norm.name, ABOUT))
    return found
