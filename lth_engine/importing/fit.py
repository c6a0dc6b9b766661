"""How far the tensors of a file, under a renaming, are those of a candidate: name by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lth_engine.core.errors import BadInput
from lth_engine.importing.checkpoint import Architecture, Candidate
from lth_engine.importing.skeleton import CONVOLUTION, LINEAR, NORM, Shape, Shapes, Skeleton, skeleton

HARMLESS = ("num_batches_tracked", "total_ops", "total_params", "relative_position_index", "attn_mask", "n_averaged")
"""Ends of names that take no part in what a network computes: counters and constants."""

AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")
"""Heads of GoogLeNet and Inception that only training uses."""

_WITHOUT = {NORM: "normalisation without factors", CONVOLUTION: "convolutions without biases",
            LINEAR: "linear layers without biases"}
"""What is said where a file lacks what does nothing at a certain value."""


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
        kinds = {skeleton_of(c).neutral.get(name) for name in self.drawn}
        variant = ", ".join((c.variant, *(_WITHOUT[kind] for kind in _WITHOUT if kind in kinds)))
        return Architecture(**{**vars(c), "variant": variant},
                            renaming={a: b for a, b in self.renaming.items() if a != b}, left_out=self.left_out,
                            drawn=self.drawn)


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
    if min(candidate.channels, candidate.height, candidate.width, candidate.classes) < 1:
        raise BadInput(f"{candidate.name} needs an image and a class. The tensors have none.")
    wanted = skeleton_of(candidate)
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
    idle = _idle(wanted, there, lacking)
    differing = tuple((a, found[a], wanted.shapes[b]) for a, b in there.items() if found[a] != wanted.shapes[b])
    return Fit(candidate, there, tuple(n for n in lacking if n not in idle),
               tuple(n for n in extra if n not in harmless), differing, tuple(harmless),
               tuple(idle))


def skeleton_of(candidate: Candidate) -> Skeleton:
    """Names and shapes of the candidate. Raises BadInput as :func:`skeleton`."""
    c = candidate
    return skeleton(c.spec, c.channels, c.height, c.width, c.classes)


def _idle(wanted: Skeleton, there: Mapping[str, str], lacking: list[str]) -> list[str]:
    """Names that the file may lack: counters, and biases and factors that no layer of their kind has in the file."""
    has = {wanted.neutral[ours] for ours in there.values() if ours in wanted.neutral}
    layers = {ours.rpartition(".")[0] for ours in there.values()}
    return [n for n in lacking if n in wanted.optional
            or (n in wanted.neutral and wanted.neutral[n] not in has and n.rpartition(".")[0] in layers)]
