"""What is said of networks that keep nothing of a layer: nothing that they reach says anything of the others."""

from __future__ import annotations

from collections.abc import Iterable


def empty_layers(dead: Iterable[float], thinnest: Iterable[str], what: str, remedy: str) -> str:
    """A sentence, with a space before it, about networks that keep no weight of a layer; empty if there are none.

    Args:
        dead: of each network, the number of layers that keep nothing.
        thinnest: of each, the name of the layer of the lowest density.
        what: what the networks are, in the plural.
        remedy: what to do about it.
    """
    counts = list(dead)
    names = sorted({name for count, name in zip(counts, thinnest, strict=True) if count > 0})
    if not names:
        return ""
    return (f" {sum(count > 0 for count in counts)} of the {len(counts)} {what} keep no weight in a layer "
            f"({', '.join(names)}), so that it passes nothing on: {remedy}.")
