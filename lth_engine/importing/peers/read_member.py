"""One network of a directory, read whole: its weights with its mask, what its training started from, its logs.

Runs in the child of the gate. A file that cannot be read becomes a note; the rest is read all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from lth_engine.core.errors import FileRefused, NotRead
from lth_engine.importing.checkpoint import Checkpoint
from lth_engine.importing.contents import Contents
from lth_engine.importing.peers import pruning_is_enough
from lth_engine.importing.peers.directory import WEIGHTS, Member
from lth_engine.importing.peers.find import PEERS
from lth_engine.importing.peers.logs import Logs
from lth_engine.importing.peers.plain_text import TEXT_BYTES, decoded
from lth_engine.importing.peers.written_out import clamped_scores, without_scores, written_out
from lth_engine.importing.read import read
from lth_engine.importing.understand import understand

_MASK = "Mask: {} What is pruned is told by exact zeros."
"""Said where a mask could not be read."""


@dataclass(frozen=True)
class Opened:
    """A file of a member as the gate hands it over.

    Attributes:
        path: of a private copy.
        kind: as the gate sniffed it (`importing.read.KINDS`), "" of text.
    """

    path: Path
    kind: str = ""


@dataclass(frozen=True)
class MemberRead:
    """One network of a directory.

    Attributes:
        member: where it stands and which files it has.
        checkpoint: the network, its mask applied: as trained, or as its training would start if `role` says so.
        role: of the file that `checkpoint` is: "final", "rewind" or "init"; "" if no weights could be read.
        starts: "rewind" and "init" -> the weights before training, under the same mask.
        logs: what the program's logs say.
        notes: sentences about what is missing or was not read.
    """

    member: Member
    checkpoint: Checkpoint | None
    role: str
    starts: Mapping[str, Checkpoint]
    logs: Logs
    notes: tuple[str, ...]

    @property
    def start(self) -> Checkpoint | None:
        """What its training started from: the rewind point, else the weights as drawn; None if neither is there."""
        return self.starts.get("rewind", self.starts.get("init"))


def read_member(peer: str, member: Member, files: Mapping[str, Opened]) -> MemberRead:
    """Read the files of a member.

    Args:
        peer: the program, a key of `find.PEERS`.
        member: of a directory of it.
        files: role -> its file; a role that is missing here was refused by the gate.
    """
    notes = list(member.notes)
    masks = _contents("mask", files, notes)
    found = {role: contents for role in WEIGHTS if (contents := _contents(role, files, notes)) is not None}
    if peer == pruning_is_enough.KIND:
        scores = clamped_scores if pruning_is_enough.is_learned(member) else without_scores
        masks = masks and written_out(masks)
        found = {role: written_out(scores(contents)) for role, contents in found.items()}
    role = next(iter(found), "")
    logs = _logs(peer, member, files, found[role].facts if role else {})
    if not role:
        return MemberRead(member, None, "", {}, logs, (*notes, *logs.notes, "No weights of it could be read."))
    checkpoint = _understood(found.pop(role), masks, notes)
    if role == "final" and logs.untrained:
        role = "init"
    starts = {name: under_mask(understand(contents), checkpoint) for name, contents in found.items()}
    if role != "final":
        starts[role] = checkpoint
    return MemberRead(member, checkpoint, role, starts, logs, (*notes, *logs.notes))


def under_mask(start: Checkpoint, pruned: Checkpoint) -> Checkpoint:
    """Weights before training under the mask of the trained network, where names and shapes agree."""
    masks: dict[str, torch.Tensor] = {name: mask for name, mask in pruned.sparse.masks.items()
                                      if name in start.sparse.weights
                                      and start.sparse.weights[name].shape == mask.shape}
    if not masks:
        return start
    return replace(start, sparse=replace(start.sparse, masks=masks, convention=pruned.sparse.convention))


def _contents(role: str, files: Mapping[str, Opened], notes: list[str]) -> Contents | None:
    """What the file of this role holds; None, with a note, where it cannot be read."""
    file = files.get(role)
    if file is None:
        return None
    try:
        return read(file.path, file.kind)
    except NotRead as error:
        notes.append(_MASK.format(error) if role == "mask" else f"{role.capitalize()} weights: {error}")
        return None


def _understood(contents: Contents, masks: Contents | None, notes: list[str]) -> Checkpoint:
    if masks is None:
        return understand(contents)
    try:
        return understand(contents, masks)
    except NotRead as error:
        notes.append(_MASK.format(error))
        return understand(contents)


def _logs(peer: str, member: Member, files: Mapping[str, Opened], facts: Mapping[str, object]) -> Logs:
    if peer not in PEERS:
        raise FileRefused(f"No program of the name {peer[:40]} is known; known are {', '.join(PEERS)}.")

    def text(role: str) -> str:
        file = files.get(role)
        if file is None:
            return ""
        with file.path.open("rb") as opened:
            return decoded(opened.read(TEXT_BYTES))

    logs: Logs = PEERS[peer].logs(member, text, facts)
    return logs
