"""The one threshold of the lab: which weights are kept, given their scores and how many to keep.

Counts are exact. Ties are broken by the flat index in sorted-name order (lower index kept), what is
pruned stays pruned, and keeping nothing is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from lth_engine.core.errors import BadInput, NonFinite

Tensors = Mapping[str, torch.Tensor]


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
    flat = torch.cat([scores[n].detach().reshape(-1) for n in names])
    if not _finite(flat):
        require_finite(scores)
    open_ = None if allowed is None else torch.cat([allowed[n].reshape(-1) for n in names])
    candidates = flat.numel() if open_ is None else int(open_.count_nonzero())
    if not 1 <= keep <= candidates:
        raise BadInput(f"A mask must keep between 1 and {candidates} weights. Got {keep}. "
                       "Use a lower level or a smaller pruning fraction.")
    if open_ is None or candidates == flat.numel():
        chosen = _top(flat, keep)
    else:  # a selection among many equal numbers, as minus infinity for what is pruned, would be ten times slower
        chosen = torch.zeros_like(open_)
        places = open_.nonzero().squeeze(1)
        chosen[places] = _top(flat.index_select(0, places), keep)
    parts = chosen.split([scores[n].numel() for n in names])
    return {n: part.reshape(scores[n].shape) for n, part in zip(names, parts, strict=True)}


def require_finite(scores: Tensors) -> None:
    """Raises NonFinite, naming the parameter, if a score is NaN or infinite."""
    for name in sorted(scores):
        if scores[name].numel() and not _finite(scores[name]):
            raise NonFinite(f"The pruning scores of {name} hold NaN or infinity, so the weights cannot be ranked. "
                            "Look at the training that they come from; a lower learning rate often helps.")


def _finite(values: torch.Tensor) -> bool:
    return bool(torch.isfinite(torch.stack(torch.aminmax(values))).all())


def _top(values: torch.Tensor, keep: int) -> torch.Tensor:
    """True at the `keep` largest values; among equals at the lowest indices."""
    threshold = smallest(values, values.numel() - keep + 1)
    chosen = values >= threshold
    extra = int(chosen.count_nonzero()) - keep
    if extra:
        ties = (values == threshold).nonzero().squeeze(1)
        chosen[ties[len(ties) - extra:]] = False
    return chosen


def smallest(values: torch.Tensor, place: int) -> torch.Tensor:
    """The value at `place` (from 1) of the sorted vector, on the CPU, by numpy's selection: many times faster than a
    sort."""
    return torch.from_numpy(np.partition(values.cpu().numpy(), place - 1)[place - 1:place])[0]
