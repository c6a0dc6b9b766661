"""From a file that was understood to a network that can be computed with."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lth_engine.core.errors import BadInput
from lth_engine.diagnosis.brought import Brought, Weighed
from lth_engine.importing.checkpoint import Checkpoint
from lth_engine.importing.kept import kept
from lth_engine.importing.network import network, original_names
from lth_engine.importing.prunable import prunable_names
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
    _require_finite(model.state_dict(), where)
    architecture = checkpoint.architecture
    assert architecture is not None  # network() refuses it
    allowed = {name: masks[name].bool() for name in in_network_order(model)}
    return Brought(model, allowed, _keys(original_names(checkpoint)), architecture, where)


def weighed(checkpoint: Checkpoint, where: str) -> Weighed:
    """The prunable weights of a checkpoint, whether its network is known or not.

    Args:
        checkpoint: understood.
        where: the file, for messages.

    Raises:
        BadInput: it has none, or one is NaN or infinite.
    """
    if checkpoint.architecture is not None:
        return bring(checkpoint, where).weighed()
    sparse = checkpoint.sparse
    values = {name: sparse.weight(name).float() for name in prunable_names(checkpoint)}
    if not values:
        raise BadInput(f"{where} holds no weights of convolutions or linear layers, so there is nothing to prune.")
    _require_finite(values, where)
    allowed = {name: kept(sparse, name) for name in values}
    return Weighed(values, allowed, _keys({name: sparse.paths[name] for name in values}), where)


def _require_finite(values: Mapping[str, torch.Tensor], where: str) -> None:
    bad = [name for name, value in values.items() if not bool(torch.isfinite(value).all())]
    if bad:
        raise BadInput(f"The weights of {where} must be finite, but there is NaN or infinity in "
                       f"{', '.join(bad[:NAMED])}{' ...' * (len(bad) > NAMED)}: bring another checkpoint.")


def _keys(paths: Mapping[str, str]) -> dict[str, str]:
    """The last part of each path in the file, which is the key in its state_dict; whole paths if two are alike."""
    keys = {name: path.rpartition("/")[2] for name, path in paths.items()}
    return keys if len(set(keys.values())) == len(keys) else dict(paths)
