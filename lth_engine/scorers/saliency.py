"""Saliency: a weight is worth how much an objective changes with a factor on it (Concrete Ticket Search, V-E)."""

from __future__ import annotations

import torch

from lth_engine.core.seeds import derive
from lth_engine.objectives.compared import Compared
from lth_engine.objectives.masked_network import MaskedNetwork
from lth_engine.objectives.measured import measured
from lth_engine.objectives.plain_numbers import plain_numbers
from lth_engine.scorers.subject import Subject
from lth_engine.specs.scorers import Saliency


def score(spec: Saliency, subject: Subject) -> dict[str, torch.Tensor]:
    """|dR/ds| at s = 1 + N(0, sigma^2), drawn once: R is the mean over the batches, by their sizes, of the objective
    of the network with weights s w beside that with weights w. The factor of a pruned weight is 0."""
    network = MaskedNetwork(subject.network(), list(subject.weights), spec.norm_statistics)
    overlay = _overlay(spec.sigma, subject, network.flat).requires_grad_()
    total, shown = torch.zeros_like(network.flat), 0
    with plain_numbers():
        for x, y in subject.images(spec.images):
            value = measured(spec.objective, Compared(network, overlay, x, y))
            total += len(y) * torch.autograd.grad(value, overlay)[0]
            shown += len(y)
    return {name: part.cpu() for name, part in network.split((total / shown).abs()).items()}


def _overlay(sigma: float, subject: Subject, like: torch.Tensor) -> torch.Tensor:
    draw = torch.Generator().manual_seed(derive(subject.seed, "saliency"))
    noisy = 1 + sigma * torch.randn(like.numel(), generator=draw)
    return torch.where(torch.cat([subject.allowed[name].reshape(-1) for name in subject.weights]), noisy, 0).to(like)
