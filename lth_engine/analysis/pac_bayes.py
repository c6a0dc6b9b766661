"""PAC-Bayes bounds of a trained ticket: that of the paper's code, and a certificate, side by side.

The posterior draws each weight around its trained value; see `PacBayes` for which weights, and `posterior_search` for
how its deviations are found. Batch normalisation is in evaluation mode with the statistics of the run, so that a
network is a function of its weights; the images are those that the run was trained on, with the labels that it saw,
without augmentation.

The oracle bound differs from lth-pacbayes where that code draws another network for each batch (here each one sees all
images), shows augmented images, moves batch statistics under noise while it optimises, and leaves shortcuts out of
noise and divergence while it trains them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from lth_engine.analysis.bounds.bound_divergence import mask_kl, oracle_kl
from lth_engine.analysis.bounds.bound_formulas import lower_of_both, pinsker, quad
from lth_engine.analysis.bounds.certificate import Certificate, certify, why_not
from lth_engine.analysis.bounds.drawn_risk import DrawnRisk
from lth_engine.analysis.bounds.notes import Notes
from lth_engine.analysis.bounds.posterior import Posterior
from lth_engine.analysis.bounds.posterior_search import PosteriorSearch
from lth_engine.analysis.bounds.settled import settled
from lth_engine.analysis.sound_weights import require_finite
from lth_engine.analysis.trained_images import TrainedImages
from lth_engine.core.artifact import Answer, Array, Artifact, Inputs, Scalar, text_array
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.bounds import SPIKES, PacBayes
from lth_engine.specs.imported import ImportedDense
from lth_engine.training.evaluate import evaluate
from lth_engine.training.material import Material, material, network, put_weights, take_weights
from lth_engine.training.threads import use_threads

_FORM = "pac_bayes 1"
"""Of the checkpoint."""


def answer(question: PacBayes, inputs: Inputs, bench: Workbench) -> Answer:
    """Optimise the deviations, draw networks, and put the bounds together.

    Arrays: history/* (see :data:`posterior_search.COLUMNS`); layers/* and certified_layers/*, one row a parameter;
    samples/error, of each network that saw all images. In the summary, `oracle_` stands for the bound of the paper's
    code and `certified_` for the certificate. A bound is called vacuous if it is no lower than `chance_error`, that of
    guessing: the inverse of kl comes ever closer to 1 and never reaches it. `search_` says how far the optimisation
    got (:func:`settled`).

    Raises:
        Cancelled: the user asked to stop; the state is in the checkpoint.
        NonFinite: the run's weights are not finite, or the optimisation ended there.
    """
    case = _Case.of(question, inputs, bench)
    notes = Notes(bench, _FORM)
    search = PosteriorSearch(question, case.posterior, torch.tensor(
        case.oracle_squared, dtype=torch.float32, device=bench.device), case.kl_mask, case.images, notes, bench)
    search.run()
    sizes = {"oracle": question.samples, "certified": max(question.samples, question.networks)}
    risks = {name: DrawnRisk(name, case.posterior, case.images, question.samples, networks, question.seed)
             for name, networks in sizes.items()}
    for number, risk in enumerate(risks.values()):
        risk.measure(notes, partial(_report_draws, question, bench, number))
    arrays = {f"history/{column}": values for column, values in search.history().items()}
    arrays["samples/error"] = risks["oracle"].errors
    found = case.answer(question, arrays, risks["oracle"], risks["certified"])
    return Answer(found.arrays, {**found.summary, **settled(search.history())})


def _report_draws(question: PacBayes, bench: Workbench, number: int, share: float) -> None:
    """Report the share of the first (0) or second (1) of the two risks."""
    done = question.length + (number + share) * question.pass_epochs
    bench.report(Progress(done, question.epochs, "drawing networks"))


@dataclass(frozen=True)
class _Case:
    """What is judged.

    Attributes:
        posterior: around the run's end.
        mask: its kept weights.
        oracle_squared, certified_squared: (w - mu)^2 of each weight that is drawn, in float64. They differ for the
            prior gaussian_init: the paper's code has mu = 0 where weights are pruned, which the certificate may not,
            as the mask was made from the images.
        kl_mask: of the mask, nats; 0 if the prior has no spikes.
        why_not: why this can be no certificate.
    """

    posterior: Posterior
    mask: Mask
    images: TrainedImages
    material: Material
    oracle_squared: Array
    certified_squared: Array
    kl_mask: float
    why_not: str

    @classmethod
    def of(cls, question: PacBayes, inputs: Inputs, bench: Workbench) -> _Case:
        """Read the run and the prior's mean, and lay the network out."""
        spec, run, name = question.of.ticket.dense, inputs[question.of.key], f"run {question.of.key}"
        mask, trained = Mask(run.group("mask")), _finite(run, "final", f"at the end of {name}")
        start = _finite(inputs[question.of.ticket.key], "start", f"at the start of {name}")
        dense = _finite(inputs[spec.key], "start", f"of the dense network behind {name}")
        images = material(spec.data, bench)
        model = network(spec.model, images.facts, spec.init_seed, bench.device)
        initial = take_weights(model)
        use_threads(model, images.facts, question.batch_size)
        put_weights(model, trained)
        spikes = question.prior in SPIKES
        posterior = Posterior(model, mask, spikes, question.first_rho)
        unmasked = {name: np.where(mask[name], start[name], dense[name]) if name in mask else start[name]
                    for name in start}
        means = (start, unmasked) if question.prior != "gaussian_zero" else ({}, {})
        squared = [np.square(_drawn(posterior, posterior.mean) - _drawn(posterior, posterior.flat.laid(mu, 0.0)))
                   for mu in means]
        kl_mask = mask_kl(mask.kept, mask.size - mask.kept, 1 - mask.kept / mask.size) if spikes else 0.0
        return cls(posterior, mask, TrainedImages(images.train, question.of.training), images, *squared, kl_mask,
                   why_not(question.prior, unmasked, initial, {} if not spikes else mask, model, question.of.training,
                           brought=isinstance(spec, ImportedDense)))

    def answer(self, question: PacBayes, arrays: dict[str, Array], oracle: DrawnRisk, certified: DrawnRisk) -> Answer:
        """Everything that is said about it."""
        sigma = self.posterior.sigma().cpu().numpy().astype(np.float64)
        kl, n = oracle_kl(sigma, self.oracle_squared), len(self.images)
        paid = certify(sigma, self.certified_squared, self.kl_mask, self.mask.size * (question.prior in SPIKES),
                       len(self.material.facts.mean), certified.highest(question.delta / 2), n, question.delta)
        arrays |= self._layers("layers", kl) | self._layers("certified_layers", paid.kl_gaussian)
        arrays["layers/sigma"] = np.array([float(part.mean()) if part.size else 0.0
                                           for part in self.posterior.by_layer(sigma)])
        gaussian = float(kl.sum())
        total, risk, chance = gaussian + self.kl_mask, oracle.risk, 1 - 1 / self.material.facts.num_classes
        low = lower_of_both(risk, total, n, question.delta)
        summary: dict[str, Scalar] = {
            "oracle_bound": low, "oracle_quad": quad(risk, total, n, question.delta),
            "oracle_pinsker": pinsker(risk, total, n, question.delta), "oracle_risk": risk,
            "oracle_risk_stderr": oracle.stderr, "oracle_kl": total, "oracle_kl_gaussian": gaussian,
            "oracle_kl_mask": self.kl_mask, "oracle_vacuous": low >= chance,
            **_certified(paid, certified), "certified_vacuous": paid.bound >= chance,
            "certified_valid": not self.why_not, "certified_why_not": self.why_not,
            "n": n, "delta": question.delta, "density": self.mask.density, "perturbed": int(sigma.size),
            "parameters": int(self.posterior.mean.numel()), "chance_error": chance,
            "train_error": evaluate(self.posterior.model, self.images).error,
            "test_error": evaluate(self.posterior.model, self.material.test).error}
        return Answer(arrays, summary)

    def _layers(self, group: str, kl: Array) -> dict[str, Array]:
        """One row a parameter: its size, what is kept of it, and its two parts of the KL divergence."""
        flat = self.posterior.flat
        kept = [int(self.mask[name].sum()) if name in self.mask else size
                for name, size in zip(flat.names, flat.sizes, strict=True)]
        share = 1 - self.mask.kept / self.mask.size
        masks = [mask_kl(count, size - count, share) if self.kl_mask and name in self.mask else 0.0
                 for name, size, count in zip(flat.names, flat.sizes, kept, strict=True)]
        return {f"{group}/name": text_array(flat.names), f"{group}/size": np.array(flat.sizes),
                f"{group}/kept": np.array(kept), f"{group}/kl_mask": np.array(masks),
                f"{group}/kl_gaussian": np.array([float(part.sum()) for part in self.posterior.by_layer(kl)])}


def _certified(paid: Certificate, drawn: DrawnRisk) -> dict[str, Scalar]:
    gaussian = float(paid.kl_gaussian.sum())
    return {"certified_bound": paid.bound, "certified_risk": drawn.risk, "certified_risk_stderr": drawn.stderr,
            "certified_kl": gaussian + paid.kl_mask, "certified_kl_gaussian": gaussian,
            "certified_kl_mask": paid.kl_mask, "certified_prior_sigma": paid.prior.sigma,
            "certified_prior_step": paid.prior.step, "certified_grid_cost": paid.grid_cost,
            "certified_input_cost": paid.input_cost, "certified_sample_term": paid.risk_limit - drawn.risk,
            "certified_networks": drawn.networks}


def _drawn(posterior: Posterior, vector: torch.Tensor) -> Array:
    return posterior.drawn(vector).cpu().numpy().astype(np.float64)


def _finite(artifact: Artifact, group: str, where: str) -> Mapping[str, Array]:
    """The weights of an answer; raises NonFinite, naming the tensors."""
    weights = artifact.group(group)
    require_finite(weights, where)
    return weights
