"""Refuses stored weights that no analysis can use: of another architecture than their question says, or not finite.

A question never names two networks that differ (see `require_alike`), and every training stores what its question
says. An answer that was edited, or that another version computed, may still hold other tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput, NonFinite

_NAMED = 5
"""Tensors that a sentence names."""


def require_tensors(state: Mapping[str, torch.Tensor], weights: Mapping[str, Array], where: str) -> None:
    """Refuse weights that are not of an architecture; names that it does not have are passed over.

    Args:
        state: a network of the architecture, by name.
        weights: the stored ones, by name.
        where: whose they are, with the key of the run: "at the end of run 3f...".

    Raises:
        BadInput: the text names the tensors that are missing or of another shape.
    """
    differing = [name for name, value in state.items()
                 if name not in weights or tuple(weights[name].shape) != tuple(value.shape)]
    if differing:
        raise BadInput(f"The weights {where} must have the tensors of its architecture, but {_listed(differing)} "
                       "differ or are missing: choose another run, or delete this one and train it anew.")


def require_finite(weights: Mapping[str, Array], where: str) -> None:
    """Refuse weights with a number that is NaN or infinite; `where` is as in :func:`require_tensors`.

    Raises:
        NonFinite: the text names the tensors.
    """
    bad = [name for name, value in weights.items() if not np.isfinite(value).all()]
    if bad:
        raise NonFinite(f"The weights {where} must be finite, but there is NaN or infinity in {_listed(bad)}: choose "
                        "another run, or train it anew with a lower learning rate.")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + " ..." * (len(names) > _NAMED)
