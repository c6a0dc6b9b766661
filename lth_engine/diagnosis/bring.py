"""From a file that was understood to a network that can be computed with."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lth_engine.core.errors import BadInput
from lth_engine.diagnosis.brought import Brought
from lth_engine.importing.checkpoint import Checkpoint
from lth_engine.importing.network import network, original_names
from lth_engine.masking.prunable import in_network_order

NAMED = 5
"""Tensors that a sentence names."""


def bring(checkpoint: Checkpoint, where: str) -> Brought:
    """The network of a checkpoint.

    Args:
        checkpoint: understood.
        where: the file, for messages.

    Raises:
        BadInput: its architecture is not known, so that it cannot be shown images; a weight is NaN or infinite.
    """
    model, masks = network(checkpoint)
    bad = [name for name, value in model.state_dict().items() if not bool(torch.isfinite(value).all())]
    if bad:
        raise BadInput(f"The weights of {where} must be finite, but there is NaN or infinity in "
                        f"{', '.join(bad[:NAMED])}{' ...' * (len(bad) > NAMED)}: bring another checkpoint.")
    architecture = checkpoint.architecture
    assert architecture is not None  # network() refuses it
    allowed = {name: masks[name].bool() for name in in_network_order(model)}
    return Brought(model, allowed, _keys(original_names(checkpoint)), architecture, where)


def _keys(paths: Mapping[str, str]) -> dict[str, str]:
    """The last part of each path in the file, which is the key in its state_dict; whole paths if two are alike."""
    keys = {name: path.rpartition("/")[2] for name, path in paths.items()}
    return keys if len(set(keys.values())) == len(keys) else dict(paths)
