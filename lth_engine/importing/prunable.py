"""Which tensors of a checkpoint count as prunable."""

from __future__ import annotations

import re

from lth_engine.importing.checkpoint import Checkpoint
from lth_engine.importing.skeleton import Shape, skeleton

_NO_WEIGHT = re.compile(r"bias|running_|num_batches|scale|position|relative|token$|mask|table|index|gamma|beta",
                        re.IGNORECASE)
"""Last parts of names of biases, statistics, constants and tokens."""

_NORM = re.compile(r"norm|(^|[._])(bn|ln|gn)\d*[._]", re.IGNORECASE)
_EMBEDDING = re.compile(r"embed|position|codebook|(^|[._])(wte|wpe|lut)[._]", re.IGNORECASE)
"""Names of layers that look values up, where they have two dimensions; patches are embedded by convolutions."""


def named_like_prunable(name: str, shape: Shape) -> bool:
    """Whether a tensor looks like the weight of a convolution, a linear or recurrent layer, or an attention."""
    factors = len(shape) == 3 and 1 in (shape[0], shape[1] * shape[2])  # one a channel, or one row a position
    looked_up = len(shape) < 4 and _EMBEDDING.search(name)
    return not (len(shape) < 2 or factors or looked_up or _NO_WEIGHT.search(name.rpartition(".")[2])
                or _NORM.search(name))


def prunable_names(checkpoint: Checkpoint) -> list[str]:
    """Names (in the file, prefixes stripped) of the weights that masks and densities count, in the file's order.

    Those of the network where it is known, else those that their names and shapes suggest.
    """
    weights, architecture = checkpoint.sparse.weights, checkpoint.architecture
    if architecture is None:
        ours = checkpoint.contents.format == "lottery lab HDF5"  # its results have arrays like `loss` and `error`
        return [n for n, t in weights.items() if named_like_prunable(n, tuple(t.shape))
                and not (ours and n.rpartition(".")[2] != "weight")]
    a = architecture
    known = set(skeleton(a.spec, a.channels, a.height, a.width, a.classes).prunable)
    return [n for n in weights if a.renaming.get(n, n) in known]
