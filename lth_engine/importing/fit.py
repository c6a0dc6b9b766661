"""How far the tensors of a file, under a renaming, are those of a candidate: name by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lth_engine.importing.candidates import Candidate
from lth_engine.importing.checkpoint import Architecture
from lth_engine.importing.skeleton import Shape, Shapes, skeleton

HARMLESS = ("num_batches_tracked", "total_ops", "total_params", "relative_position_index", "attn_mask", "n_averaged")
"""Ends of names that take no part in what a network computes: counters and constants."""

AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
"""Heads of GoogLeNet and Inception that only training uses."""


@dataclass(frozen=True)
class Fit:
    """A candidate beside a file.

    Attributes:
        candidate: it.
        renaming: name in the file -> the candidate's name, where both exist; also those that do not differ.
        missing: the candidate's names that the file lacks and that matter.
        unexpected: names of the file that the candidate lacks, but for harmless ones.
        shapes: (name in the file, shape found, shape wanted).
        left_out: harmless names of the file that the candidate lacks.
        drawn: names of the candidate that the file lacks and that do not matter.
    """

    candidate: Candidate
    renaming: Mapping[str, str]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    shapes: tuple[tuple[str, Shape, Shape], ...]
    left_out: tuple[str, ...]
    drawn: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every tensor that matters has its place, with the right shape."""
        return not (self.missing or self.unexpected or self.shapes)

    @property
    def agreement(self) -> float:
        """Tensors that fit over all tensors of either side, in [0, 1]."""
        fitting = len(self.renaming) - len(self.shapes)
        return fitting / max(1, fitting + len(self.shapes) + len(self.missing) + len(self.unexpected))

    def architecture(self) -> Architecture:
        """The candidate as the file's network."""
        c = self.candidate
        return Architecture(c.name, c.variant, c.spec, c.channels, c.height, c.width, c.size_known, c.classes,
                            {a: b for a, b in self.renaming.items() if a != b}, self.left_out, self.drawn)


def fit(candidate: Candidate, found: Shapes, renaming: Mapping[str, str], ones: frozenset[str]) -> Fit:
    """Compare.

    Args:
        candidate: the network that they may belong to.
        found: name in the file -> shape.
        renaming: name in the file -> the lab's name; names left out stay as they are.
        ones: names of the file whose tensors are all one and only scale (Synaptic-Flow's identity shortcuts).

    Raises:
        BadInput: the candidate cannot be built for its images.
    """
    wanted = skeleton(candidate.spec, candidate.channels, candidate.height, candidate.width, candidate.classes)
    there: dict[str, str] = {}
    taken: set[str] = set()
    for name in found:
        ours = renaming.get(name, name)
        if ours in wanted.shapes and ours not in taken:
            there[name] = ours
            taken.add(ours)
    extra = [name for name in found if name not in there]
    lacking = [name for name in wanted.shapes if name not in taken]
    harmless = [n for n in extra if n.endswith(HARMLESS) or n.startswith(AUXILIARY) or n in ones]
    differing = tuple((a, found[a], wanted.shapes[b]) for a, b in there.items() if found[a] != wanted.shapes[b])
    return Fit(candidate, there, tuple(n for n in lacking if n not in wanted.optional),
               tuple(n for n in extra if n not in harmless), differing, tuple(harmless),
               tuple(n for n in lacking if n in wanted.optional))
