"""Questions about the features of a network: probed where they are, moved to other images, or trained with few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lth_engine.core.errors import BadInput
from lth_engine.core.knob import knob
from lth_engine.core.spec import Spec
from lth_engine.core.step import Step
from lth_engine.specs.data import DataSpec, Digits
from lth_engine.specs.imported import start_known
from lth_engine.specs.optimizers import Sgd
from lth_engine.specs.phases import PhaseSpec, Same
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.schedules import Constant
from lth_engine.specs.tickets import DERIVED_HIGH, Run, about_epochs
from lth_engine.specs.training import Training

PROBE = Training(length=Step(5), batch_size=256, schedule=Constant(), evaluate_every=Step(0),
                 optimizer=Sgd(lr=0.005, momentum=0.9, weight_decay=1e-4))
"""How a linear probe is trained (Pruning Close to Home, appendix D)."""


def moved(original: Training) -> Training:
    """How a classifier on moved features is trained: length, schedule, rate and decay of the original training, with
    momentum 0.9 and 256 images in a step (Pruning Close to Home, appendix D)."""
    optimizer = original.optimizer
    return Training(length=original.length, schedule=original.schedule, warmup=original.warmup, batch_size=256,
                    optimizer=optimizer.replace(momentum=0.9) if isinstance(optimizer, Sgd) else optimizer,
                    evaluate_every=Step(0))


MOVED = moved(Training())
"""The same for a training with its defaults."""


@dataclass(frozen=True, kw_only=True)
class OnFeatures(Question):
    """A linear classifier on the features of a frozen network: what enters its last layer."""

    of: Run = knob(Run(), "The run whose network is looked at.")
    at: str = knob("start", "The network that the run starts from, or the one that it ends with.",
                   choices=("start", "end"))
    norm_statistics: str = knob(
        "recalibrated", "Running statistics of normalisation in the frozen network: estimated anew on the training "
        "images that the classifier sees, those of the network as they are, or those of each batch.",
        choices=("recalibrated", "running", "batch"),
        source="not said in the paper; at initialisation the running ones are 0 and 1 and say nothing")
    seed: int = knob(0, "Seed of the classifier's first weights and of the order of the images.", low=0,
                     high=DERIVED_HIGH)

    @property
    def images(self) -> DataSpec:
        """The images that the classifier is trained on."""
        raise NotImplementedError

    @property
    def head(self) -> Training:
        """How the classifier is trained."""
        raise NotImplementedError

    @property
    def epochs(self) -> float:
        """A third of an epoch for each pass of the frozen network, which is only run forward: one to settle its
        normalisation and one for the features, or one in each epoch where the images are changed."""
        changed = self.head.flip or self.head.crop or self.head.resized_crop
        return (1 + (about_epochs(self.head.length) if changed else 1)) / 3

    def inputs(self) -> tuple[Spec, ...]:
        """The run, or the ticket that it starts from."""
        return (self.of if self.at == "end" else self.of.ticket,)


@dataclass(frozen=True, kw_only=True)
class LinearProbe(OnFeatures, name="linear_probe"):
    """How well a linear classifier reads the classes off the features of a frozen network, on its own images; with
    logistic regression of scikit-learn as a second opinion (Pruning Close to Home, section 5.2)."""

    title: ClassVar[str] = "Linear probe"
    training: Training = knob(PROBE, "How the classifier is trained. Its flip, crop and resized_crop show the network "
                              "changed images in each epoch; else the features are computed once.", advanced=True,
                              source="Pruning Close to Home, appendix D: 5 epochs at 0.005, no schedule")
    second_opinion: bool = knob(True, "Fit logistic regression of scikit-learn to the same features too.")

    @property
    def images(self) -> DataSpec:
        """Those of the run."""
        return self.of.ticket.dense.data

    @property
    def head(self) -> Training:
        """See :attr:`OnFeatures.head`."""
        return self.training


@dataclass(frozen=True, kw_only=True)
class FeatureTransfer(OnFeatures, name="feature_transfer"):
    """How well the features of a frozen network serve on other images, resized to the size of its own, under a new
    linear classifier that is trained in full (Pruning Close to Home, section 5.3)."""

    title: ClassVar[str] = "Features on other images"
    target: DataSpec = knob(Digits(), "The other images, resized to the size of the network's own (bilinear; the "
                            "whole image, stretched if it must be). Gray ones are repeated to colour; of colour ones "
                            "a network for gray images sees the luma.")
    training: Training = knob(MOVED, "How the classifier is trained. Its flip, crop and resized_crop show the network "
                              "changed images in each epoch; else the features are computed once.", advanced=True,
                              source="Pruning Close to Home, appendix D: full budget, momentum 0.9, batch 256")

    @property
    def images(self) -> DataSpec:
        """The other images."""
        return self.target

    @property
    def head(self) -> Training:
        """See :attr:`OnFeatures.head`."""
        return self.training


VARIANTS: dict[str, tuple[str, str]] = {
    "ticket": ("ticket", "start"), "shuffled": ("shuffled_mask", "start"), "dense": ("dense", "start"),
    "trained_ticket": ("ticket", "end"), "trained_dense": ("dense", "end")}
"""What stands side by side -> (variant of the search, where in its run)."""


def fitting(of: TicketSearch) -> tuple[str, ...]:
    """The variants that can be asked of a search: where its tickets start from trained weights, those at the start
    would credit the mask with what training did; what was brought without its start has none."""
    start = not of.search.continues and start_known(of.search, of.levels, of.replicates)
    return tuple(v for v, (_, at) in VARIANTS.items() if at == "end" or start)


@dataclass(frozen=True, kw_only=True)
class FeaturePanel(Question):
    """The features of a ticket beside those of its baselines, over the replicates of a search."""

    of: TicketSearch = knob(TicketSearch(), "Search that finds the ticket.")
    level: int = knob(1, "Level of the ticket.", low=1, high=200)
    variants: tuple[str, ...] = knob(
        tuple(VARIANTS), "The untrained ticket, its mask shuffled in each layer, and the untrained dense network (all "
        "as their training starts, if the rewind point is later); the trained ticket and the trained dense network.",
        choices=tuple(VARIANTS))
    norm_statistics: str = knob(
        "recalibrated", "Running statistics of normalisation in the frozen networks.",
        choices=("recalibrated", "running", "batch"))

    def check(self) -> None:
        """Something to compare, and nothing called untrained that is not."""
        if not self.variants:
            raise BadInput(f"{self.name}.variants is empty. Name one variant or more.")
        refused = [variant for variant in self.variants if variant not in fitting(self.of)]
        if refused:
            if self.of.search.brought:
                raise BadInput(f"{self.name}.variants {', '.join(refused)} show a ticket as its training starts, "
                               "which is not known of one that was brought without it. Choose trained_ticket and "
                               "trained_dense.")
            raise BadInput(f"{self.name}.variants {', '.join(refused)} must show what a mask alone does, but the "
                           f"tickets of the search {self.of.search.name} start from trained weights. Choose "
                           "trained_ticket and trained_dense, or a search by imp or cts.")

    @property
    def head(self) -> Training:
        """How the classifiers are trained."""
        raise NotImplementedError

    def ask(self, run: Run, at: str, seed: int) -> OnFeatures:
        """The question about one network."""
        raise NotImplementedError

    def asked(self) -> dict[tuple[str, int], OnFeatures]:
        """Every question by (variant, replicate)."""
        found = {}
        for variant in self.variants:
            what, at = VARIANTS[variant]
            for r in range(self.of.replicates):
                run = self.of.run(0, r) if what == "dense" else self.of.run(self.level, r, what)
                found[variant, r] = self.ask(run, at, self.of.seed + r)
        return found

    def inputs(self) -> tuple[Spec, ...]:
        """The questions."""
        return tuple(dict.fromkeys(self.asked().values()))


@dataclass(frozen=True, kw_only=True)
class ProbePanel(FeaturePanel, name="probe_panel"):
    """Linear probes of a ticket and its baselines, side by side (Pruning Close to Home, tables 7 and 28 to 31)."""

    title: ClassVar[str] = "Linear probes side by side"
    training: Training = knob(PROBE, "How the classifiers are trained.", advanced=True)

    @property
    def head(self) -> Training:
        """See :attr:`FeaturePanel.head`."""
        return self.training

    def ask(self, run: Run, at: str, seed: int) -> OnFeatures:
        """See :meth:`FeaturePanel.ask`."""
        return LinearProbe(of=run, at=at, norm_statistics=self.norm_statistics, seed=seed, training=self.training)


@dataclass(frozen=True, kw_only=True)
class TransferPanel(FeaturePanel, name="transfer_panel"):
    """Features of a ticket and its baselines on other images, side by side (Pruning Close to Home, tables 8 and 32 to
    36)."""

    title: ClassVar[str] = "Features on other images, side by side"
    target: DataSpec = knob(Digits(), "The other images, resized to the size of the network's own (bilinear; the "
                            "whole image, stretched if it must be). Gray ones are repeated to colour; of colour ones "
                            "a network for gray images sees the luma.")
    training: PhaseSpec = knob(Same(), "How the classifiers are trained: length, schedule, rate and decay as in the "
                               "search's training, with momentum 0.9 and 256 images in a step; or settings of their "
                               "own.", advanced=True, source="Pruning Close to Home, appendix D")

    @property
    def head(self) -> Training:
        """See :attr:`FeaturePanel.head`."""
        return self.training.training_like(moved(self.of.training))

    def ask(self, run: Run, at: str, seed: int) -> OnFeatures:
        """See :meth:`FeaturePanel.ask`."""
        return FeatureTransfer(of=run, at=at, norm_statistics=self.norm_statistics, seed=seed, training=self.head,
                               target=self.target)


PERCENTS = ("1", "2", "5", "10", "20", "50")
"""Sizes of the subsets, in per cent of the training images."""


@dataclass(frozen=True, kw_only=True)
class FewShot(Question, name="few_shot"):
    """Sparse training on class-balanced parts of the training images: the ticket, its mask shuffled in each layer, and
    the dense network (Pruning Close to Home, section 5.1)."""

    title: ClassVar[str] = "Few images"
    of: TicketSearch = knob(TicketSearch(), "Search that finds the ticket, with all images.")
    level: int = knob(1, "Level of the ticket.", low=1, high=200)
    percents: tuple[str, ...] = knob(("1", "2", "5", "10"), "Sizes of the subsets in per cent; each lies inside the "
                                     "larger ones.", choices=PERCENTS, source="Pruning Close to Home, section 5.1")
    equal: str = knob("epochs", "What stays as it is with all images: the number of epochs, or about that of "
                      "optimizer steps (length, warm-up and milestones in epochs are stretched).",
                      choices=("epochs", "steps"), source="not said in the paper")
    batch_size: int = knob(0, "Images in a step; 0 takes that of the search's training.", low=0, high=65_536,
                           advanced=True)

    def check(self) -> None:
        """At least one size."""
        if not self.percents:
            raise BadInput("few_shot.percents is empty. Name one size or more.")

    def training(self, percent: str, replicate: int) -> Training:
        """The training on a subset."""
        whole, share = self.of.training, int(percent) / 100
        if self.equal == "steps":
            whole = whole.stretched(1 / share)
        return whole.replace(subset=share * whole.subset, subset_seed=whole.subset_seed + replicate,
                             batch_size=self.batch_size or whole.batch_size, evaluate_every=Step(0))

    def runs(self) -> dict[tuple[str, str, int], Run]:
        """Every training by (percent, variant, replicate); variants are ticket, shuffled_mask and dense."""
        found = {}
        for percent in self.percents:
            for r in range(self.of.replicates):
                for variant in ("ticket", "shuffled_mask", "dense"):
                    run = self.of.run(0, r) if variant == "dense" else self.of.run(self.level, r, variant)
                    found[percent, variant, r] = run.trained_here.replace(training=self.training(percent, r))
        return found

    def inputs(self) -> tuple[Spec, ...]:
        """The trainings."""
        return tuple(dict.fromkeys(self.runs().values()))
