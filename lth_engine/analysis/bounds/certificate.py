"""A bound that holds, not only one that is computed: every choice that looked at the images is paid for.

With probability 1 - delta over the training images and the networks drawn, the error on new images of a network drawn
from the posterior is at most `bound`:

    kl(risk || bound) = (KL + costs + log(2 sqrt(n) / (delta / 2))) / n

- risk: not what the drawn networks showed but the most it can be behind that, except with probability delta / 2.
- KL: against a prior with one deviation for all weights, from a grid; and for spike and slab with one probability of
  being pruned, k / N for some k from 0 to N (N prunable weights), of which the ticket's own share is the best.
- costs: log(pi^2 j^2 / 6) for the deviation, log(N + 1) for that probability, and 32 bits for each mean and deviation
  of a colour channel by which images are normalised, since these were taken from the training images.

The union bound over all of these is the same as one prior that mixes them with weights 6 / (pi j)^2, 1 / (N + 1) and
2^-32 each.

The images are not drawn quite independently: those held out for validation or test, and a training's subset, take the
same share of every class. That does no harm. What the bound rests on is the mean of exp(n kl(risk || R)), convex in
the number of errors; and of all draws with the same mean risk, independent ones of one kind have the largest mean of a
convex function (Hoeffding 1956, theorem 3; up to the rounding of a class to whole images).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from lth_engine.analysis.bounds.bound_divergence import SharedPrior, best_shared, shared_kl
from lth_engine.analysis.bounds.bound_formulas import complexity, kl_inverse
from lth_engine.core.artifact import Array
from lth_engine.specs.training import Training

NATS_A_NUMBER = 32 * math.log(2)
"""Price of a number of 32 bits that was taken from the images."""


@dataclass(frozen=True)
class Certificate:
    """The bound and its parts, in nats where it does not say otherwise.

    Attributes:
        bound: on the error on new images, a fraction.
        prior: deviation of the prior, with its cost.
        kl_gaussian: of each weight that is drawn.
        kl_mask: of the whole mask.
        grid_cost: what the choices from grids cost together.
        input_cost: what the normalisation of the images costs.
        risk_limit: what the empirical risk is at most, a fraction.
    """

    bound: float
    prior: SharedPrior
    kl_gaussian: Array
    kl_mask: float
    grid_cost: float
    input_cost: float
    risk_limit: float


def certify(sigma: Array, squared: Array, kl_mask: float, prunable: int, channels: int, risk_limit: float, n: int,
            delta: float) -> Certificate:
    """The certificate of a posterior.

    Args:
        sigma: deviation of each weight that is drawn.
        squared: (w - mu)^2 of each, mu being a prior mean that knows no training image.
        kl_mask: of the mask.
        prunable: N, if the prior has a probability of being pruned; 0 if it has none.
        channels: colour channels of an image.
        risk_limit: the most that the empirical risk is, except with probability delta / 2.
        n: training images.
        delta: probability that the certificate may be wrong.
    """
    prior = best_shared(sigma, squared)
    kl_gaussian = shared_kl(sigma, squared, prior.sigma)
    grid = prior.cost + (math.log(prunable + 1) if prunable else 0.0)
    inputs = 2 * channels * NATS_A_NUMBER
    paid = float(kl_gaussian.sum(dtype=np.float64)) + kl_mask + grid + inputs
    bound = kl_inverse(risk_limit, complexity(paid, n, delta / 2))
    return Certificate(bound, prior, kl_gaussian, kl_mask, grid, inputs, risk_limit)


def why_not(prior: str, mean: Mapping[str, Array], initial: Mapping[str, Array], kept: Mapping[str, Array],
            model: nn.Module, training: Training, *, brought: bool = False) -> str:
    """Why the number is no certificate: a sentence, empty if it is one.

    Args:
        prior: name of the prior.
        mean: where training started, by name.
        initial: the network as it was drawn, before any image.
        kept: the mask.
        model: the network.
        training: of the run that is judged.
        brought: whether `mean` was brought, so that nobody knows which images it has seen.
    """
    reasons = []
    if prior != "gaussian_zero" and any(_differs(mean[name], initial[name], kept.get(name))
                                        for name, _ in model.named_parameters()):
        reasons.append("the prior lies around weights that were brought, of which nobody knows whether they saw "
                       "training images (take the prior gaussian_zero)" if brought else
                       "the prior lies around weights that were made from training images, not around the "
                       "initialisation (rewind to 0it, or take the prior gaussian_zero)")
    if any(isinstance(module, _BatchNorm) for module in model.modules()):
        reasons.append("batch normalisation uses statistics of the training images, which no prior pays for")
    if training.label_noise:
        reasons.append("part of the labels were drawn anew, so that the risk is that on noisy labels")
    text = "; ".join(reasons)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _differs(one: Array, other: Array, kept: Array | None) -> bool:
    return not np.array_equal(one, other) if kept is None else not np.array_equal(one[kept], other[kept])
