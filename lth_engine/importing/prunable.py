"""Which tensors of a checkpoint count as prunable."""

from __future__ import annotations

import re

from lth_engine.importing.checkpoint import Checkpoint
from lth_engine.importing.skeleton import Shape, skeleton

_NOT_PRUNED = re.compile(r"norm|(^|[._])(bn|ln|gn)\d*([._]|$)|embed(?!\.weight$)|embedding|token|position|relative|"
                         r"running_|num_batches|lut|codebook", re.IGNORECASE)
"""Names of normalisation, embeddings and statistics."""


def named_like_prunable(name: str, shape: Shape) -> bool:
    """Whether a tensor looks like the weight of a convolution, a linear layer or an attention."""
    factors = len(shape) == 3 and shape[1:] == (1, 1)  # one a channel
    weight = name.rpartition(".")[2].lower().endswith(("weight", "kernel", "weight_orig"))
    return weight and len(shape) >= 2 and not factors and not _NOT_PRUNED.search(name)


def prunable_names(checkpoint: Checkpoint) -> list[str]:
    """Names (in the file, prefixes stripped) of the weights that masks and densities count, in the file's order.

    Those of the network where it is known, else those that their names and shapes suggest.
    """
    weights, architecture = checkpoint.sparse.weights, checkpoint.architecture
    if architecture is None:
        return [n for n, t in weights.items() if named_like_prunable(n, tuple(t.shape))]
    a = architecture
    known = set(skeleton(a.spec, a.channels, a.height, a.width, a.classes).prunable)
    return [n for n in weights if a.renaming.get(n, n) in known]
