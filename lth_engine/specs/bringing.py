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

DENSE = 1.0
"""Density from which on a network is dense, and the level 0 of its search."""


def bring(model: Mapping[str, Any], data: DataSpec, files: Sequence[File], name: str, *,
          training: Training | None = None, rewind: Step | None = None) -> tuple[TicketSearch, tuple[str, ...]]:
    """The search of networks of one kind.

    Replicates are counted anew from 0. A replicate that lacks a level which others have is left out, and so are dense
    networks that not every replicate has; levels are those of the files, counted anew without gaps.

    Args:
        model: what the card says under architecture, spec.
        data: the images.
        files: the networks; see :func:`one_file` for a single one.
        name: of the file or directory.
        training: with which the lab trains the tickets itself where that is asked; its default if None.
        rewind: the point of training that the starting weights are of; the initialisation if None.

    Returns:
        the question, and sentences about what was left out.

    Raises:
        BadInput: the network is not known, or no file is left.
    """
    built = cast(ModelSpec, from_dict("model", dict(model)))
    kept, said = _whole(files)
    if not kept:
        raise BadInput("No network was brought. Choose a file or directory with weights.")
    settings: dict[str, Any] = {} if training is None else {"training": training}
    search = Imported(files=tuple(map(str, kept)), label=plain_label(name), rewind=rewind or Step(0, "it"))
    return TicketSearch(model=built, data=data, search=search, levels=max(f.level for f in kept), controls=(),
                        replicates=1 + max(f.replicate for f in kept), **settings), said


def one_file(density: float, weights: str, begins: str = "", masks: str = "") -> File:
    """A file by itself: level 0 if it is dense, else the only ticket.

    Args:
        density: that its card says.
        weights: SHA-256 of its clean copy.
        begins: SHA-256 of the clean copy of what its training started from, if it came along.
        masks: SHA-256 of the clean copy of its masks, if they are in another file.
    """
    return File(int(density < DENSE), 0, density, weights, begins, masks)


def _whole(files: Sequence[File]) -> tuple[list[File], tuple[str, ...]]:
    """The files of replicates that are whole, counted anew; and what was left out."""
    by_replicate: dict[int, dict[int, File]] = {}
    for one in files:
        by_replicate.setdefault(one.replicate, {})[one.level] = one
    levels = {r: frozenset(level for level in found if level) for r, found in by_replicate.items()}
    most = max(levels.values(), key=len, default=frozenset())
    whole = [r for r in sorted(levels) if levels[r] == most]
    dense = all(0 in by_replicate[r] for r in whole)
    said = [f"Replicate {r} has other levels than the rest and was left out."
            for r in sorted(levels) if r not in whole]
    if not dense and any(0 in by_replicate[r] for r in whole):
        said.append("Not every replicate has its dense network, so that none of them is compared with one.")
    kept = [0] * dense + sorted(most)
    if kept[-1:] and max(kept) != len(most):
        said.append(f"The levels {', '.join(map(str, sorted(most)))} are counted from 1 to {len(most)}.")
    numbers = {level: number for number, level in enumerate(kept, start=1 - dense)}
    return [File(numbers[level], place, *_rest(by_replicate[r][level])) for level in kept
            for place, r in enumerate(whole)], tuple(said)


def _rest(file: File) -> tuple[float, str, str, str]:
    return file.density, file.weights, file.begins, file.masks
