"""Networks whose layers a file has in the same order under names that nobody knows."""

from __future__ import annotations

from collections.abc import Iterator

from lth_engine.core.errors import BadInput
from lth_engine.importing.candidates import guess
from lth_engine.importing.fit import Fit, fit
from lth_engine.importing.known import of_kinds, plain
from lth_engine.importing.layers import by_position
from lth_engine.importing.skeleton import Shapes
from lth_engine.importing.torchvision_names import candidate_of
from lth_engine.specs.library_models import Torchvision


def fits_by_order(shapes: Shapes) -> Iterator[Fit]:
    """Candidates with the same kinds of layers in the same order, each layer renamed by its place.

    Equal shapes in another order are never matched: the order in the file is the only witness that there is.
    """
    for spec in of_kinds(shapes):
        renaming = by_position(shapes, plain(spec))
        renamed = {renaming.get(name, name): shape for name, shape in shapes.items()}
        candidate = candidate_of(spec.arch, renamed) if isinstance(spec, Torchvision) else guess(spec.name, renamed)
        if candidate is not None:
            try:
                yield fit(candidate, shapes, renaming, frozenset())
            except BadInput:  # it fits no image of the size that the shapes say
                continue
