"""The posterior: a network whose weights are drawn around the trained ones, each with a deviation of its own."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lth_engine.analysis.bounds.flat_weights import FlatWeights
from lth_engine.core.artifact import Array
from lth_engine.core.mask import Mask
from lth_engine.core.seeds import derive


class Posterior:
    """Draws networks. The trained weights are never written to, and neither are buffers: the model is in evaluation
    mode, so that a network is a function of its weights alone.

    Args:
        model: the network with its trained weights, on the device.
        mask: its kept weights.
        spikes: pruned weights are exactly 0 in every network that is drawn; otherwise they are drawn around 0.
        first_rho: deviations begin at softplus of this.

    Attributes:
        flat: all weights of the model.
        mean: the trained weights.
        where: places in the vector of the weights that are drawn, ascending; None if all are.
        shift: rho less first_rho, for each weight that is drawn. Kept apart from it, since the steps of an
            optimisation are often smaller than the spacing of floats around first_rho.
    """

    def __init__(self, model: nn.Module, mask: Mask, spikes: bool, first_rho: float) -> None:
        self.model = model.eval()
        self.flat = FlatWeights(model)
        self.mean = self.flat.values.clone()
        kept = self.flat.laid({name: mask[name] for name in mask}, fill=1.0).bool()
        self.where = None if not spikes or bool(kept.all()) else kept.nonzero().flatten()
        self.first_rho = first_rho
        self._center = self.drawn(self.mean).clone()
        self.shift, self.noise = torch.zeros_like(self._center), torch.zeros_like(self._center)
        self._generator = torch.Generator(device=self.mean.device)

    def drawn(self, vector: torch.Tensor) -> torch.Tensor:
        """Of a vector over all weights, those that are drawn."""
        return vector if self.where is None else vector.index_select(0, self.where)

    def rho(self) -> torch.Tensor:
        """One number a weight that is drawn."""
        return self.shift + self.first_rho

    def sigma(self) -> torch.Tensor:
        """Deviation of each weight that is drawn: softplus of rho."""
        return F.softplus(self.rho())

    @torch.no_grad()
    def put(self, sigma: torch.Tensor, seed: int, *words: str | int) -> None:
        """Draw a network into the model: the one of this seed and these words. `noise` then holds the draw."""
        self.noise.normal_(generator=self._generator.manual_seed(derive(seed, *words)))
        if self.where is None:
            torch.addcmul(self._center, sigma, self.noise, out=self.flat.values)
        else:
            self.flat.values.index_copy_(0, self.where, torch.addcmul(self._center, sigma, self.noise))

    @torch.no_grad()
    def put_mean(self) -> None:
        """Put the trained weights back, bit for bit."""
        self.flat.values.copy_(self.mean)

    def by_layer(self, values: Array) -> list[Array]:
        """Of one value a weight that is drawn, the part of each parameter."""
        counts = np.array(self.flat.sizes)
        ends = np.cumsum(counts)
        if self.where is not None:
            ends = np.searchsorted(self.where.cpu().numpy(), ends)
        return np.split(values, ends[:-1])
