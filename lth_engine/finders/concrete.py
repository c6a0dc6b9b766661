"""The concrete relaxation of a mask (Maddison et al. 2017), and the density that it is held at."""

from __future__ import annotations

import math

import torch


def logit(p: float) -> float:
    """Inverse of the sigmoid."""
    return math.log(p) - math.log1p(-p)


def logistic_noise(like: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    """Logistic(0, 1), one draw for each element of `like`, float32: log u - log(1 - u).

    u is kept away from 0 and 1, where it would be infinite.
    """
    u = torch.rand(like.shape, generator=noise, device=like.device, dtype=torch.float32)
    return u.clamp_(2.0**-24, 1 - 2.0**-24).logit_()


def soft_mask(logits: torch.Tensor, noise: torch.Tensor, temperature: float) -> torch.Tensor:
    """A sample of the relaxed mask: sigmoid((logits + noise) / temperature) (Concrete Ticket Search, Eq. 8)."""
    return torch.sigmoid((logits + noise) / temperature)


def density_loss(probabilities: torch.Tensor, held: float) -> torch.Tensor:
    """L_sparsity = sum(p) / (kappa d) - 1 (Eq. 10): 0 at the density `held`, negative below it."""
    return probabilities.mean() / held - 1


def density_gradient(probabilities: torch.Tensor, held: float) -> torch.Tensor:
    """Gradient of :func:`density_loss` by the logits: p (1 - p) / (kappa d)."""
    return probabilities * (1 - probabilities) / (held * probabilities.numel())
