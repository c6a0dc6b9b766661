"""Tied tensors: two names for one storage, or two tensors with the same numbers."""

from __future__ import annotations

import torch

from lth_engine.diagnosis.anatomy import Anatomy
from lth_engine.diagnosis.findings.finding import Finding, counted, listed

ABOUT = "health_tied"


def find(anatomy: Anatomy) -> list[Finding]:
    """A note on tensors that share their storage, a note on weights that are equal without sharing."""
    found = []
    names = {path: name for name, path in anatomy.checkpoint.unwrapped.paths.items()}
    shared = [(names[a], names[b]) for a, b in anatomy.checkpoint.contents.shared.items() if a in names and b in names]
    if shared:
        pairs = [f"{a} and {b}" for a, b in shared]
        share = "shares its" if len(shared) == 1 else "share their"
        found.append(Finding("tied", "note", f"{counted(len(shared), 'tensor')} {share} values with another one: "
                             f"{listed(pairs)}. Training moves both together, and they are pruned together.",
                             shared[0][0], ABOUT))
    equal = _equal(anatomy, {later for later, _ in shared})
    if equal:
        pairs = [f"{a} and {b}" for a, b in equal]
        found.append(Finding("tied", "note", f"{counted(len(equal), 'weight tensor')} hold exactly the numbers of "
                                             "another "
                             f"one: {listed(pairs)}. They were tied when they were saved, or "
                             "copied.", equal[0][0], ABOUT))
    return found


def _equal(anatomy: Anatomy, known: set[str]) -> list[tuple[str, str]]:
    """(weight, earlier one of the same numbers); constant tensors and those already known are left out."""
    seen: dict[tuple[object, ...], str] = {}
    found = []
    for layer in anatomy.layers:
        flat = layer.weight.flatten()
        some = flat[::max(1, flat.numel() // 16)][:16]
        if layer.name in known or bool((some == some[0]).all()):
            continue
        mark = (layer.weight.shape, layer.weight.dtype, *some.tolist())
        if mark in seen and torch.equal(anatomy.weights[seen[mark]], layer.weight):
            found.append((layer.name, seen[mark]))
        seen.setdefault(mark, layer.name)
    return found
