"""Normalisation at its start: factors of 1, shifts of 0, or statistics that have seen no image."""

from __future__ import annotations

from lth_engine.diagnosis.anatomy import Anatomy, Norm
from lth_engine.diagnosis.findings.finding import Finding, counted

ABOUT = "health_norm_start"


def find(anatomy: Anatomy) -> list[Finding]:
    """A warning where factors were trained and statistics were not; notes where one or both are at their start."""
    batch = [norm for norm in anatomy.norms if norm.mean is not None]
    unseen = [norm for norm in batch if _unseen(norm)]
    learned = [norm for norm in anatomy.norms if norm.weight is not None and norm.bias is not None]
    fixed = [norm for norm in learned if _unmoved(norm)]
    found = []
    if unseen and any(bool(norm.bias.any()) for norm in unseen if norm.bias is not None):
        found.append(Finding("norm_start", "warning", f"{counted(len(unseen), 'batch normalisation')} of {len(batch)} "
                             "never counted statistics (mean 0, variance 1) though their shifts were trained: in "
                             "evaluation the network computes something else than in training. Estimate the "
                             "statistics anew on training images.", unseen[0].name, ABOUT))
    elif unseen:
        found.append(Finding("norm_start", "note", f"{counted(len(unseen), 'batch normalisation')} of {len(batch)} "
                             "hold the statistics of the start (mean 0, variance 1): right for a network at its "
                             "initialisation; if the weights are trained, estimate them anew before evaluating.",
                             unseen[0].name, ABOUT))
    if learned and len(fixed) == len(learned) and not unseen:
        found.append(Finding("norm_start", "note", f"All factors of {counted(len(learned), 'normalisation')} are 1 "
                             "and all shifts 0: they were never trained (or are not meant to be).", None, ABOUT))
    return found


def _unseen(norm: Norm) -> bool:
    return norm.mean is not None and norm.variance is not None and not norm.batches \
        and not bool(norm.mean.any()) and bool((norm.variance == 1).all())


def _unmoved(norm: Norm) -> bool:
    return norm.weight is not None and norm.bias is not None and bool((norm.weight == 1).all()) \
        and not bool(norm.bias.any())
