"""The lab's own module of a recognised checkpoint, with its weights, and its masks under the lab's names."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from lth_engine.core.errors import BadInput
from lth_engine.importing.checkpoint import Architecture, Checkpoint
from lth_engine.importing.kept import kept
from lth_engine.importing.skeleton import skeleton
from lth_engine.models.build import build


def network(checkpoint: Checkpoint) -> tuple[nn.Module, dict[str, torch.Tensor]]:
    """The network in evaluation mode, in float32 with masks applied; and name -> bool for all prunable weights.

    What is kept is decided by :func:`lth_engine.importing.kept.kept`.

    Raises:
        BadInput: no architecture is known.
    """
    a = _architecture(checkpoint)
    model = build(a.spec, a.channels, a.height, a.width, a.classes, init_seed=0)
    weights = state(checkpoint)
    lacking, extra = model.load_state_dict(weights, strict=False)
    if extra or set(lacking) - set(a.drawn):
        raise BadInput(f"{a.name} and the file do not agree on {(*extra, *lacking)[0]}. Read the file anew.")
    _neutralise(model, lacking)
    return model.eval(), _masks(checkpoint, a)


@torch.no_grad()
def _neutralise(model: nn.Module, lacking: Iterable[str]) -> None:
    """Biases and factors that the file lacks do nothing: 0 and 1."""
    parameters = dict(model.named_parameters())
    for name in set(lacking) & set(parameters):
        parameters[name].fill_(0.0 if name.endswith("bias") else 1.0)


def state(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    """The lab's name -> weight or buffer with its mask applied, floats as float32.

    Raises:
        BadInput: no architecture is known.
    """
    weight = checkpoint.sparse.weight
    return {ours: w.float() if (w := weight(theirs)).is_floating_point() else w
            for ours, theirs in _names(checkpoint).items()}


def original_names(checkpoint: Checkpoint) -> dict[str, str]:
    """The lab's name -> path of the weight in the file.

    Raises:
        BadInput: no architecture is known.
    """
    return {ours: checkpoint.sparse.paths[theirs] for ours, theirs in _names(checkpoint).items()}


def _names(checkpoint: Checkpoint) -> dict[str, str]:
    """The lab's name -> name in the file, of what the network has, in the file's order."""
    a = _architecture(checkpoint)
    return {a.renaming.get(n, n): n for n in checkpoint.sparse.weights if n not in a.left_out}


def _architecture(checkpoint: Checkpoint) -> Architecture:
    if checkpoint.architecture is None:
        near = checkpoint.nearest
        hint = f" The nearest is {near.architecture.name}: see what differs." if near else ""
        raise BadInput(f"No network of the lab has exactly these tensors.{hint} Weight statistics are all there is.")
    return checkpoint.architecture


def _masks(checkpoint: Checkpoint, a: Architecture) -> dict[str, torch.Tensor]:
    theirs = _names(checkpoint)
    return {ours: kept(checkpoint.sparse, theirs[ours])
            for ours in skeleton(a.spec, a.channels, a.height, a.width, a.classes).prunable}
