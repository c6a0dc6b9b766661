"""A clean copy whose tensors go by other names: read as the network that the names make of it, and written under them.

What is written are the weights with their masks applied, by the lab's names, so that the lab knows the network from
then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lth_engine.core.errors import BadInput
from lth_engine.importing.checkpoint import Checkpoint
from lth_engine.importing.clean import read_clean
from lth_engine.importing.contents import Contents
from lth_engine.importing.network import state
from lth_engine.importing.understand import recognised_with, understand


def renamed(path: Path, renaming: Mapping[str, object]) -> tuple[Checkpoint, Contents]:
    """The network under its new names, understood anew, and what to write of it.

    Args:
        path: a clean copy.
        renaming: name in the file -> the lab's name.

    Raises:
        BadInput: no network of the lab has tensors of these names and shapes.
    """
    contents, _ = read_clean(path)
    found = recognised_with(contents, {str(old): str(new) for old, new in renaming.items()})
    if found.architecture is None:
        raise BadInput("No network of the lab has these tensors under their new names, so nothing was renamed. What "
                       "the weights alone tell stands as it is.")
    under = replace(contents, tensors=state(found), parameters=frozenset(), shared={},
                    notes=(*contents.notes, f"{len(renaming)} tensors were given the names of the lab."))
    return understand(under), under
