"""Weights and mask of a file that was brought, read from its clean copy, for the network that a question names.

The clean copy is understood anew each time; nothing of the original is ever read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lth_engine.core.artifact import Array
from lth_engine.core.clean_files import clean_path
from lth_engine.core.errors import BadInput
from lth_engine.core.mask import Mask
from lth_engine.importing.checkpoint import Architecture
from lth_engine.importing.clean import read_clean
from lth_engine.importing.contents import Contents
from lth_engine.importing.network import network as rebuilt
from lth_engine.importing.understand import understand
from lth_engine.masking.prunable import prunable
from lth_engine.specs.models import ModelSpec
from lth_engine.specs.tickets import DenseTicket
from lth_engine.training.material import Facts, take_weights

SHOWN = 3
"""Tensors that a refusal names."""


@dataclass(frozen=True)
class Brought:
    """A network that was brought.

    Attributes:
        weights: parameters and buffers by the lab's names, as the network wants them; pruned weights are 0.
        mask: kept weights of every prunable parameter, by the file's masks or its exact zeros.
        epoch: that the file says, if it does.
    """

    weights: Mapping[str, Array]
    mask: Mask
    epoch: int | None


def brought(sha256: str, dense: DenseTicket, model: nn.Module, facts: Facts, data_root: Path,
            masks: str = "") -> Brought:
    """The network of a clean file.

    Args:
        sha256: names the file.
        dense: network and images of the question.
        model: a network of that kind.
        facts: sizes of the images.
        data_root: the folder below which clean files lie.
        masks: names the clean file of its masks, if that is another one.

    Raises:
        BadInput: the file is gone, holds no known network, another one than the question says, or one for other
            images; or a tensor is not finite.
    """
    checkpoint = understand(_read(data_root, sha256), _read(data_root, masks) if masks else None)
    if checkpoint.architecture is None:
        raise BadInput("No known network has the tensors of this file, so nothing can be computed with it. Its "
                       "weights are described on the page Diagnose a file.")
    require_images(checkpoint.architecture, dense, facts)
    theirs, kept = rebuilt(checkpoint)
    weights = _fitting(take_weights(theirs), model, dense.model)
    mask = Mask({name: np.array(kept[name].numpy(), dtype=np.bool_, order="C") for name in prunable(model)})
    if not mask.kept:
        raise BadInput("Every prunable weight of the file is pruned or 0, so the network computes nothing. Bring "
                       "another checkpoint.")
    return Brought(weights, mask, checkpoint.unwrapped.epoch)


def _read(data_root: Path, sha256: str) -> Contents:
    path = clean_path(data_root, sha256)
    if not path.is_file():
        raise BadInput(f"The clean copy {path.name[:12]}... of a file that was brought is not in {path.parent}. Bring "
                       "the file again on the page Diagnose a file.")
    return read_clean(path)[0]


def require_images(found: Architecture, dense: DenseTicket, facts: Facts) -> None:
    """Refuse images that the network of a file cannot be shown. Raises BadInput."""
    wanted = [(f"{found.channels} channel{'s' * (found.channels > 1)}", found.channels == facts.channels),
              (f"{found.height} x {found.width} pixels", not found.size_known
               or (found.height, found.width) == (facts.height, facts.width)),
              (f"{found.classes} classes", found.classes == facts.num_classes)]
    if not all(fits for _, fits in wanted):
        takes = ", ".join(words for words, _ in wanted)
        raise BadInput(f"This {found.name} takes images of {takes}; {dense.data.title} has {facts.channels}, "
                       f"{facts.height} x {facts.width} and {facts.num_classes}. Choose images that fit.")


def _fitting(weights: Mapping[str, Array], model: nn.Module, spec: ModelSpec) -> dict[str, Array]:
    """The tensors as `model` holds them: its names, shapes and number formats, all finite."""
    state = model.state_dict()
    odd = [n for n in sorted(state.keys() | weights.keys())
           if n not in state or n not in weights or tuple(state[n].shape) != weights[n].shape]
    if odd:
        more = f" and {len(odd) - SHOWN} more" if len(odd) > SHOWN else ""
        raise BadInput(f"The file holds another network than {spec.label} as it is asked for: "
                       f"{', '.join(odd[:SHOWN])}{more} differ. Bring the file again, so that the network is read "
                       "off it.")
    found = {name: np.array(weights[name], dtype=torch.empty(0, dtype=t.dtype).numpy().dtype, order="C")
             for name, t in state.items()}
    bad = [name for name, value in found.items() if not np.isfinite(value).all()]
    if bad:
        raise BadInput(f"{bad[0]} of the file holds NaN or infinity, so the network computes nothing. Bring a "
                       "checkpoint from before that.")
    return found
