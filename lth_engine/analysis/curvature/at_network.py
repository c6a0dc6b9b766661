"""The network that a question looks at, and the images that its loss is taken over."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from lth_engine.analysis.lines.norm_statistics import protocol
from lth_engine.analysis.sound_weights import require_finite
from lth_engine.analysis.trained_images import TrainedImages
from lth_engine.core.artifact import Inputs
from lth_engine.core.errors import BadInput
from lth_engine.core.mask import Mask
from lth_engine.core.workbench import Workbench
from lth_engine.specs.curvature import AtNetwork
from lth_engine.training.material import material, network, put_weights
from lth_engine.training.mixed import Mixed, Places
from lth_engine.training.threads import use_threads


class Drawn(Mixed):
    """Some images of a set, the same ones each time: the first of an order of their own."""

    def __init__(self, images: Places, count: int = 0) -> None:
        super().__init__(images, count, "drawn")


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
    require_finite(weights, f"at the {'end' if ended else 'start'} of run {question.of.key}")
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
