"""KL divergence of the posterior from the prior: of the normal weights, and of the mask.

Every weight that is drawn is normal around its trained value w with a deviation sigma of its own. Against a prior
around mu with deviation sigma_p it costs log(sigma_p / sigma) + (sigma^2 + (w - mu)^2) / (2 sigma_p^2) - 1/2 nats
(PAC-Bayesian view, equation 3). In the spike-and-slab prior each prunable weight is exactly 0 with probability s: a
pruned weight then costs -log s, a kept one -log(1 - s) (equation 5).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from lth_engine.core.artifact import Array

VARIANCE_TOP = 10.0
STEPS_A_NAT = 100
"""The prior variances that may be chosen: VARIANCE_TOP exp(-j / STEPS_A_NAT), j = 1, 2 ... (c and b of Dziugaite and
Roy 2017, section 3.3, who have c = 0.1). The best variance is the mean of sigma^2 + (w - mu)^2: in small networks it
is above 0.1, and nowhere near 10. Both numbers are the same for every question, so nothing has to be paid for them.
Place j costs log(pi^2 j^2 / 6): 10 nats for a variance of 1, 13 for 0.1, 14 for 0.01."""

_MOST_STEPS = 4_000
"""Where the search for j ends: a variance of 4e-17."""


def oracle_kl(sigma: Array, squared: Array) -> Array:
    """KL of each weight against a prior of the best variance for it, sigma^2 + (w - mu)^2: half of
    log(1 + (w - mu)^2 / sigma^2).

    Args:
        sigma: deviation of each weight.
        squared: (w - mu)^2 of each.
    """
    return 0.5 * np.log1p(squared / np.square(sigma))


def oracle_terms(sigma: torch.Tensor, squared: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum of :func:`oracle_kl` in float64, and its derivative by each sigma: -(w - mu)^2 / (sigma (sigma^2 +
    (w - mu)^2))."""
    variance = sigma * sigma
    total = torch.log1p(squared / variance).sum().double() / 2
    return total, variance.add_(squared).mul_(sigma).reciprocal_().mul_(squared).neg_()


def shared_kl(sigma: Array, squared: Array, prior_sigma: float) -> Array:
    """KL of each weight against a prior of one deviation for all."""
    ratio = (np.square(sigma) + squared) / prior_sigma**2
    return np.log(prior_sigma / sigma) + 0.5 * (ratio - 1)


def mask_kl(kept: int, pruned: int, pruned_share: float) -> float:
    """KL of the mask: -kept log(1 - s) - pruned log(s), where nothing of nothing is 0: at s = 0 a mask that keeps all
    costs nothing."""
    return _coded(kept, 1 - pruned_share) + _coded(pruned, pruned_share)


class SharedPrior(NamedTuple):
    """A prior deviation chosen from the grid.

    Attributes:
        sigma: the deviation.
        step: its place j in the grid.
        cost: log(pi^2 j^2 / 6) nats, what the choice costs: place j may fail with probability 6 delta / (pi j)^2, and
            these add up to delta.
    """

    sigma: float
    step: int
    cost: float


def best_shared(sigma: Array, squared: Array) -> SharedPrior:
    """The deviation in the grid for which the sum of :func:`shared_kl` and the cost is least.

    Only the number of weights, and the sum of sigma^2 + (w - mu)^2, matter.
    """
    count, spread = sigma.size, float((np.square(sigma, dtype=np.float64) + squared).sum(dtype=np.float64))
    step = np.arange(1, _MOST_STEPS + 1)
    log_variance = math.log(VARIANCE_TOP) - step / STEPS_A_NAT
    total = 0.5 * (count * log_variance + spread * np.exp(-log_variance)) + 2 * np.log(step)
    best = int(step[np.argmin(total)])
    return SharedPrior(math.sqrt(VARIANCE_TOP * math.exp(-best / STEPS_A_NAT)), best,
                       math.log(math.pi**2 * best**2 / 6))


def _coded(count: int, probability: float) -> float:
    return -count * math.log(probability) if count else 0.0
