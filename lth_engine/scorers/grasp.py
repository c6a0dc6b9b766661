"""GraSP: a weight is worth what the flow of the gradient loses with it (Wang et al. 2020, algorithm 1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.objectives.plain_numbers import plain_numbers
from lth_engine.scorers.differentiated import by_name, differentiated
from lth_engine.scorers.subject import Subject
from lth_engine.specs.scorers import Grasp


def score(spec: Grasp, subject: Subject) -> dict[str, torch.Tensor]:
    """The score w (H g): g is the gradient and H the Hessian of the mean cross-entropy L of all images, with logits
    divided by the temperature, both by the prunable weights alone and with pruned ones held at zero.

    The published score is -w (H g), of which the largest are removed: the same order.

    Raises:
        BadInput: torch has no second derivative of a part of the network.
    """
    model, weights = differentiated(subject, spec.norm_statistics)
    parameters = list(weights.values())
    with plain_numbers():
        gradient = [torch.zeros_like(p) for p in parameters]
        shown = 0
        for x, y in subject.images(spec.images):
            torch._foreach_add_(gradient, _gradient(model, parameters, x, y, spec.temperature, graph=False))
            shown += len(y)
        open_ = [subject.allowed[name].to(p.device) for name, p in weights.items()]
        gradient = [g * kept / shown for g, kept in zip(gradient, open_, strict=True)]
        product = [torch.zeros_like(p) for p in parameters]
        for x, y in subject.images(spec.images):
            again = _gradient(model, parameters, x, y, spec.temperature, graph=True)
            followed = [(one, g) for one, g in zip(again, gradient, strict=True) if one.requires_grad]
            if followed:
                ours, vectors = zip(*followed, strict=True)
                torch._foreach_add_(product, torch.autograd.grad(ours, parameters, vectors, materialize_grads=True))
    return by_name(weights, [p * h / shown for p, h in zip(parameters, product, strict=True)])


def _gradient(model: nn.Module, parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor, temperature: float,
              *, graph: bool) -> tuple[torch.Tensor, ...]:
    """Of the sum of the batch's losses, by each parameter."""
    loss = F.cross_entropy(model(x) / temperature, y, reduction="sum")
    return torch.autograd.grad(loss, parameters, create_graph=graph, materialize_grads=True)
