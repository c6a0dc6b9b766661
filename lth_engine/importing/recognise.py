"""Which network tensors belong to: said only when every one of them has its place with the right shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

import torch

from lth_engine.core.errors import BadInput
from lth_engine.importing.candidates import guess
from lth_engine.importing.checkpoint import Architecture, Candidate, Tensors
from lth_engine.importing.contents import Fact
from lth_engine.importing.conventions import Convention
from lth_engine.importing.fit import Fit, fit
from lth_engine.importing.peer_names import CONVENTIONS, OWN
from lth_engine.importing.skeleton import Shapes
from lth_engine.importing.timm_names import timm_candidates
from lth_engine.importing.torchvision_names import torchvision_candidates


def recognise(tensors: Tensors, facts: Mapping[str, Fact] | None = None) -> Architecture | None:
    """The network of tensors (name -> tensor, masks taken out), or None: none of the known ones has all of them.

    Args:
        tensors: name -> tensor.
        facts: what the file says beside them, as the name of a network of timm.
    """
    if not any(t.is_floating_point() for t in tensors.values()):  # masks alone are no network
        return None
    shapes, ones = shapes_of(tensors), identities(tensors)
    libraries = chain(torchvision_candidates(shapes), timm_candidates(facts or {}, shapes))
    for found, convention in fits(shapes, ones, libraries):
        if found.complete and not convention.caveat:
            return found.architecture()
    return None


def shapes_of(tensors: Tensors) -> Shapes:
    """Name -> shape."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def identities(tensors: Tensors) -> frozenset[str]:
    """Names of channel-wise factors (C x 1 x 1) that are all one, as Synaptic-Flow's shortcuts: they do nothing."""
    return frozenset(n for n, t in tensors.items()
                     if t.dim() == 3 and t.shape[1:] == (1, 1) and bool(torch.all(t == 1)))


def fits(shapes: Shapes, ones: frozenset[str],
         libraries: Iterable[Candidate]) -> Iterator[tuple[Fit, Convention]]:
    """Every candidate that known names lead to, complete or not, with the names that led there.

    Args:
        shapes: name in the file -> shape.
        ones: names of tensors that only scale by one.
        libraries: candidates of torchvision and timm.
    """
    for convention in OWN + CONVENTIONS:
        renaming = {} if convention in OWN else convention.renaming(shapes)
        if convention in OWN or renaming:
            found = _told(guess(convention.family, _renamed(shapes, renaming)), convention)
            yield from _fitted(found, shapes, renaming, ones, convention)
    for candidate in libraries:
        yield from _fitted(candidate, shapes, {}, ones, _OF_LIBRARIES)


_OF_LIBRARIES = Convention("torchvision", ())


def _renamed(shapes: Shapes, renaming: Mapping[str, str]) -> Shapes:
    return {renaming.get(name, name): shape for name, shape in shapes.items()}


def _told(candidate: Candidate | None, convention: Convention) -> Candidate | None:
    """The candidate with what the names tell of it."""
    if candidate is None or not convention.knobs:
        return candidate
    return replace(candidate, spec=candidate.spec.replace(**convention.knobs),
                   variant=f"{candidate.variant}, {convention.words}")


def _fitted(candidate: Candidate | None, shapes: Shapes, renaming: Mapping[str, str], ones: frozenset[str],
            convention: Convention) -> Iterator[tuple[Fit, Convention]]:
    """The candidate beside the file, unless it cannot be built for the images that it would have."""
    if candidate is None:
        return
    try:
        yield fit(candidate, shapes, renaming, ones), convention
    except BadInput:
        return
