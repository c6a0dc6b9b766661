"""The known network that comes nearest to tensors that fit none, and what differs, name by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lth_engine.importing.by_order import fits_by_order
from lth_engine.importing.checkpoint import Nearest, Tensors
from lth_engine.importing.conventions import Convention
from lth_engine.importing.fit import Fit
from lth_engine.importing.layers import exchangeable, merely_sorted, natural
from lth_engine.importing.recognise import fits, identities, shapes_of
from lth_engine.importing.torchvision_names import near_candidates

UNKNOWN = Convention("", ())
"""Names of nobody's."""

SORTED = Convention("", (), caveat="the file sorts its tensors by name, and layers of one shape may stand in another "
                                   "order in the network")
"""Names of nobody's, in no order that tells which layer is which."""

NEAR = 0.5
"""Share of tensors that must agree by name and shape before a network is called near."""


def nearest(tensors: Tensors) -> Nearest | None:
    """The candidate that most tensors fit, or None: none fits half of them."""
    if not any(t.is_floating_point() for t in tensors.values()):  # masks alone
        return None
    shapes, ones = shapes_of(tensors), identities(tensors)
    named = list(fits(shapes, ones, libraries=near_candidates(shapes)))
    ordered = list(_by_order(tensors))
    best = max(named + ordered, key=_nearness, default=None)
    if best is None or best[0].agreement < NEAR:
        return None
    found, convention = best
    return told(found, convention.caveat)


def _by_order(tensors: Tensors) -> Iterator[tuple[Fit, Convention]]:
    """Networks with the layers of the file in its order, or, where it only sorts names, in that of their numbers."""
    shapes = shapes_of(tensors)
    runs = [[n for n, t in tensors.items() if t.dtype == kind] for kind in {t.dtype for t in tensors.values()}]
    by_name = all(merely_sorted(names) or len(names) == 1 for names in runs)  # safetensors: each type by itself
    if by_name:
        shapes = {name: shapes[name] for name in natural(shapes)}
    for found in fits_by_order(shapes):
        yield found, SORTED if by_name and exchangeable(shapes) else UNKNOWN


def _nearness(found: tuple[Fit, Convention]) -> tuple[bool, bool, float]:
    """What fits wholly first, then what known names lead to, then by the tensors in their places."""
    fitting, convention = found
    return fitting.complete, convention not in (UNKNOWN, SORTED) and fitting.agreement >= NEAR, fitting.agreement


def told(found: Fit, caveat: str = "") -> Nearest:
    """A candidate as the nearest one; with a caveat the renaming alone does not make it the same network."""
    architecture = found.architecture()
    if caveat:
        architecture = replace(architecture, variant=f"{architecture.variant}; {caveat}")
    return Nearest(architecture, found.missing, found.unexpected, found.shapes, found.complete and not caveat)
