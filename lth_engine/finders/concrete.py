"""The concrete relaxation of a mask (Maddison et al. 2017), and the density that it is held at."""

from __future__ import annotations

import math

import torch


def logit(p: float) -> float:
    """Inverse of the sigmoid."""
    return math.log(p) - math.log1p(-p)


def logistic_noise(into: torch.Tensor, noise: torch.Generator) -> torch.Tensor:
    """Fill `into` with draws of Logistic(0, 1), log u - log(1 - u), and return it.

    u is one of the 65,536 numbers (k + 1/2) / 65,536, so the noise is finite and lies within 11.8 of 0 (all but 15 in
    a million draws do). Four of them are cut from 64 random bits: a float32 draw each would take three times as long,
    and drawing is the dearest part of a step beside its passes.
    """
    bits = torch.empty(-(-into.numel() // 4), dtype=torch.int64, device=into.device)
    whole = bits.random_(-2**63, None, generator=noise).view(torch.int16)[:into.numel()]
    return torch.add(whole, 2.0**15 + 0.5, out=into).mul_(2.0**-16).logit_()


def soft_mask(logits: torch.Tensor, into: torch.Tensor, temperature: float) -> torch.Tensor:
    """A sample of the relaxed mask, in place of the noise in `into`: sigmoid((logits + noise) / temperature)
    (Concrete Ticket Search, Eq. 8)."""
    return into.add_(logits).div_(temperature).sigmoid_()


def sigmoid_slope(value: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
    """Derivative of a sigmoid from its value p, into `into`: p (1 - p)."""
    return torch.sub(value.new_ones(()), value, out=into).mul_(value)


def density_loss(density: torch.Tensor, held: float) -> torch.Tensor:
    """L_sparsity = sum(p) / (kappa d) - 1 (Eq. 10) from the mean of p: 0 at the density `held`, negative below it."""
    return density / held - 1


def density_gradient(probabilities: torch.Tensor, held: float, into: torch.Tensor) -> torch.Tensor:
    """Gradient of :func:`density_loss` by the logits, into `into`: p (1 - p) / (kappa d)."""
    return sigmoid_slope(probabilities, into).div_(held * probabilities.numel())
