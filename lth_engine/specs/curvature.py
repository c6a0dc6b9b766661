"""Questions about the Hessian of the loss at a network.

The Hessian is that of the mean cross-entropy over some images. With `weights` "kept" it is P H P, P the projection
onto the weights that the mask keeps, as it is with the mask inside the graph; with "all", pruned weights may move,
too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import DERIVED_HIGH, Run

_GRADIENTS_AN_EPOCH = 1 / 50_000
"""A product with the Hessian for one image, in epochs of a set of the usual size (50,000 images), times its cost in
gradients."""


@dataclass(frozen=True, kw_only=True)
class AtNetwork(Question):
    """Which network, which images, which weights: shared by all questions about the loss around a network."""

    of: Run = knob(Run(), "The run whose network is looked at.")
    at: str = knob("end", "The network at the end of the run, or where it started.", choices=("end", "start"))
    weights: str = knob("kept", "Directions in which the network may move: the weights that the mask keeps, or all of "
                        "them. Biases and normalisation are among both.", choices=("kept", "all"),
                        source="PAC-Bayesian view, section 4: restricted to unpruned weights")
    biases: bool = knob(True, "Biases and the parameters of normalisation may move, too.", advanced=True)
    layer: str = knob("", "Only this parameter may move (e.g. fc.weight); empty for the whole network.",
                      advanced=True)
    part: str = knob("train", "The images that the loss is taken over: those that the run was trained on (its subset, "
                     "with the labels that it saw, noise included, without augmentation), or the test images.",
                     choices=("train", "test"))
    images: int = knob(1024, "How many of these images, drawn once and for all; 0 takes every one, and so does a "
                       "number above what there is.", low=0,
                       high=100_000_000, source="PyHessian's example takes 200 training images")
    norm_statistics: str = knob("evaluation", "Normalisation with the network's running statistics, or with those of "
                                "each batch, through which the loss then depends on the weights as well.",
                                choices=("evaluation", "batch"), advanced=True)
    seed: int = knob(0, "Seed of random vectors.", low=0, high=DERIVED_HIGH)

    def inputs(self) -> tuple[Spec, ...]:
        """The run, and the ticket that it started from."""
        return (self.of, self.of.ticket)

    @property
    def about_products(self) -> int:
        """About how many products with the Hessian, or their worth in passes, it takes."""
        return 0

    @property
    def epochs(self) -> float:
        """A product costs about twice a gradient. Only as a share of work beside trainings on a set of the usual size:
        a reader is told products and images."""
        return 2 * self.about_products * (self.images or 50_000) * _GRADIENTS_AN_EPOCH


@dataclass(frozen=True, kw_only=True)
class HessianTrace(AtNetwork, name="hessian_trace"):
    """The trace of the Hessian, the whole network's and each parameter's, estimated until its standard error is small
    enough."""

    title: ClassVar[str] = "Hessian trace"
    estimator: str = knob("krylov", "How the trace is estimated: random probes, without or with the directions of "
                          "largest curvature measured apart, which Lanczos finds in the fewest products (krylov); or "
                          "exactly, image by image, by a backward pass a class (gauss_newton): only for networks of "
                          "convolutions, linear layers, ReLU, pooling and normalisation with running statistics.",
                          choices=("krylov", "hutchinson", "hutchpp", "xtrace", "gauss_newton"),
                          source="Chen & Hallman 2023; Hutchinson 1990; Meyer et al. 2021; Epperly et al. 2024; "
                          "Schraudolph 2002")
    """Products to a standard error of 5%, mean over seeds, on half-pruned networks trained on digits: LeNet krylov 17,
    hutchpp 24, xtrace 28, hutchinson 64; ResNet-8 13, 18, 19, 127; LeNet as initialised 40, 51, 73, 64."""
    error: float = knob(0.05, "Standard error to reach, as a fraction of the estimate (of a tenth of the Frobenius "
                        "norm, where positive and negative curvature cancel).", low=0, open_low=True, high=1)
    most_products: int = knob(1000, "Products with the Hessian after which the estimate stops anyway; xtrace, which "
                              "holds all of its vectors, stops at 128 at the latest.", low=6, high=10_000_000)

    @property
    def about_products(self) -> int:
        """From those above: plain probes go with 1 / error squared, the others with 1 / error (Meyer et al. 2021).
        Backward passes of ten classes are worth 6 (LeNet) to 8 products (ResNet-20), each counted as one."""
        if self.estimator == "gauss_newton":
            return 8
        share = 0.05 / self.error
        needed = 90 * share**2 if self.estimator == "hutchinson" else 30 * share
        return int(max(12, min(self.most_products, needed)))


@dataclass(frozen=True, kw_only=True)
class HessianEigenpairs(AtNetwork, name="hessian_eigenpairs"):
    """The largest and the smallest eigenvalues of the Hessian with their eigenvectors, by the Lanczos method with full
    reorthogonalisation."""

    title: ClassVar[str] = "Top eigenvalues of the Hessian"
    count: int = knob(1, "Largest eigenvalues wanted.", low=1, high=50)
    tolerance: float = knob(0.001, "Length of H v - lambda v to reach, as a fraction of the largest |lambda|.", low=0,
                            open_low=True, high=0.5)
    most_products: int = knob(200, "Products with the Hessian after which the search stops anyway.", low=2,
                              high=100_000)

    @property
    def about_products(self) -> int:
        """As measured for 1 to 10 pairs of trained networks."""
        return min(self.most_products, 20 + 15 * self.count)


@dataclass(frozen=True, kw_only=True)
class SpectralDensity(AtNetwork, name="spectral_density"):
    """The density of the Hessian's eigenvalues by stochastic Lanczos quadrature."""

    title: ClassVar[str] = "Spectral density of the Hessian"
    vectors: int = knob(8, "Random vectors; the density is the mean over them.", low=2, high=1000)
    lanczos_steps: int = knob(60, "Lanczos steps for each vector.", low=2, high=1000,
                              source="Ghorbani et al. 2019 take 90; PyHessian takes 100")

    @property
    def about_products(self) -> int:
        """A product a step."""
        return self.vectors * self.lanczos_steps


@dataclass(frozen=True, kw_only=True)
class PyhessianOpinion(AtNetwork, name="pyhessian_opinion"):
    """What PyHessian's own functions say of the same Hessian on the same images: a second opinion."""

    title: ClassVar[str] = "PyHessian's opinion"
    most_products: int = knob(100, "Its maxIter, for the trace and for each eigenvalue.", low=1, high=100_000)
    tolerance: float = knob(0.001, "Its tol: it stops when its running mean moves less than this.", low=0,
                            open_low=True, high=1)

    @property
    def about_products(self) -> int:
        """At most, for trace and eigenvalue."""
        return 2 * self.most_products
