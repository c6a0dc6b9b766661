"""SNIP: a weight is worth how much the loss changes if it goes, to first order (Lee et al. 2019, equation 6)."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from lth_engine.objectives.plain_numbers import plain_numbers
from lth_engine.scorers.differentiated import by_name, differentiated
from lth_engine.scorers.subject import Subject
from lth_engine.specs.scorers import Snip


def score(spec: Snip, subject: Subject) -> dict[str, torch.Tensor]:
    """|w dL/dw|, where L is the mean cross-entropy of all images.

    The derivative by a mask that multiplies the weight in the graph is the same number, and so is the published score
    but for its division by the sum over the network, which leaves the order as it is.
    """
    model, weights = differentiated(subject, spec.norm_statistics)
    parameters = list(weights.values())
    total, shown = [torch.zeros_like(p) for p in parameters], 0
    with plain_numbers():
        for x, y in subject.images(spec.images):
            loss = F.cross_entropy(model(x), y, reduction="sum")
            torch._foreach_add_(total, torch.autograd.grad(loss, parameters, materialize_grads=True))
            shown += len(y)
    return by_name(weights, [(g * p / shown).abs() for g, p in zip(total, parameters, strict=True)])
