"""SynFlow: a weight is worth what flows through it when all weights are positive (Tanaka et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from lth_engine.core.errors import NonFinite
from lth_engine.scorers.differentiated import differentiated
from lth_engine.scorers.folded import fold_norms
from lth_engine.scorers.subject import Subject, Tensors
from lth_engine.specs.scorers import Synflow


def score(spec: Synflow, subject: Subject) -> dict[str, torch.Tensor]:
    """|w dR/dw|: R is the sum of the outputs for one image of ones, with all parameters made absolute.

    In float64: numbers in float32 fall below the smallest normal one at low density, which is seven times slower.
    Batch normalisation has mean 0 and variance 1 whatever it has seen, so that it only scales and shifts, and what
    flows through each layer of a chain without shifts is the same (the conservation of the paper, theorem 1).

    Raises:
        NonFinite: the flow is too large for a number, as in a very deep network of large weights.
    """
    if "flow" not in subject.kept:
        subject.kept["flow"] = _positive(subject)
    network: Positive = subject.kept["flow"]
    network.prune(subject.allowed)
    ones = torch.ones(1, *subject.shape(), dtype=torch.float64, device=next(iter(network.weights.values())).device)
    flow = network.model(ones).sum()
    if not bool(torch.isfinite(flow)):
        raise NonFinite("The synaptic flow through the network is too large for a number of 64 bits, so SynFlow "
                        "cannot rank its weights. Use another scorer, or a network of fewer layers.")
    gradients = torch.autograd.grad(flow, list(network.weights.values()), materialize_grads=True)
    with torch.no_grad():
        torch._foreach_mul_(gradients, list(network.weights.values()))
        torch._foreach_abs_(gradients)
    return {name: score.cpu() for name, score in zip(network.weights, gradients, strict=True)}


@dataclass(frozen=True)
class Positive:
    """A network of positive parameters, made once for all rounds of a search.

    Attributes:
        model: the network, in float64.
        weights: its scored weights by name.
    """

    model: nn.Module
    weights: dict[str, torch.Tensor]

    def prune(self, allowed: Tensors) -> None:
        """Set weights to zero where `allowed` is False."""
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.mul_(allowed[name].to(weight.device))


def _positive(subject: Subject) -> Positive:
    """The subject's network with all parameters made absolute, and batch normalisation neutralised."""
    model, weights = differentiated(subject)
    with torch.no_grad():
        _neutralise(model.double().to(memory_format=torch.contiguous_format))  # for one image as fast as another
        torch._foreach_abs_(list(model.parameters()))
        ones = torch.ones(1, *subject.shape(), dtype=torch.float64, device=next(model.parameters()).device)
    folded = fold_norms(model, ones)
    return Positive(folded, {name: folded.get_parameter(name) for name in weights})


def _neutralise(model: nn.Module) -> None:
    """Mean 0 and variance 1 in place of the running statistics of batch normalisation."""
    for layer in model.modules():
        if isinstance(layer, _NormBase):
            for statistic, value in ((layer.running_mean, 0.0), (layer.running_var, 1.0)):
                if statistic is not None:
                    statistic.fill_(value)
