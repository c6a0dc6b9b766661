"""The 0-1 risk of the posterior: the mean error of networks drawn from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch

from lth_engine.analysis.bounds.bound_formulas import kl_inverse
from lth_engine.analysis.bounds.notes import Notes
from lth_engine.analysis.bounds.posterior import Posterior
from lth_engine.analysis.trained_images import TrainedImages
from lth_engine.core.artifact import Array
from lth_engine.core.meter import Meter
from lth_engine.core.saving import State
from lth_engine.core.seeds import derive

_BLOCK = 1_000_000
"""Places of images that are made at a time."""


class DrawnRisk:
    """Draws networks and counts what they get wrong, all together on `samples` times all images.

    With as many networks as `samples`, each sees all images. With more, each sees only its share of them, and the
    mean over all is as good: more networks for the same work, and it is their number that a guarantee rests on.

    Args:
        name: of the draws, and of what the notes keep.
        posterior: what is drawn from.
        images: what is shown, in an order that is always the same.
        samples: how often each image is shown.
        networks: how many are drawn; no more than images are shown.
        seed: of the draws.
    """

    def __init__(self, name: str, posterior: Posterior, images: TrainedImages, samples: int, networks: int,
                 seed: int) -> None:
        self.name, self.posterior, self.images, self.seed = name, posterior, images, seed
        shown = samples * len(images)
        self.networks = min(networks, shown)
        self._ends = [shown * i // self.networks for i in range(self.networks + 1)]
        self.counts = np.diff(self._ends)
        self.wrong = np.zeros(self.networks, np.int64)
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(derive(0, "drawn risk", shown)))
        self._order = order.to(images.y.device)

    @torch.no_grad()
    def measure(self, notes: Notes, report: Callable[[float], None]) -> DrawnRisk:
        """Draw and count, going on from the notes. Afterwards the model holds its trained weights.

        Args:
            notes: keep what is counted.
            report: told the share that is done; may raise Cancelled.
        """
        done = int(notes.scalars.get(f"{self.name}/done") or 0)
        if done:
            self.wrong = notes.arrays[f"{self.name}/wrong"].copy()
        sigma, meter = self.posterior.sigma(), Meter(report)
        tally = torch.tensor(self.wrong, device=self._order.device)

        def state() -> State:
            self.wrong[:done] = tally[:done].cpu().numpy()
            return {f"{self.name}/wrong": self.wrong.copy()}, {f"{self.name}/done": done}

        with notes.kept(state) as tick:
            try:
                while done < self.networks:
                    block = range(done, min(self.networks, done + max(1, _BLOCK // int(self.counts.max()))))
                    for network in self._block(block, sigma, tally, lambda owner: meter.tell(owner / self.networks)):
                        done = network + 1
                        tick()
            finally:
                self.posterior.put_mean()
        return self

    @property
    def errors(self) -> Array:
        """Fraction that each network gets wrong of what it sees."""
        return self.wrong / self.counts

    @property
    def risk(self) -> float:
        """Mean error of networks drawn from the posterior, on the images."""
        return float(self.wrong.sum() / self.counts.sum())

    @property
    def stderr(self) -> float | None:
        """Standard error of the risk for the draw of the networks; None of a single one. Where networks see different
        images it is too large rather than too small."""
        if self.networks == 1:
            return None
        return float(np.std(self.errors, ddof=1) / math.sqrt(self.networks))

    def highest(self, delta: float) -> float:
        """What the risk is at most, with probability 1 - delta over the draws: kl(seen || risk) <=
        log(2 / delta) / networks.

        The errors of the networks are independent and in [0, 1], which is all that the inequality of Chernoff and
        Hoeffding (1963, theorem 1) asks; they need not have one mean. A network that sees one image more than others
        weighs more, so all are scaled by the largest weight first.

        Source: Langford and Caruana 2001, theorem 2.5.
        """
        scale = float(self.counts.max() * self.networks / self.counts.sum())
        return min(1.0, scale * kl_inverse(self.risk / scale, math.log(2 / delta) / self.networks))

    def _block(self, networks: range, sigma: torch.Tensor, tally: torch.Tensor,
               tell: Callable[[int], None]) -> Iterator[int]:
        """Each network of a block, once `tally` holds how many of its images it gets wrong. Nothing here waits for
        the device."""
        owners, parts = list[int](), list[torch.Tensor]()
        for network in networks:
            places = torch.arange(self._ends[network], self._ends[network + 1], device=self._order.device)
            split = self._order[places % len(self._order)].split(self.images.images.evaluation_batch)
            owners += [network] * len(split)
            parts += split
        for number, (x, y) in enumerate(self.images.in_parts(parts)):
            owner = owners[number]
            tell(owner)
            if number == 0 or owners[number - 1] != owner:
                self.posterior.put(sigma, self.seed, self.name, owner)
            tally[owner] += (self.posterior.model(x).argmax(dim=1) != y).sum()
            if number + 1 == len(owners) or owners[number + 1] != owner:
                yield owner
