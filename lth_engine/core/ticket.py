"""A Ticket: a mask with the weights that training starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lth_engine.core.artifact import Answer, Array, Artifact, Scalar
from lth_engine.core.mask import Mask


@dataclass(frozen=True)
class Ticket:
    """What a finder returns.

    Attributes:
        mask: kept weights of every prunable parameter.
        start: parameters and buffers that training starts from, by name; pruned weights are 0.
        level: level of the search, 0 for the dense network.
    """

    mask: Mask
    start: Mapping[str, Array]
    level: int

    def to_answer(self, **summary: Scalar) -> Answer:
        """As it is stored: mask/NAME and start/NAME, pruned weights left out."""
        arrays = {f"mask/{name}": kept for name, kept in self.mask.items()}
        arrays |= {f"start/{name}": value for name, value in self.start.items()}
        facts: dict[str, Scalar] = {
            "level": self.level, "density": self.mask.density, "kept": self.mask.kept, "prunable": self.mask.size}
        return Answer(arrays, facts | summary, sparse={f"start/{n}": f"mask/{n}" for n in self.mask})

    @classmethod
    def from_artifact(cls, artifact: Artifact) -> Ticket:
        """Read back what :meth:`to_answer` stored."""
        level = artifact.summary["level"]
        assert isinstance(level, int)
        return cls(Mask(artifact.group("mask")), artifact.group("start"), level)
