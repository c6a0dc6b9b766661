"""The copy of a network that a scorer differentiates: by the weights that may be pruned, and by nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from lth_engine.masking.prunable import prunable
from lth_engine.objectives.norm_statistics import use_batch_statistics
from lth_engine.scorers.subject import Subject


def differentiated(subject: Subject, norm_statistics: str = "running") -> tuple[nn.Module, dict[str, torch.Tensor]]:
    """The subject's network, and those of its parameters that are scored, by name; only they ask for a gradient.

    It is made once for all rounds of a search; a round prunes in it what the round before pruned.

    Args:
        subject: what is scored.
        norm_statistics: "running": batch normalisation uses the statistics of the network; "batch": of each batch.
    """
    if "differentiated" not in subject.kept:
        model = subject.network().requires_grad_(False)
        if norm_statistics == "batch":
            use_batch_statistics(model)
        known = prunable(model)
        subject.kept["differentiated"] = model, {name: known[name].requires_grad_() for name in subject.weights}
    model, weights = subject.kept["differentiated"]
    with torch.no_grad():
        for name, parameter in weights.items():
            parameter.mul_(subject.allowed[name].to(parameter.device))
    return model, weights


def by_name(weights: Mapping[str, torch.Tensor], scores: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    """Scores in the order of the weights, as they are handed back: detached, on the CPU."""
    return {name: score.detach().cpu() for name, score in zip(weights, scores, strict=True)}
