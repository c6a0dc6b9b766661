"""Files that somebody names on the command line: read by the gate, and computed with from their clean copies alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lth_engine.core.errors import BadInput, FileRefused, FileUnreadable
from lth_engine.gate.ask import inspect

if TYPE_CHECKING:
    from lth_engine.diagnosis.brought import Brought


@dataclass(frozen=True)
class Cleaned:
    """A file that was read.

    Attributes:
        given: as it was named.
        card: what it holds.
        copy: its clean copy.
    """

    given: Path
    card: Mapping[str, Any]
    copy: Path


@contextmanager
def clean_copies(*given: Path) -> Iterator[list[Cleaned]]:
    """The files, read, with clean copies that are gone afterwards.

    Raises:
        BadInput: there is no such file.
        FileRefused, FileUnreadable: the gate let it not pass; the text is its reason.
    """
    with tempfile.TemporaryDirectory(prefix="lth-clean-") as folder:
        found = []
        for number, path in enumerate(given):
            if not path.is_file():
                raise BadInput(f"There is no file {path}. Name a checkpoint.")
            copy = Path(folder, f"{number}.safetensors")
            card = inspect(path, path.name, copy).card
            require_read(card, path)
            found.append(Cleaned(path, card, copy))
        yield found


def require_read(card: Mapping[str, Any], path: Path) -> None:
    """Raises FileRefused or FileUnreadable with the reason of a card, unless the file was read."""
    if card["status"] != "read":
        kind = FileRefused if card["status"] == "refused" else FileUnreadable
        raise kind(f"{path}: {card['reason']}")


def networks(files: Sequence[Cleaned]) -> list[Brought]:
    """The networks of files, ready to be computed with. Loads torch.

    Raises:
        BadInput: no known network has the tensors of a file; a weight is NaN or infinite.
    """
    from lth_engine.diagnosis.bring import bring
    from lth_engine.importing.clean import read_clean
    from lth_engine.importing.understand import understand

    return [bring(understand(read_clean(file.copy)[0]), str(file.given)) for file in files]
