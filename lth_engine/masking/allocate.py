"""The one threshold of the lab: which weights are kept, given their scores and how many to keep.

Counts are exact. Ties are broken by the flat index in sorted-name order (lower index kept), what is
pruned stays pruned, and keeping nothing is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lth_engine.core.errors import BadInput, NonFinite

Tensors = Mapping[str, torch.Tensor]
Vector = npt.NDArray[Any]


def allocate(scores: Tensors, keep: int, allowed: Tensors | None = None) -> dict[str, torch.Tensor]:
    """Keep the `keep` highest scores over all tensors together.

    Args:
        scores: parameter name -> scores, any shape.
        keep: how many weights to keep, at least 1.
        allowed: parameter name -> bool; weights that are False stay pruned.

    Returns:
        Parameter name -> bool of the same shape, with exactly `keep` True.

    Raises:
        BadInput: `keep` is 0 or more than there are.
        NonFinite: a score of a weight that may be kept is NaN or infinite.
    """
    names = sorted(scores)
    ranked = {n: _array(scores[n]) for n in names}
    free = None if allowed is None else {n: _array(allowed[n]) for n in names}
    values = np.concatenate([ranked[n] if free is None else ranked[n][np.flatnonzero(free[n])] for n in names])
    if not np.isfinite(values.sum()):  # one pass; a sum of finite numbers may overflow: then each tensor is looked at
        require_finite(scores)
    if not 1 <= keep <= len(values):
        what = f"The mask of {names[0]}" if len(names) == 1 else "A mask"
        raise BadInput(f"{what} must keep between 1 and {len(values)} weights. Got {keep}. "
                       "Use a lower level or a smaller pruning fraction.")
    threshold = np.partition(values, len(values) - keep)[len(values) - keep]
    kept = {n: ranked[n] >= threshold for n in names}
    if free is not None:
        for n in names:
            kept[n] &= free[n]
    _drop_ties(kept, ranked, threshold, sum(int(np.count_nonzero(kept[n])) for n in names) - keep)
    return {n: torch.from_numpy(kept[n]).view(scores[n].shape) for n in names}


def _drop_ties(kept: Mapping[str, Vector], ranked: Mapping[str, Vector], threshold: object, extra: int) -> None:
    """Drop the last `extra` of the kept weights whose score equals the threshold."""
    for name in sorted(kept, reverse=True):
        if extra == 0:
            return
        ties = np.flatnonzero(kept[name] & (ranked[name] == threshold))[-extra:]
        kept[name][ties] = False
        extra -= len(ties)


def _array(values: torch.Tensor) -> Vector:
    """As a vector of numpy, whose selections and look-ups are faster than torch's on a CPU."""
    found: Vector = values.detach().cpu().numpy().reshape(-1)
    return found


def require_finite(scores: Tensors) -> None:
    """Raises NonFinite, naming the parameter, if a score is NaN or infinite."""
    for name in sorted(scores):
        if scores[name].numel() and not _finite(scores[name]):
            raise NonFinite(f"The pruning scores of {name} hold NaN or infinity, so the weights cannot be ranked. "
                            "Look at the training that they come from; a lower learning rate often helps.")


def _finite(values: torch.Tensor) -> bool:
    return bool(torch.isfinite(torch.stack(torch.aminmax(values))).all())


def smallest(values: torch.Tensor, place: int) -> torch.Tensor:
    """The value at `place` (from 1) of the sorted vector, on the CPU, by numpy's selection: many times faster than a
    sort."""
    return torch.from_numpy(np.partition(values.cpu().numpy(), place - 1)[place - 1:place])[0]
