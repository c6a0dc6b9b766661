"""The network that a question looks at, and the images that its loss is taken over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from lth_engine.analysis.lines.norm_statistics import protocol
from lth_engine.analysis.trained_images import TrainedImages
from lth_engine.core.artifact import Array, Inputs
from lth_engine.core.errors import BadInput, NonFinite
from lth_engine.core.mask import Mask
from lth_engine.core.seeds import derive
from lth_engine.core.workbench import Workbench
from lth_engine.specs.curvature import AtNetwork
from lth_engine.training.batches import Images
from lth_engine.training.material import material, network, put_weights
from lth_engine.training.streamed import Batch, StreamedImages
from lth_engine.training.threads import use_threads


class Drawn:
    """Some images of a set, the same ones each time: the first of an order that is drawn once and for all.

    Attributes:
        y: their labels, on the device.

    Args:
        images: the set.
        count: how many; 0, or more than there are, takes all.
    """

    def __init__(self, images: Images | StreamedImages | TrainedImages, count: int = 0) -> None:
        available = len(images)
        order = torch.randperm(available, generator=torch.Generator().manual_seed(derive(0, "drawn", available)))
        self.images = images
        self.index = order[:count] if count else order
        self.y = images.y.index_select(0, self.index.to(images.y.device))

    def __len__(self) -> int:
        return len(self.index)

    def in_chunks(self, size: int) -> Iterator[Batch]:
        """All of them, un-augmented, in chunks of `size` images or one less, in the drawn order."""
        return self.images.in_parts(self.index.tensor_split(max(1, -(-len(self) // size))))

    def in_order(self) -> Iterator[Batch]:
        """All of them in evaluation batches."""
        return self.in_chunks(self.images.evaluation_batch)


def network_at(question: AtNetwork, inputs: Inputs, bench: Workbench) -> tuple[nn.Module, Mask, Drawn]:
    """The network in evaluation mode with its weights, its mask, and the drawn images.

    Training images are those that the run was trained on, with the labels that it saw. With norm_statistics "batch"
    its normalisation has no running statistics, so that it takes those of each batch.

    Raises:
        NonFinite: a tensor of the network holds NaN or infinity; the text names it.
        BadInput: there are too few images, or batch statistics are wanted of one image.
    """
    run = inputs[question.of.key]
    ended = question.at == "end"
    weights = run.group("final") if ended else inputs[question.of.ticket.key].group("start")
    _require_finite(weights, "end" if ended else "start")
    dense = question.of.ticket.dense
    images = material(dense.data, bench)
    model = network(dense.model, images.facts, dense.init_seed, bench.device).eval()
    put_weights(model, weights)
    part = TrainedImages(images.train, question.of.training) if question.part == "train" else images.test
    drawn = Drawn(part, question.images)
    if not len(drawn):
        raise BadInput(f"The {question.part} part of these images is empty, so there is no loss to look at: choose "
                       "the other part.")
    if question.norm_statistics == "batch":
        protocol("batch", model, drawn)()
    if len(drawn) < 2 and takes_batch_statistics(model):
        raise BadInput(f"Batch statistics need at least 2 images. Got {len(drawn)}: raise images.")
    use_threads(model, images.facts, len(drawn))
    return model, Mask(run.group("mask")), drawn


def takes_batch_statistics(model: nn.Module) -> bool:
    """Whether the output for an image depends on the other images of its batch, in evaluation mode."""
    return any(isinstance(m, _NormBase) and m.running_mean is None for m in model.modules())


def _require_finite(weights: Mapping[str, Array], at: str) -> None:
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise NonFinite(f"{name} holds NaN or infinity at the {at} of the run, so the loss has no curvature "
                            "there: train it with a lower learning rate, or look at another run.")
