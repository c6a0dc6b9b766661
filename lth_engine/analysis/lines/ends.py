"""The two ends of a line, as it is drawn between them: finite, matched, and restricted to the weights it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lth_engine.analysis.permutations.matching import matched
from lth_engine.analysis.sound_weights import require_finite, require_tensors
from lth_engine.core.artifact import Array, Inputs, Scalar
from lth_engine.core.mask import Mask
from lth_engine.specs.connecting import Connectivity


@dataclass(frozen=True)
class Ends:
    """Weights by name at alpha 0 and 1, and what the summary says of them."""

    first: Mapping[str, Array]
    second: Mapping[str, Array]
    facts: dict[str, Scalar]


def ends(question: Connectivity, inputs: Inputs, model: nn.Module, example: torch.Tensor) -> Ends:
    """The two networks of a line; what is stored of them stays as it is.

    Args:
        question: which runs, whether they are matched, and which weights they share.
        inputs: holds their answers.
        model: a network of their architecture.
        example: one normalised image, 1 x C x H x W.

    Raises:
        NonFinite: a tensor of an end is NaN or infinite.
        BadInput: an answer holds other tensors than its question says; the text names them.
        LotteryError: the second network's units cannot be matched.
    """
    found = [inputs[run.key] for run in (question.first, question.second)]
    first, second = (end.group("final") for end in found)
    for run, weights in ((question.first, first), (question.second, second)):
        require_tensors(model.state_dict(), weights, f"at the end of run {run.key}")
        require_finite(weights, f"at the end of run {run.key}")
    masks = [Mask(end.group("mask")) for end in found]
    facts: dict[str, Scalar] = {}
    if question.matching == "weights":
        match = matched(model, example, first, second, masks[1])
        second, masks[1], facts["moved_units"] = dict(match.weights), Mask(match.mask), match.moved
    line = masks[0] | masks[1]
    if question.mask == "intersection":
        line = masks[0] & masks[1]
        first, second = restricted(first, line), restricted(second, line)
    facts |= {"density_first": masks[0].density, "density_second": masks[1].density, "density_line": line.density,
              "mask_overlap": masks[0].overlap(masks[1])}
    return Ends(first, second, facts)


def restricted(weights: Mapping[str, Array], kept: Mapping[str, Array]) -> dict[str, Array]:
    """The weights with 0 wherever `kept` (bool, for each prunable parameter) does not keep one."""
    return {name: np.where(kept[name], value, 0).astype(value.dtype) if name in kept else value
            for name, value in weights.items()}
