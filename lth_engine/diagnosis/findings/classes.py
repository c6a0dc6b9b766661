"""Classes: whether the head has as many outputs as the file says, and whether each of them can win."""

from __future__ import annotations

from lth_engine.diagnosis.anatomy import Anatomy, Layer
from lth_engine.diagnosis.findings.finding import Finding, listed
from lth_engine.diagnosis.findings.zero_filters import empty_rows

ABOUT = "health_classes"

_NAMES = ("num_classes", "n_classes", "nclass", "classes", "num_labels", "class_num")
"""Last parts of the paths of facts that tell the number of classes."""


def find(anatomy: Anatomy) -> list[Finding]:
    """Warnings where the number of classes disagrees, or classes have no weights."""
    head = _head(anatomy)
    if head is None:
        return []
    found = []
    for path, fact in anatomy.checkpoint.contents.facts.items():
        told = path.rsplit("/", 1)[-1].lower() in _NAMES and isinstance(fact, int) and not isinstance(fact, bool)
        if told and fact != head.rows:
            found.append(Finding("classes", "warning", f"The file says {path} = {fact}, and its last layer "
                                 f"{head.name} has {head.rows:,} outputs.", head.name, ABOUT))
    bias = anatomy.biases.get(head.name.removesuffix("weight") + "bias")
    if bias is not None and bias.numel() != head.rows:
        found.append(Finding("classes", "problem", f"{head.name} has {head.rows:,} outputs and its bias "
                             f"{bias.numel():,}.", head.name, ABOUT))
    empty = empty_rows(head).nonzero().flatten().tolist() if head.alive else []
    if empty:
        found.append(Finding("classes", "warning", f"{len(empty):,} of {head.rows:,} outputs of {head.name} keep no "
                             f"weight (numbers {listed([str(number) for number in empty], 8)}): their score is the "
                             "same for every image.", head.name, ABOUT))
    return found


def _head(anatomy: Anatomy) -> Layer | None:
    """The last linear layer, with as many outputs as the network has classes where it is known."""
    flat = [layer for layer in anatomy.prunable if layer.weight.ndim == 2]
    known = anatomy.checkpoint.architecture
    if known is not None:
        flat = [layer for layer in flat if layer.rows == known.classes]
    return flat[-1] if flat else None
