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
        NonFinite: a score is NaN or infinite.
    """
    names = sorted(scores)
    flat = np.concatenate([_array(scores[n]) for n in names])
    if not np.isfinite(flat.sum()):  # one pass; a sum of finite numbers may overflow, so each tensor is looked at then
        require_finite(scores)
    places = None if allowed is None else np.flatnonzero(np.concatenate([_array(allowed[n]) for n in names]))
    candidates = len(flat) if places is None else len(places)
    if not 1 <= keep <= candidates:
        raise BadInput(f"A mask must keep between 1 and {candidates} weights. Got {keep}. "
                       "Use a lower level or a smaller pruning fraction.")
    if places is None or candidates == len(flat):
        kept = _top(flat, keep)
    else:  # a selection among many equal numbers, as minus infinity for what is pruned, would be ten times slower
        kept = np.zeros(len(flat), dtype=np.bool_)
        kept[places[_top(flat[places], keep)]] = True
    ends = np.cumsum([scores[n].numel() for n in names])[:-1]
    return {n: torch.from_numpy(part).reshape(scores[n].shape)
            for n, part in zip(names, np.split(kept, ends), strict=True)}


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


def _top(values: Vector, keep: int) -> npt.NDArray[np.bool_]:
    """True at the `keep` largest values; among equals at the lowest indices."""
    place = len(values) - keep
    threshold = np.partition(values, place)[place]
    chosen: npt.NDArray[np.bool_] = values >= threshold
    extra = int(np.count_nonzero(chosen)) - keep
    if extra:
        ties = np.flatnonzero(values == threshold)
        chosen[ties[len(ties) - extra:]] = False
    return chosen


def smallest(values: torch.Tensor, place: int) -> torch.Tensor:
    """The value at `place` (from 1) of the sorted vector, on the CPU, by numpy's selection: many times faster than a
    sort."""
    return torch.from_numpy(np.partition(values.cpu().numpy(), place - 1)[place - 1:place])[0]
