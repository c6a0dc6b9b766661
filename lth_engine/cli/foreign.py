"""Files that somebody names on the command line: read by the gate, and computed with from their clean copies alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lth_engine.cli.card_text import plain
from lth_engine.core.errors import BadInput, FileRefused, FileUnreadable
from lth_engine.gate.ask import inspect

if TYPE_CHECKING:
    from lth_engine.diagnosis.brought import Brought


PASSPORT = "ticket passport"
"""The format of a passport, as importing.passport has it."""

OF_THE_FILE = ("name", "bytes", "sha256", "format", "wrappers", "beside", "ignored", "epoch", "facts")
"""Parts of a card that a change of names leaves as they are."""


@dataclass(frozen=True)
class Cleaned:
    """A file that was read.

    Attributes:
        given: as it was named.
        card: what it holds.
        copy: its clean copy.
        renaming: name of a tensor in the file -> the lab's name, under which the clean copy has it, where that was
            asked for.
    """

    given: Path
    card: Mapping[str, Any]
    copy: Path
    renaming: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def clean_copies(*given: Path, rename: bool = False) -> Iterator[list[Cleaned]]:
    """The files, read, with clean copies that are gone afterwards.

    Args:
        given: the files.
        rename: as :func:`read_file` has it.

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
            read = read_file(path, copy, rename=rename)
            require_read(read.card, path)
            found.append(read)
        yield found


def read_file(path: Path, copy: Path, *, rename: bool) -> Cleaned:
    """A file, whether it could be read or not: its card, and a clean copy if it could.

    Args:
        path: the file.
        copy: where the clean copy goes.
        rename: where a known network has the very tensors but for their names, give them its names.
    """
    card = inspect(path, path.name, copy).card
    if not rename or card["status"] != "read" or not only_names_differ(card):
        return Cleaned(path, card, copy)
    nearest = card["nearest"]
    under = copy.with_name(f"renamed-{copy.name}")
    again = inspect(copy, path.name, under, arguments={"renaming": nearest["renaming"]}).card
    require_read(again, path)
    return Cleaned(path, {**again, **{name: card[name] for name in OF_THE_FILE}}, under, nearest["renaming"])


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

    for file in files:
        if reason := no_network(file):
            raise BadInput(reason)
    return [bring(understand(read_clean(file.copy)[0]), str(file.given)) for file in files]


def is_passport(card: Mapping[str, Any]) -> bool:
    """Whether a card is that of a passport."""
    return bool(card["format"] == PASSPORT)


def only_names_differ(card: Mapping[str, Any]) -> bool:
    """Whether the tensors are those of a known network under other names."""
    return bool(card["nearest"] and card["nearest"]["applies"])


def no_network(file: Cleaned) -> str:
    """Why nothing can be computed with the network of a file, and what to do; "" if something can."""
    if is_passport(file.card):
        return (f"{plain(file.given.name)} is the passport of a ticket, which holds bits and no network: make the "
                "ticket with the verb recreate and --out, and name that file.")
    if file.card["architecture"] is not None:
        return ""
    nearest = file.card["nearest"]
    if only_names_differ(file.card):
        return (f"The tensors of {plain(file.given.name)} are those of a {plain(nearest['name'])} under other names: "
                "add --rename.")
    near = f" Its nearest is {plain(nearest['name'])}: diagnose shows what differs." if nearest else ""
    return (f"The network of {plain(file.given.name)} is none that is known here, so nothing can be computed with "
            f"it.{near}")
