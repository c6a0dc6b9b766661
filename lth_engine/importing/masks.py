"""Weights and masks apart, in every way in which training code is known to save them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import torch

from lth_engine.importing.checkpoint import Sparse, Tensors, Unwrapped
from lth_engine.importing.contents import Contents
from lth_engine.importing.mask_names import FLAG, FLAT, OF_SCORES, PRUNE, SIBLINGS, Pairs, flat, orig, sibling
from lth_engine.importing.prunable import named_like_prunable
from lth_engine.importing.unwrap import unwrap

_HEAD = re.compile(r"(?:fc|linear|classifier|head|output|last_linear)\.weight")
"""Names of classifiers that some code writes as 1 x 1 convolutions."""

BY_CHANCE = 1e-4
"""Share of zeros that mean nothing: a float32 uniform draw is exactly 0 with probability 6e-8."""

NONE, ZEROS, FILE, DICTIONARY = "none", "exact zeros", "mask.pth", "masks"

_ROUNDED = 0.5
"""Gem-Miner keeps weights whose score is above this (Sreenivasan et al. 2022: rounding of scores in [0, 1])."""


def apart(unwrapped: Unwrapped, beside: Contents | None = None, within: bool = False) -> Sparse:
    """Weights and masks; heads that are convolutions over one place become linear layers.

    Args:
        unwrapped: the tensors of a network.
        beside: what a mask file next to the weights holds (open_lth, lth-pacbayes: mask.pth), or a dictionary of
            masks in the same file (`within`); it is used where no masks stand among the weights.
        within: whether `beside` is of the same file.
    """
    found = _found(unwrapped, beside, within)
    lines = found.convention == "mask"
    return replace(found, weights=_flattened(found.weights, lines), masks=_flattened(found.masks, lines))


def _flattened(tensors: Tensors, lines: bool) -> dict[str, torch.Tensor]:
    """Linear layers as (out, in): heads of shape (out, in, 1, 1), as pruning_is_enough has, and, with `lines`, all of
    shape (out, in, 1), as TurboPrune has."""
    return {n: t.flatten(1) if (lines and t.dim() == 3 and t.shape[1] > t.shape[2] == 1)
            or (_HEAD.fullmatch(n) and t.dim() == 4 and t.shape[2:] == (1, 1)) else t for n, t in tensors.items()}


def _found(unwrapped: Unwrapped, beside: Contents | None, within: bool) -> Sparse:
    tensors = unwrapped.tensors
    finders = {FLAT: flat, PRUNE: orig, **{leaf: sibling(leaf) for leaf in SIBLINGS}}
    for convention, find in finders.items():
        if pairs := find(tensors):
            return _inside(unwrapped, convention, pairs)
    if beside is not None and (raw := _matching(tensors, unwrap(beside).tensors)):
        masks, notes = _boolean(raw)
        return Sparse(tensors, masks, DICTIONARY if within else FILE, unwrapped.paths, notes)
    return Sparse(tensors, {}, ZEROS if _has_zeros(tensors) else NONE, unwrapped.paths)


def _has_zeros(tensors: Tensors) -> bool:
    """Whether more weights are exactly 0 than draws give by chance."""
    weights = [t for n, t in tensors.items() if named_like_prunable(n, tuple(t.shape))]
    zeros = sum(t.numel() - int(torch.count_nonzero(t)) for t in weights)
    return zeros > BY_CHANCE * sum(t.numel() for t in weights)


def _inside(unwrapped: Unwrapped, convention: str, pairs: Pairs) -> Sparse:
    """Masks that stand among the weights."""
    tensors = unwrapped.tensors
    masks, notes = _boolean({weight: _raw(tensors, convention, mask) for weight, (_, mask) in pairs.items()})
    used = {mask for _, mask in pairs.values()} | {name for name in pairs if pairs[name][0] != name}
    plain = {source: name for name, (source, _) in pairs.items()}
    weights, paths = {}, {}
    for name, tensor in tensors.items():
        if name not in used and not _leftover(name, convention):
            weights[plain.get(name, name)] = tensor
            paths[plain.get(name, name)] = unwrapped.paths[name]
    if convention == FLAG and any(name.endswith(".scores") for name in tensors):
        notes += _scored(tensors, masks)
    return Sparse(weights, masks, convention, paths, notes)


def _leftover(name: str, convention: str) -> bool:
    """Whether a tensor belongs to the search for the mask: scores, flags of biases, masks without a weight."""
    leaf = name.rpartition(".")[2]
    return (convention == FLAG and leaf in OF_SCORES) or (convention == FLAT and leaf.startswith("mask_"))


def _raw(tensors: Tensors, convention: str, mask: str) -> torch.Tensor:
    """A mask as stored; of Gem-Miner, flags times rounded scores, where scores are in [0, 1] and not yet rounded."""
    scores = tensors.get(f"{mask.removesuffix('.flag')}.scores") if convention == FLAG else None
    raw = tensors[mask]
    if scores is None or scores.shape != raw.shape or not _in_unit_interval(scores):
        return raw
    return raw * (scores > _ROUNDED)


def _in_unit_interval(scores: torch.Tensor) -> bool:
    return bool(((scores >= 0) & (scores <= 1)).all())


def _scored(tensors: Tensors, masks: Mapping[str, torch.Tensor]) -> tuple[str, ...]:
    """What cannot be known of edge-popup's scores."""
    signed = [n for n, t in tensors.items() if n.endswith(".scores") and not _in_unit_interval(t)]
    if not signed or not all(bool(kept.all()) for kept in masks.values()):
        return ()
    return ("The file holds scores of edge-popup, whose mask is the largest of them by magnitude in each layer; the "
            "file does not say how many, so all weights are counted as kept.",)


def _boolean(raw: Tensors) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    """Masks of bool, integers or floats as bool (kept where not 0), and a note on those that are not 0 or 1."""
    odd = [name for name, mask in raw.items()
           if mask.dtype != torch.bool and not bool(((mask == 0) | (mask == 1)).all())]
    note = (f"The mask of {odd[0]}" + (f" and {len(odd) - 1} more" if len(odd) > 1 else "") + " has values other than "
            "0 and 1; every value but 0 is taken as kept.") if odd else ""
    return {name: mask != 0 for name, mask in raw.items()}, (note,) if note else ()


def _matching(weights: Tensors, masks: Tensors) -> dict[str, torch.Tensor]:
    """Masks of a mask file that fit a weight by name (of the weight or of its layer) and by shape."""
    named = {name if name in weights else f"{name}.weight": mask for name, mask in masks.items()}
    return {n: m for n, m in named.items() if n in weights and weights[n].shape == m.shape}
