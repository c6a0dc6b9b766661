"""The card of a checkpoint: what a file holds and how healthy it is, as a dictionary that strict JSON can hold."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lth_engine.diagnosis.anatomy import Anatomy, lay_out, parameters
from lth_engine.diagnosis.findings.every import findings
from lth_engine.diagnosis.unknown import unknown
from lth_engine.importing.checkpoint import Architecture, Checkpoint, Nearest

FACTS = 100
"""Facts that a card tells; a file may hold thousands."""

_HEAD = re.compile(r"(^|[._])(fc|linear|classifier|head|heads|output|out|logits|last_linear)\d*\.")
"""Names of classifiers."""

LAYERS = 2000
"""Layers that a card lists: the largest network of the catalogue has a tenth of it."""


def card(checkpoint: Checkpoint, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The card of a file that was read.

    Args:
        checkpoint: the file, understood.
        facts: what the gate knows of it: "name", "bytes" and "sha256".

    Returns:
        Strict JSON: no NaN, no infinity, text keys.
    """
    anatomy = lay_out(checkpoint)
    contents, known = checkpoint.contents, checkpoint.architecture
    found = {
        "status": "read", "reason": "",
        "name": facts.get("name", ""), "bytes": facts.get("bytes"), "sha256": facts.get("sha256", ""),
        "format": contents.format,
        "wrappers": list(checkpoint.unwrapped.wrappers), "beside": list(checkpoint.unwrapped.beside),
        "ignored": [f"{kind} ({count})" for kind, count in contents.ignored.items()],
        "notes": [*contents.notes, *checkpoint.sparse.notes, *_zeros(anatomy), *unknown(anatomy), *_cut(anatomy)],
        "epoch": checkpoint.unwrapped.epoch,
        "facts": dict(list(contents.facts.items())[:FACTS]),
        "tensors": len(contents.tensors), "parameters": parameters(anatomy), "precision": _precision(anatomy),
        "architecture": None if known is None else _architecture(known),
        "classes": _classes(anatomy),
        "nearest": None if checkpoint.nearest is None else _nearest(checkpoint.nearest),
        **_density(anatomy),
        "layers": _layers(anatomy),
        "findings": [finding.plain() for finding in findings(anatomy)],
    }
    strict: dict[str, Any] = strictly(found)
    return strict


def strictly(value: Any) -> Any:
    """A value as strict JSON has it: NaN and infinities are None, keys are text, sequences are lists."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): strictly(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [strictly(each) for each in value]
    return value


def _precision(anatomy: Anatomy) -> dict[str, int]:
    """Type of number -> values of it, most of them first."""
    counts: dict[str, int] = {}
    for value in anatomy.weights.values():
        kind = str(value.dtype).removeprefix("torch.")
        counts[kind] = counts.get(kind, 0) + value.numel()
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _architecture(known: Architecture) -> dict[str, Any]:
    return {"name": known.name, "variant": known.variant, "spec": known.spec.to_dict(),
            "input": [known.channels, known.height, known.width], "size_known": known.size_known,
            "renaming": dict(known.renaming)}


def _nearest(nearest: Nearest) -> dict[str, Any]:
    known = nearest.architecture
    return {"name": known.name, "variant": known.variant, "missing": nearest.missing, "unexpected": nearest.unexpected,
            "shapes": [[name, list(found), list(wanted)] for name, found, wanted in nearest.shapes],
            "renaming": dict(known.renaming), "applies": nearest.applies}


def _classes(anatomy: Anatomy) -> int | None:
    """Outputs: those of the network, or of the last layer where that is a matrix and its name says classifier."""
    known = anatomy.checkpoint.architecture
    if known is not None:
        return known.classes
    last = anatomy.prunable[-1] if anatomy.prunable else None
    return last.rows if last is not None and last.weight.ndim == 2 and _HEAD.search(last.name) else None


def _density(anatomy: Anatomy) -> dict[str, Any]:
    return {"masks": anatomy.checkpoint.sparse.convention, "density": anatomy.density, "prunable": anatomy.size,
            "kept": anatomy.kept}


def _zeros(anatomy: Anatomy) -> list[str]:
    """That masks keep weights that are 0: they count as kept, since training may move them."""
    zeros = anatomy.kept - anatomy.alive
    if not zeros or not anatomy.checkpoint.sparse.masks:
        return []
    return [f"{zeros:,} of the {anatomy.kept:,} kept weights are exactly 0: they count as kept, for the masks keep "
            "them."]


def _cut(anatomy: Anatomy) -> list[str]:
    """That not all layers are listed, so that nobody adds up a part for the whole."""
    if len(anatomy.layers) <= LAYERS:
        return []
    return [f"Of {len(anatomy.layers):,} weight tensors the first {LAYERS:,} are listed; all other numbers are of the "
            "whole file."]


def _layers(anatomy: Anatomy) -> list[dict[str, Any]]:
    return [{"name": layer.name, "shape": list(layer.weight.shape), "weights": layer.size, "kept": layer.kept,
             "density": layer.density, "prunable": layer.prunable} for layer in anatomy.layers[:LAYERS]]
