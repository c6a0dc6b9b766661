"""The question what the loss looks like around a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.specs.curvature import AtNetwork, HessianEigenpairs


@dataclass(frozen=True, kw_only=True)
class Landscape(AtNetwork, name="landscape"):
    """Loss and error along one or two directions through a network, on a grid with the network in its middle."""

    title: ClassVar[str] = "Loss landscape"
    directions: str = knob(
        "random", "Random directions, or the eigenvectors of the Hessian's largest eigenvalues.",
        choices=("random", "eigenvectors"),
        source="Li et al. 2018 (random, filter-normalised); PAC-Bayesian view, figure 2 (top eigenvector)")
    scale: str = knob(
        "filter", "A step of 1 along a direction: every filter (row of a linear layer) moves by its own length, while "
        "biases and normalisation stay, or the whole network moves by a length of 1.", choices=("filter", "unit"),
        source="Li et al. 2018, section 4")
    dimensions: int = knob(2, "A curve or a surface.", choices=(1, 2))
    radius: float = knob(1.0, "How far the grid reaches on either side.", low=0, open_low=True, high=1000)
    points: int = knob(21, "Points on a side of the grid; odd, so that the network is one of them.", low=3, high=501)

    def check(self) -> None:
        """The network must be a point of the grid."""
        if self.points % 2 == 0:
            raise BadInput(f"landscape.points must be odd, so that the network is a point of the grid. Got "
                           f"{self.points}; take {self.points + 1}.")

    def eigenpairs(self) -> HessianEigenpairs:
        """The question whose eigenvectors are the directions."""
        return HessianEigenpairs(of=self.of, at=self.at, weights=self.weights, biases=self.biases, layer=self.layer,
                                 part=self.part, images=self.images, norm_statistics=self.norm_statistics,
                                 seed=self.seed, count=self.dimensions)

    def inputs(self) -> tuple[Spec, ...]:
        """The run and its ticket, and the eigenvectors if they are the directions."""
        return (*super().inputs(), *([self.eigenpairs()] if self.directions == "eigenvectors" else []))

    @property
    def about_products(self) -> int:
        """A point is a forward pass: a sixth of a product."""
        return int(self.points**self.dimensions // 6) + 1
