"""What a file's contents are: unwrapped, weights and masks apart, and the network recognised."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lth_engine.importing.checkpoint import Checkpoint, Sparse
from lth_engine.importing.contents import Contents
from lth_engine.importing.masks import apart
from lth_engine.importing.nearest import nearest
from lth_engine.importing.recognise import recognise
from lth_engine.importing.unwrap import unwrap


def understand(contents: Contents, masks: Contents | None = None) -> Checkpoint:
    """The file as a checkpoint; `masks` is what a mask file beside it holds."""
    unwrapped = unwrap(contents)
    sparse = apart(unwrapped, masks)
    tensors = _for_recognition(sparse)
    architecture = recognise(tensors)
    near = None if architecture is not None else nearest(tensors)
    return Checkpoint(contents, unwrapped, sparse, architecture, near)


def _for_recognition(sparse: Sparse) -> Mapping[str, torch.Tensor]:
    """Shapes are enough, but for factors a channel, which must be seen with their masks."""
    return {n: sparse.weight(n) if t.dim() == 3 else t for n, t in sparse.weights.items()}
