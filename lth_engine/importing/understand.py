"""What a file's contents are: unwrapped, weights and masks apart, and the network recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from lth_engine.importing.checkpoint import Checkpoint, Sparse, Unwrapped
from lth_engine.importing.contents import Contents
from lth_engine.importing.masks import NONE, apart
from lth_engine.importing.nearest import nearest
from lth_engine.importing.no_network import no_network
from lth_engine.importing.recognise import recognise
from lth_engine.importing.unwrap import unwrap

_MASKS = ("mask", "masks", "mask_dict")
"""Keys under which a file keeps masks apart from the weights."""


def understand(contents: Contents, masks: Contents | None = None) -> Checkpoint:
    """The file as a checkpoint; `masks` is what a mask file beside it holds."""
    unwrapped, sparse = _parts(contents, masks)
    if instead := no_network(unwrapped.tensors):
        nothing = Sparse({}, {}, NONE, {}, (instead,))
        return Checkpoint(contents, unwrapped, nothing, None, None)
    tensors = _for_recognition(sparse)
    architecture = recognise(tensors, contents.facts)
    near = None if architecture is not None else nearest(tensors)
    return Checkpoint(contents, unwrapped, sparse, architecture, near)


def recognised_with(contents: Contents, renaming: Mapping[str, str], masks: Contents | None = None) -> Checkpoint:
    """The file as a checkpoint whose names are first changed as `renaming` says (of :class:`Nearest`).

    Args:
        contents: what the file holds.
        renaming: name in the file -> the lab's name.
        masks: what a mask file beside it holds.
    """
    unwrapped, sparse = _parts(contents, masks)
    tensors = _for_recognition(sparse)
    renamed = {renaming.get(name, name): name for name in tensors}
    if len(renamed) < len(tensors):  # two names would become one
        return understand(contents, masks)
    found = recognise({ours: tensors[theirs] for ours, theirs in renamed.items()})
    if found is None:
        return understand(contents, masks)
    composed = {theirs: found.renaming.get(ours, ours) for ours, theirs in renamed.items()
                if ours not in found.left_out}
    architecture = replace(found, renaming={a: b for a, b in composed.items() if a != b},
                           left_out=tuple(renamed[ours] for ours in found.left_out))
    return Checkpoint(contents, unwrapped, sparse, architecture, None)


def _parts(contents: Contents, masks: Contents | None) -> tuple[Unwrapped, Sparse]:
    unwrapped = unwrap(contents)
    return unwrapped, apart(unwrapped, masks or _masks_within(contents), within=masks is None)


def _masks_within(contents: Contents) -> Contents | None:
    """Masks that the file itself keeps in a dictionary of their own."""
    found = {path.partition("/")[2]: tensor for path, tensor in contents.tensors.items()
             if path.partition("/")[0] in _MASKS and "/" in path}
    return Contents(contents.format, found) if found and len(found) < len(contents.tensors) else None


def _for_recognition(sparse: Sparse) -> Mapping[str, torch.Tensor]:
    """Shapes are enough, but for factors a channel, which must be seen with their masks."""
    return {n: sparse.weight(n) if t.dim() == 3 else t for n, t in sparse.weights.items()}
