"""The frozen network of a question about features, and the features of the images that its classifier sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lth_engine.analysis.curvature.at_network import takes_batch_statistics
from lth_engine.analysis.features.batches import FeatureBatches
from lth_engine.analysis.features.kept import BUDGET, Features
from lth_engine.analysis.features.last_linear import Extractor
from lth_engine.analysis.features.moved import Moved, fit
from lth_engine.analysis.lines.norm_statistics import protocol, require_room, tracking
from lth_engine.analysis.shown_again import ShownAgain
from lth_engine.analysis.sound_weights import require_finite, require_tensors
from lth_engine.analysis.trained_images import TrainedImages
from lth_engine.core.artifact import Inputs
from lth_engine.core.errors import BadInput
from lth_engine.core.mask import Mask
from lth_engine.core.meter import Meter
from lth_engine.core.step import Step
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.features import OnFeatures
from lth_engine.training.batches import Batches
from lth_engine.training.material import material, network, put_weights
from lth_engine.training.mixed import Mixed
from lth_engine.training.threads import use_threads


@dataclass(frozen=True)
class Frozen:
    """What a classifier is trained and judged on.

    Attributes:
        train, test: features of the un-augmented images.
        batches: what training sees.
        classes: number of classes.
    """

    train: Features
    test: Features
    batches: FeatureBatches
    classes: int


def require_possible(question: OnFeatures, bench: Workbench) -> None:
    """Refuse what the images do not allow, before anything is computed.

    Raises:
        BadInput: the batch is larger than the training images, the warm-up longer than the training, or the images
            have channels that the network cannot take.
    """
    source = material(question.of.ticket.dense.data, bench).facts
    images = material(question.images, bench)
    fit(source, images.facts)
    batches = Batches(images.train, question.head, question.seed, level=0)
    question.head.span(Step(0, "it"), batches.steps_per_epoch)


def frozen(question: OnFeatures, inputs: Inputs, bench: Workbench) -> Frozen:
    """The network with its weights and its normalisation settled, and its features.

    Normalisation: "recalibrated" estimates the running statistics once, on the un-augmented training images of the
    classifier; "running" leaves them; "batch" takes those of each batch of mixed images (of an evaluation batch, or of
    a step where the images are augmented).

    Raises:
        NonFinite: a weight or a feature is NaN or infinite.
        BadInput: see :func:`require_possible`; or the network has other tensors than its question says, does not end
            with a linear layer, or takes statistics of a batch that is a single image.
        Cancelled: the user asked to stop.
    """
    dense = question.of.ticket.dense
    own = material(dense.data, bench)
    source, at_once = own.facts, own.train.evaluation_batch
    model = network(dense.model, source, dense.init_seed, bench.device).eval()
    _put(question, inputs, model)
    del own
    images = material(question.images, bench)
    change = fit(source, images.facts)
    use_threads(model, source, at_once)
    extract = Extractor(model, change.shape)
    work = _Work(bench)
    sets = [ShownAgain(Mixed(Moved(part, change, at_once)), False, work.saw)
            for part in (TrainedImages(images.train, question.head), images.test)]
    size = 4 * extract.count * sum(map(len, sets))
    keep = size <= BUDGET
    work.total = keep * sum(map(len, sets)) + len(sets[0]) * (question.norm_statistics == "recalibrated"
                                                             and bool(tracking(model)))
    _settle(question, model, sets)
    train, test = (Features(extract, shown, keep) for shown in sets)
    batches = FeatureBatches(images.train, question.head, question.seed, train, change)
    return Frozen(train, test, batches, images.facts.num_classes)


def _put(question: OnFeatures, inputs: Inputs, model: nn.Module) -> None:
    """Lay the weights of the run's start or end into the model, pruned ones 0."""
    at_end = question.at == "end"
    artifact = inputs[(question.of if at_end else question.of.ticket).key]
    weights, where = artifact.group("final" if at_end else "start"), f"at the {question.at} of run {question.of.key}"
    require_tensors(model.state_dict(), weights, where)
    require_finite(weights, where)
    mask = Mask(artifact.group("mask"))
    put_weights(model, {name: np.where(mask[name], value, 0).astype(value.dtype) if name in mask else value
                        for name, value in weights.items()})


def _settle(question: OnFeatures, model: nn.Module, sets: list[ShownAgain]) -> None:
    """Give the model the statistics of normalisation that the question asks for."""
    train = sets[0]
    if question.norm_statistics == "recalibrated":
        example = torch.zeros(1, *train.images.images.x_shape, device=train.y.device)
        require_room("recalibrated", model, example, {"training": train})
    protocol(question.norm_statistics, model, train)()
    if takes_batch_statistics(model) and any(min(map(len, shown.parts), default=0) < 2 for shown in sets):
        raise BadInput("Statistics of a batch need two images, but a batch of these images is a single one: use a set "
                       "with more images.")


class _Work:
    """Reports how many images the frozen network has seen."""

    def __init__(self, bench: Workbench) -> None:
        self.total = self._seen = 0
        self._bench, self._meter = bench, Meter(self._report)

    def saw(self, images: int) -> None:
        """A batch is about to be shown; raises Cancelled if the user asked to stop."""
        self._meter.tell()
        self._seen += images

    def _report(self) -> None:
        if self._seen < self.total:  # later passes belong to the training of the classifier
            self._bench.report(Progress(self._seen, self.total, "computing features"))
        else:
            self._bench.report(Progress(0, 0, "computing features"))
