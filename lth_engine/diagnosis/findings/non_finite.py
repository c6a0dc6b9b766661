"""NaN and infinity: tensors that hold numbers which are none."""

from __future__ import annotations

import math

import torch

from lth_engine.diagnosis.anatomy import Anatomy, ends, is_number
from lth_engine.diagnosis.findings.finding import Finding, counted


def find(anatomy: Anatomy) -> list[Finding]:
    """One problem a tensor that holds NaN or infinity."""
    found = []
    for name, value in anatomy.weights.items():
        if not is_number(value) or all(map(math.isfinite, ends(value))):
            continue
        wrong = value.numel() - int(torch.count_nonzero(torch.isfinite(value)))
        if wrong:
            nan = int(torch.count_nonzero(torch.isnan(value)))
            kinds = f"{counted(nan, 'value')} NaN and {wrong - nan:,} infinite" if 0 < nan < wrong else \
                f"{counted(wrong, 'value')} {'NaN' if nan else 'infinite'}"
            found.append(Finding("non_finite", "problem", f"{name} has {kinds} of {value.numel():,}: every output "
                                 "that it reaches is NaN or infinite, so training diverged or the file was altered.",
                                 name, "health_non_finite"))
    return found
