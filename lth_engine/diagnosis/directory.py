"""What a directory of another program holds, asked in two steps: its members by names, then each by its few files.

Every member is read in a child of its own, so that a damaged or hostile file costs that one member. Entries:

    directory: arguments {"names": paths relative to the folder, "root": where it lies}; no files are opened.
    member: files of one member; arguments as in :func:`member`; its clean copy is a file as any other, with the
        mask inside as torch.nn.utils.prune has it, so that everything that reads clean files reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from lth_engine.diagnosis.anatomy import lay_out
from lth_engine.diagnosis.card import card, strictly
from lth_engine.importing import clean
from lth_engine.importing.checkpoint import Checkpoint
from lth_engine.importing.contents import Contents
from lth_engine.importing.peers.directory import ROLES, Member
from lth_engine.importing.peers.find import found
from lth_engine.importing.peers.read_member import MemberRead, Opened, read_member

Emit = Callable[[dict[str, Any]], None]


def directory(files: list[Path], arguments: Mapping[str, Any], emit: Emit, out: BinaryIO | None) -> dict[str, Any]:
    """The members of a directory, by the names of its files.

    Returns:
        kind; notes; members, each with experiment, branch, replicate, level, label, files (role -> path) and notes;
        last: index of the member that a card should show: the highest trained level of the first search.

    Raises:
        FileRefused: no program is known that leaves such files.
    """
    it = found([str(name) for name in arguments["names"]], str(arguments.get("root", "")))
    plain = [_plain(member) for member in it.members]
    return {"kind": it.kind, "notes": list(it.notes), "members": plain, "last": _last(it.members)}


def member(files: list[Path], arguments: Mapping[str, Any], emit: Emit, out: BinaryIO | None) -> dict[str, Any]:
    """One member of a directory.

    Args:
        files: those of its files that the parent let through.
        arguments: "peer", the kind of the directory; "member", an item of `members`; "roles" and "kinds" of the files,
            "" the kind of text and of pickled masks; "refused", role -> why the parent let no file through;
            "card", whether to make its card; "write", which weights the clean copy holds, "trained" or "start".
        emit: gets {"stage": ...}.
        out: where the clean copy goes.

    Returns:
        The member with density, reported_accuracy, hyperparameters, history, notes, role (of the file that stands for
        it), starts (roles of the weights before training that were read), architecture, written (role of the clean
        copy, or ""), and its card if asked for.
    """
    emit({"stage": "reading"})
    given = _member(arguments["member"], arguments.get("refused", {}))
    opened = {str(role): Opened(path, str(kind)) for path, role, kind in zip(
        files, arguments["roles"], arguments["kinds"], strict=True)}
    reading = read_member(str(arguments["peer"]), given, opened)
    emit({"stage": "understanding"})
    said = _said(reading)
    if arguments.get("card") and reading.checkpoint is not None:
        known = {"name": given.files.get(reading.role, ""), "bytes": None, "sha256": ""}
        said["card"] = card(reading.checkpoint, known)
    chosen = reading.start if arguments.get("write") == "start" else reading.checkpoint
    if out is not None and chosen is not None:
        emit({"stage": "copying"})
        clean.write(pruned_contents(chosen), out, {"name": given.label, "peer": said["peer"]})
        said["written"] = "start" if arguments.get("write") == "start" else reading.role
    strict: dict[str, Any] = strictly({name: value for name, value in said.items() if name != "peer"})
    return strict


def pruned_contents(checkpoint: Checkpoint) -> Contents:
    """A checkpoint as the contents of one file: NAME_orig and NAME_mask where there is a mask, else NAME.

    Convention: torch.nn.utils.prune.
    """
    masks = checkpoint.sparse.masks
    tensors: dict[str, torch.Tensor] = {}
    parameters = set()
    for name, value in checkpoint.sparse.weights.items():
        stored = f"{name}_orig" if name in masks else name
        tensors[stored] = value.contiguous()
        if checkpoint.sparse.paths.get(name) in checkpoint.contents.parameters:
            parameters.add(stored)
        if name in masks:
            tensors[f"{name}_mask"] = masks[name].to(torch.uint8).contiguous()
    return Contents(checkpoint.contents.format, tensors, frozenset(parameters), checkpoint.contents.facts,
                    checkpoint.contents.ignored, notes=checkpoint.contents.notes)


def _plain(given: Member) -> dict[str, Any]:
    return {"experiment": given.experiment, "branch": given.branch, "replicate": given.replicate, "level": given.level,
            "label": given.label, "files": dict(given.files), "notes": list(given.notes)}


def _member(plain: Mapping[str, Any], refused: Mapping[str, str]) -> Member:
    files = {role: str(path) for role, path in plain["files"].items() if role in ROLES}
    notes = (*plain.get("notes", ()), *(f"{role.capitalize()}: {why}" for role, why in refused.items()))
    return Member(str(plain["experiment"]), str(plain["branch"]), plain["replicate"], plain["level"], files, notes)


def _last(members: tuple[Member, ...]) -> int:
    """The highest trained level of the first search and replicate."""
    first = next((m for m in members if m.branch == "main"), members[0])
    same = [i for i, m in enumerate(members)
            if (m.experiment, m.branch, m.replicate) == (first.experiment, first.branch, first.replicate)]
    trained = [i for i in same if "final" in members[i].files]
    return (trained or same)[-1]


def _said(reading: MemberRead) -> dict[str, Any]:
    checkpoint, logs = reading.checkpoint, reading.logs
    known = checkpoint.architecture if checkpoint is not None else None
    peer = {"history": {name: list(column) for name, column in logs.history.items()},
            "hyperparameters": dict(logs.hyperparameters), "reported_accuracy": logs.accuracy}
    return {**_plain(reading.member), **peer, "notes": list(reading.notes), "note": " ".join(reading.notes),
            "density": None if checkpoint is None else lay_out(checkpoint).density, "role": reading.role,
            "starts": list(reading.starts), "written": "", "architecture": None if known is None else known.name,
            "peer": strictly(peer)}
