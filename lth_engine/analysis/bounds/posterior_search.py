"""Finds the deviations of the posterior for which the bound is low: gradient descent on them, nothing else moves.

Each step draws one network, shows it a batch, and follows the gradient of the bound of its surrogate risk,
-log clamp(p(label), 1e-4, 1) / log(classes), with the KL to the oracle prior (lth-pacbayes, after Dziugaite et al.
2021). What a step draws depends on the seed and its number alone, so a search that was stopped goes on bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from lth_engine.analysis.bounds.bound_divergence import oracle_terms
from lth_engine.analysis.bounds.bound_formulas import lower_of_both, slopes
from lth_engine.analysis.bounds.notes import Notes
from lth_engine.analysis.bounds.posterior import Posterior
from lth_engine.analysis.trained_images import TrainedImages
from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.errors import NonFinite
from lth_engine.core.meter import Meter
from lth_engine.core.saving import State
from lth_engine.core.seeds import derive
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.bounds import PacBayes
from lth_engine.training.mean_loss import MeanLoss
from lth_engine.training.streamed import Batch

LEAST_PROBABILITY = 1e-4
"""What the surrogate counts a smaller probability of the label as (lth-pacbayes)."""

COLUMNS = ("epoch", "risk", "kl", "bound")
"""Of the history, one row an epoch: mean surrogate risk of its steps, KL after it (nats), bound of these two."""


def surrogate(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean of -log clamp(p(label), 1e-4, 1) / log(classes): at least the mean of -log p where it is not clamped."""
    loss = F.cross_entropy(logits, y, reduction="none").clamp(max=-math.log(LEAST_PROBABILITY))
    return loss.mean() / math.log(logits.shape[1])


class PosteriorSearch:
    """The optimisation, from the beginning or from where the notes say that it stopped.

    Args:
        question: how it is done.
        posterior: whose shift moves.
        squared: (w - mu)^2 of each weight that is drawn, against the oracle prior's mean.
        mask_part: KL of the mask, nats.
        images: what it is shown.
        notes: keep shift, momentum and history.
        bench: told the progress.
    """

    def __init__(self, question: PacBayes, posterior: Posterior, squared: torch.Tensor, mask_part: float,
                 images: TrainedImages, notes: Notes, bench: Workbench) -> None:
        self.question, self.posterior, self.images, self.bench = question, posterior, images, bench
        self.squared, self.mask_part, self.notes = squared, mask_part, notes
        self.size = min(question.batch_size, len(images))
        self.steps_per_epoch = -(-len(images) // self.size)
        self.momentum = torch.zeros_like(posterior.shift)
        self.loss, self.rows, self.step = MeanLoss(), list[tuple[float, ...]](), 0
        self._resume()

    def run(self) -> None:
        """Search to the end.

        Raises:
            Cancelled: the user asked to stop; the state is in the checkpoint.
            NonFinite: the risk or the KL divergence became NaN or infinite.
        """
        meter = Meter(lambda: self.bench.report(self._progress()))
        with self.notes.kept(self._state) as tick:
            while self.step < self.question.length * self.steps_per_epoch:
                for x, y in self.batches():
                    meter.tell()
                    self.descend(x, y)
                    tick()
                self._record()

    def descend(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """One step of SGD with momentum on the shift, for one batch."""
        posterior, flat = self.posterior, self.posterior.flat
        with torch.no_grad():
            sigma = posterior.sigma()
            kl, kl_slope = oracle_terms(sigma, self.squared)
        posterior.put(sigma, self.question.seed, "posterior", self.step)
        flat.gradient.zero_()
        risk = surrogate(posterior.model(x), y)
        found = slopes(risk.detach().double(), kl + self.mask_part, len(self.images), self.question.delta)
        risk.backward(found.risk.to(risk.dtype))
        with torch.no_grad():
            slope = posterior.drawn(flat.gradient) * posterior.noise
            slope.addcmul_(kl_slope, found.kl.to(slope.dtype))
            slope.mul_(posterior.rho().sigmoid_())  # d sigma / d rho
            self.momentum.mul_(self.question.momentum).add_(slope)
            posterior.shift.add_(self.momentum, alpha=-self.question.lr)
        self.loss.add(risk.detach(), len(y))
        self.step += 1

    def history(self) -> dict[str, Array]:
        """Column -> one value an epoch; see :data:`COLUMNS`."""
        table = np.array(self.rows, np.float64).reshape(-1, len(COLUMNS))
        return {name: table[:, i] for i, name in enumerate(COLUMNS)}

    def batches(self) -> Iterator[Batch]:
        """What is left of the epoch of `step`."""
        epoch, first = divmod(self.step, self.steps_per_epoch)
        draw = torch.Generator().manual_seed(derive(self.question.seed, "posterior order", epoch))
        order = torch.randperm(len(self.images), generator=draw).to(self.images.y.device)
        return self.images.in_parts(order.split(self.size)[first:])

    @torch.no_grad()
    def _record(self) -> None:
        """A row of the history."""
        risk, kl = self.loss.take(), float(oracle_terms(self.posterior.sigma(), self.squared)[0]) + self.mask_part
        epoch = self.step / self.steps_per_epoch
        if not math.isfinite(risk + kl):
            raise NonFinite(f"The risk ({risk:g}) or the KL divergence ({kl:g}) became NaN or infinite while the "
                            f"variances were optimised (epoch {epoch:g} of {self.question.length}). Lower the "
                            f"learning rate of the bound (pac_bayes.lr is {self.question.lr:g}).")
        self.rows.append((epoch, risk, kl, lower_of_both(risk, kl, len(self.images), self.question.delta)))

    def _progress(self) -> Progress:
        live: dict[str, Scalar] = dict(zip(COLUMNS[1:], self.rows[-1][1:], strict=True)) if self.rows else {}
        return Progress(self.step / self.steps_per_epoch, self.question.epochs, "optimising the variances",
                        metrics=live)

    def _state(self) -> State:
        arrays = {"search/shift": self.posterior.shift.cpu().numpy().copy(),
                  "search/momentum": self.momentum.cpu().numpy().copy(), "search/pending": self.loss.to_array()}
        arrays |= {f"history/{name}": column for name, column in self.history().items()}
        return arrays, {"step": self.step, "threads": torch.get_num_threads()}

    def _resume(self) -> None:
        saved = self.notes.arrays
        if "search/shift" not in saved:
            return
        torch.set_num_threads(int(self.notes.scalars["threads"] or 1))
        self.step = int(self.notes.scalars["step"] or 0)
        self.posterior.shift.copy_(torch.tensor(saved["search/shift"]))
        self.momentum.copy_(torch.tensor(saved["search/momentum"]))
        self.loss = MeanLoss.from_array(saved["search/pending"], self.bench.device)
        self.rows = list(zip(*(saved[f"history/{name}"].tolist() for name in COLUMNS), strict=True))
