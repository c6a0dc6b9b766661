"""Finding: one thing that weights alone tell about the health of a network, in words with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SEVERITIES = ("good", "note", "warning", "problem")
"""From nothing to worry about to broken."""


@dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes:
        code: of its kind, as "dead_units"; a finding that says why nothing can be told has the same code.
        severity: one of SEVERITIES.
        text: one or two sentences with the reason, numbers in them.
        layer: the tensor or layer that it is about, if it is about one.
        about: name of the text in assets/explained that says how it is found.
    """

    code: str
    severity: str
    text: str
    layer: str | None = None
    about: str = ""

    def plain(self) -> dict[str, str | None]:
        """As the card holds it."""
        return {"code": self.code, "severity": self.severity, "text": self.text, "layer": self.layer,
                "about": self.about}


def listed(names: Sequence[str], shown: int = 3) -> str:
    """Names as a sentence holds them: "a, b, c and 4 more"."""
    if len(names) <= shown:
        return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "none"
    return f"{', '.join(names[:shown])} and {len(names) - shown} more"


def counted(number: int, word: str) -> str:
    """A number with its noun: "1 layer", "3,000 layers"."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def percent(share: float) -> str:
    """A share as a percentage of three digits: "1.44%"."""
    return f"{100 * share:.3g}%" if share < 0.995 else f"{100 * share:.4g}%"
