"""Which weights of a file are kept: the one rule of its card, of its network and of what is trained on from it."""

from __future__ import annotations

import torch

from lth_engine.importing.checkpoint import Sparse
from lth_engine.importing.masks import BY_CHANCE, NONE, ZEROS


def kept(sparse: Sparse, name: str) -> torch.Tensor:
    """True where a weight is kept, shape as the weight.

    Its mask decides where it has one: a weight that is 0 under a mask that keeps it may be trained. Without one, a
    weight is kept where it is not 0 if the file prunes by exact zeros, or if this layer has more zeros than draws
    give by chance; else it is kept whole.

    Args:
        sparse: weights and masks.
        name: of a weight, in the file.
    """
    if name in sparse.masks:
        return sparse.masks[name]
    weight = sparse.weights[name]
    there = weight != 0
    pruned = sparse.convention == ZEROS or (
        sparse.convention != NONE and weight.numel() - int(there.sum()) > BY_CHANCE * weight.numel())
    return there if pruned else torch.ones_like(there)
