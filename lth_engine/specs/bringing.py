"""From what a card says of files that were read to the question that reports their networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from lth_engine.core.errors import BadInput
from lth_engine.core.spec import from_dict
from lth_engine.core.step import Step
from lth_engine.specs.data import DataSpec
from lth_engine.specs.imported import File, Imported, plain_label
from lth_engine.specs.models import ModelSpec
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.training import Training

DENSE = 0.999
"""Density from which on a network is dense, and the level 0 of its search: a few exact zeros are no pruning."""


def bring(model: Mapping[str, Any], data: DataSpec, files: Sequence[File], name: str, *,
          training: Training | None = None, rewind: Step | None = None) -> TicketSearch:
    """The search of networks of one kind.

    Args:
        model: what the card says under architecture, spec.
        data: the images.
        files: the networks, without gaps (:func:`without_gaps`); see :func:`one_file` for a single one.
        name: of the file or directory.
        training: with which the lab trains the tickets itself where that is asked; its default if None.
        rewind: the point of training that the starting weights are of; the initialisation if None.

    Raises:
        BadInput: the network is not known, or there is no file.
    """
    built = cast(ModelSpec, from_dict("model", dict(model)))
    if not files:
        raise BadInput("No network was brought. Choose a file or directory with weights.")
    search = Imported(files=tuple(map(str, files)), label=plain_label(name), rewind=rewind or Step(0, "it"))
    return TicketSearch(model=built, data=data, search=search, levels=max(f.level for f in files), controls=(),
                        replicates=1 + max(f.replicate for f in files), training=training or Training())


def one_file(density: float, weights: str, begins: str = "", masks: str = "") -> File:
    """A file by itself: level 0 if it is dense, else the only ticket.

    Args:
        density: that its card says.
        weights: SHA-256 of its clean copy.
        begins: SHA-256 of the clean copy of what its training started from, if it came along.
        masks: SHA-256 of the clean copy of its masks, if they are in another file.
    """
    return File(0, 0, 1.0, weights, begins, masks) if density >= DENSE else File(1, 0, density, weights, begins, masks)


def without_gaps(found: Mapping[tuple[int, int], File]) -> list[File]:
    """Replicates numbered from 0, each with the levels from 1 (or 0, where all have it) that all of them have.

    Args:
        found: (level, replicate) -> file.
    """
    replicates = sorted({replicate for _, replicate in found})
    deepest = 0
    while replicates and all((deepest + 1, r) in found for r in replicates):
        deepest += 1
    first = 0 if replicates and all((0, r) in found for r in replicates) else 1
    return [File(level, place, f.density, f.weights, f.begins, f.masks) for level in range(first, deepest + 1)
            for place, r in enumerate(replicates) for f in [found[level, r]]]
