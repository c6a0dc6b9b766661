"""SynFlow: a weight is worth what flows through it when all weights are positive (Tanaka et al. 2020)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from lth_engine.core.errors import NonFinite
from lth_engine.scorers.differentiated import by_name, differentiated
from lth_engine.scorers.subject import Subject
from lth_engine.specs.scorers import Synflow


def score(spec: Synflow, subject: Subject) -> dict[str, torch.Tensor]:
    """|w dR/dw|: R is the sum of the outputs for one image of ones, with all parameters made absolute.

    In float64: numbers in float32 fall below the smallest normal one at low density, which is seven times slower.
    Batch normalisation has mean 0 and variance 1 whatever it has seen, so that it only scales and shifts, and what
    flows through each layer of a chain without shifts is the same (the conservation of the paper, theorem 1).

    Raises:
        NonFinite: the flow is too large for a number, as in a very deep network of large weights.
    """
    first = not subject.kept
    model, weights = differentiated(subject)
    parameters = list(weights.values())
    with torch.no_grad():
        if first:
            _neutralise(model.double().to(memory_format=torch.contiguous_format))  # for one image as fast as another
        torch._foreach_abs_(list(model.parameters()) if first else parameters)
    ones = torch.ones(1, *subject.shape(), dtype=torch.float64, device=parameters[0].device)
    flow = model(ones).sum()
    gradients = torch.autograd.grad(flow, parameters, materialize_grads=True)
    found = list(gradients)
    with torch.no_grad():
        torch._foreach_mul_(found, parameters)
        torch._foreach_abs_(found)
    if not bool(torch.isfinite(torch.stack([flow.detach(), *torch._foreach_max(found)])).all()):
        raise NonFinite("The synaptic flow through the network is too large for a number of 64 bits, so SynFlow "
                        "cannot rank its weights. Use another scorer, or a network of fewer layers.")
    return by_name(weights, found)


def _neutralise(model: nn.Module) -> None:
    """Mean 0 and variance 1 in place of the running statistics of batch normalisation."""
    for layer in model.modules():
        if isinstance(layer, _NormBase):
            for statistic, value in ((layer.running_mean, 0.0), (layer.running_var, 1.0)):
                if statistic is not None:
                    statistic.fill_(value)
