"""A directory of another program: listed here, understood by names in a child, and read network by network."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from lth_engine.core.errors import FileUnreadable, NotRead
from lth_engine.gate import raw
from lth_engine.gate.copying import Copy, Full
from lth_engine.gate.listing import listed, within

READ = 300
"""Networks of a directory that are read; the others are listed."""

TEXT_BYTES = 10_000_000
"""Bytes of a log."""

BINARY = ("final", "rewind", "init", "mask")
"""Roles of files that stage 0 looks at; others are logs."""

Call = Callable[[str, list[int], Mapping[str, Any], Copy | None], dict[str, Any]]
"""Asks a child: entry, open files, arguments, copy. Returns its result or raises NotRead."""


@dataclass
class Copies:
    """Where clean copies go, each named by its SHA-256.

    Attributes:
        folder: that they are written to.
        room: bytes that are left for them, or None where nothing bounds them together.
    """

    folder: Path
    room: int | None = None


@dataclass
class Networks:
    """What came of a directory.

    Attributes:
        directory: for the card: kind, notes and members.
        cards: index of a member -> its card, of those that were read.
        reasons: why others were not.
    """

    directory: dict[str, Any]
    cards: dict[int, dict[str, Any]] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    @property
    def last(self) -> int | None:
        """The network of the last level of the search, of its first replicate; of what was read."""
        members = self.directory["members"]
        return max(self.cards, default=None, key=lambda i: (
            members[i].get("branch") == "main", -2 if members[i].get("level") is None else members[i]["level"], -i))


def read_directory(path: Path, call: Call, cap: int, copies: Copies | None,
                   heard: Callable[[dict[str, Any]], object] | None) -> Networks:
    """Read every network of a directory.

    Args:
        path: the folder.
        call: asks a child.
        cap: bytes of a file at most.
        copies: where clean copies go; a member then has "clean", role -> hash.
        heard: takes {"stage": "level 3, replicate 1", "done": 4, "of": 60}; what it raises ends the reading.

    Raises:
        NotRead: it is of no program that is known, or too large.
    """
    path = Path(os.path.realpath(path))
    files = listed(path)
    found = call("directory", [], {"files": list(files), "root": str(path)}, None)
    members = [dict(member) for member in found["members"]]
    networks = Networks({"kind": str(found["kind"]), "notes": list(found["notes"]), "members": members})
    if len(members) > READ:
        networks.directory["notes"].append(f"The first {READ} of {len(members)} networks were read.")
    for number, member in enumerate(members[:READ]):
        if heard is not None:
            heard({"stage": str(member.get("label", "")), "done": number, "of": min(len(members), READ)})
        wanted = {role: name for role, name in member["files"].items() if name in files}
        try:
            networks.cards[number] = _one(path, found["kind"], member, wanted, call, cap, copies)
        except Full as error:
            networks.directory["notes"].append(f"{number} of {len(members)} networks were read. {error}")
            networks.reasons.append(str(error))
            break
        except NotRead as error:
            member["notes"] = [*member["notes"], str(error)]
            networks.reasons.append(str(error))
        member["density"] = networks.cards.get(number, {}).get("density")
    return networks


def _one(path: Path, peer: str, member: dict[str, Any], wanted: Mapping[str, str], call: Call, cap: int,
         copies: Copies | None) -> dict[str, Any]:
    """The card of one network; what was kept of it goes into `member`."""
    with contextlib.ExitStack() as stack:
        files, kinds = _let_through(path, wanted, cap, stack, member)
        main = next((role for role in BINARY[:3] if role in files), None)
        if main is None:
            raise FileUnreadable("No weights of it could be read.")
        known = _known(wanted[main], files[main])
        said = {"peer": peer, "member": {k: v for k, v in member.items() if k not in ("density", "clean")},
                "roles": list(files), "kinds": [kinds[role] for role in files], **known}
        numbers = [file.fileno() for file in files.values()]
        card = {**_kept(call, "member", numbers, said, copies, member, main), **known}
        taken = _taken(card, member, main, wanted, files)
        if copies is not None:
            for role in [role for role in BINARY if role in files and role not in (main, taken)]:
                only = {"kind": kinds[role], "name": wanted[role], "sha256": raw.digest(files[role])}
                try:
                    _kept(call, "copy", [files[role].fileno()], only, copies, member, role)
                except Full:
                    raise
                except NotRead:
                    continue  # the card's notes say it
    member["accuracy"] = card.get("logs", {}).get("accuracy")
    return card


def _known(name: str, file: BinaryIO) -> dict[str, Any]:
    return {"name": name, "bytes": os.fstat(file.fileno()).st_size, "sha256": raw.digest(file)}


def _taken(card: dict[str, Any], member: dict[str, Any], main: str, wanted: Mapping[str, str],
           files: Mapping[str, BinaryIO]) -> str:
    """The role of the weights that the card is of: not `main` where the child could not read that file, or where the
    settings say that it is of weights before training. What the child noted and the role go into the member."""
    role = str(card.get("role", main))
    if role != main and role in files:
        card |= _known(wanted[role], files[role])
    if role != main and main in member.get("clean", {}):
        member["clean"][role] = member["clean"].pop(main)
    member["notes"] = [str(note) for note in card.pop("member_notes", member["notes"])]
    member["role"] = role
    return role


def _let_through(path: Path, wanted: Mapping[str, str], cap: int, stack: contextlib.ExitStack,
                 member: dict[str, Any]) -> tuple[dict[str, BinaryIO], dict[str, str]]:
    """The files of a network that pass stage 0, open, and the kind of each ("" for logs)."""
    files: dict[str, BinaryIO] = {}
    kinds: dict[str, str] = {}
    for role, name in wanted.items():
        place = within(path, name)
        if place is None:
            continue
        try:
            file = stack.enter_context(raw.opened(place, str(path)))
            total = raw.length(file, cap if role in BINARY else TEXT_BYTES)
            kinds[role] = raw.kind(file, total, cap) if role in BINARY else ""
            files[role] = file
        except NotRead as error:
            member["notes"] = [*member["notes"], f"{role.capitalize()}: {error}"]
    return files, kinds


def _kept(call: Call, entry: str, numbers: list[int], said: Mapping[str, Any], copies: Copies | None,
          member: dict[str, Any], role: str) -> dict[str, Any]:
    """Ask, and keep the clean copy under its hash."""
    if copies is None:
        return call(entry, numbers, said, None)
    with Copy(copies.folder / f"{secrets.token_hex(8)}.safetensors", copies.room) as copy:
        result = call(entry, numbers, said, copy)
        copy.place = copies.folder / f"{copy.sha256}.safetensors"
        if copies.room is not None and not copy.place.exists():
            copies.room -= copy.bytes
        copy.keep()
        member.setdefault("clean", {})[role] = copy.sha256
    return result
