"""The question how much a trained ticket is guaranteed to generalise: PAC-Bayes bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import DERIVED_HIGH, Run

SPIKES = ("spike_and_slab",)
"""Priors under which a pruned weight is exactly 0."""

_FORWARD = 1 / 3
"""Cost of a forward pass over all images, in epochs."""


@dataclass(frozen=True, kw_only=True)
class PacBayes(Question, name="pac_bayes"):
    """A PAC-Bayes bound on the test error of a randomised ticket: its weights are drawn from normal distributions
    around the trained ones, whose variances are optimised on the bound.

    Two bounds are always given. `oracle` is that of the paper's code, with the best prior variance for each weight,
    which the data have chosen: no certificate. `certified` has one prior variance, chosen from a grid that a union
    bound pays for, images without augmentation, and a term for the finite number of drawn networks.

    Every weight of the network is drawn, and is in the KL divergence: biases, normalisation and shortcuts too. The one
    exception are pruned weights under `spike_and_slab`, which are exactly 0 in prior and posterior and are paid for in
    the part of the mask. The Gaussian priors draw pruned weights around 0. Under `gaussian_init` the oracle prior lies
    around the ticket's start, where they are 0 (as in lth-pacbayes), and the certified one around the start of the
    dense network, since the mask was made from the images.
    """

    title: ClassVar[str] = "PAC-Bayes bound"
    of: Run = knob(Run(), "The run whose end is judged.")
    prior: str = knob(
        "spike_and_slab", "What is believed before training: each weight is exactly 0 with the probability that the "
        "ticket's sparsity gives, else normal around where training started; or normal around where training started; "
        "or normal around 0.", choices=("spike_and_slab", "gaussian_init", "gaussian_zero"),
        source="PAC-Bayesian view, section 4.3")
    delta: float = knob(0.01, "Probability with which the bound may fail.", low=0, open_low=True, high=0.5,
                        source="lth-pacbayes: 0.01")
    length: int = knob(256, "Epochs over which the variances are optimised.", low=0, high=100_000, unit="epochs",
                       source="lth-pacbayes: 256")
    batch_size: int = knob(256, "Images in a step of it.", low=1, high=65_536, source="lth-pacbayes: 256",
                           advanced=True)
    lr: float = knob(0.01, "Learning rate of it. The paper's lowers the bound very slowly: rates that grow with the "
                     "number of images, such as 1 for a thousand and 10 to 30 for 60,000, go down much further in as "
                     "many epochs; one that is too large ends in an error.", low=0, open_low=True, high=100_000,
                     source="lth-pacbayes: SGD, 0.01", advanced=True)
    momentum: float = knob(0.95, "Momentum of it.", low=0, high=1, open_high=True, source="lth-pacbayes: 0.95",
                           advanced=True)
    first_rho: float = knob(-4.0, "Standard deviations begin at softplus of this (-4: 0.0181).", low=-20, high=10,
                            source="lth-pacbayes: -4", advanced=True)
    samples: int = knob(10, "Networks drawn to measure the risk; each sees all images.", low=1, high=100_000,
                        source="lth-pacbayes: 10 passes, with another network for each batch")
    networks: int = knob(2500, "Networks drawn for the certified risk; together they see every image as often as "
                         "those for the other bound, and it is their number that limits what can be certified.",
                         low=1, high=10_000_000, advanced=True)
    seed: int = knob(0, "Seed of the draws.", low=0, high=DERIVED_HIGH)

    def inputs(self) -> tuple[Spec, ...]:
        """The run, the ticket that it started from, and the dense network."""
        return tuple(dict.fromkeys((self.of, self.of.ticket, self.of.ticket.dense)))

    @property
    def epochs(self) -> float:
        """Those of the optimisation, and a third for each pass over the images with drawn networks."""
        return self.length + 2 * self.pass_epochs

    @property
    def pass_epochs(self) -> float:
        """Cost of measuring one of the two risks."""
        return self.samples * _FORWARD
