"""Directories of other programs, in the child: whose they are by their names, and each network of them in turn.

A child sees the names of all files, then for one network at a time its files, opened by the parent; so a damaged or
hostile file costs that one network. The clean copy of a network has its mask inside, as torch.nn.utils.prune has it:
everything that reads clean copies finds it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from lth_engine.core.errors import FileUnreadable
from lth_engine.diagnosis.card import card, strictly
from lth_engine.importing import clean
from lth_engine.importing.checkpoint import Checkpoint
from lth_engine.importing.contents import Contents
from lth_engine.importing.peers.directory import ROLES, Member
from lth_engine.importing.peers.find import found
from lth_engine.importing.peers.read_member import Opened, read_member
from lth_engine.importing.peers.written_out import written_out
from lth_engine.importing.read import read

Emit = Callable[[dict[str, Any]], None]


def directory(files: list[Path], arguments: Mapping[str, Any], emit: Emit, out: BinaryIO | None) -> dict[str, Any]:
    """The program that left a directory, and its networks.

    Args:
        files: none; names are enough.
        arguments: "files", paths relative to the folder, and "root", where that lies.
        emit: not used.
        out: not used.

    Returns:
        "kind", "notes" and "members"; a member is experiment, branch, replicate, level, label, files (role -> path)
        and notes.

    Raises:
        FileRefused: it is of no program that is known.
    """
    known = found([str(name) for name in arguments["files"]], str(arguments.get("root", "")))
    return {"kind": known.kind, "notes": list(known.notes), "members": [_plain(member) for member in known.members]}


def member(files: list[Path], arguments: Mapping[str, Any], emit: Emit, out: BinaryIO | None) -> dict[str, Any]:
    """The card of one network of a directory, its mask applied, with what the program's logs say.

    Args:
        files: those of the network that the gate let through.
        arguments: "peer", the kind of directory; "member", one of its `members`; "roles" and "kinds" of the files, in
            order ("" the kind of text); "name", "bytes" and "sha256" of the file of weights; "write": "trained" (or
            not said) for a clean copy of that file, "start" for one of what its training started from.
        emit: gets {"stage": ...}.
        out: where the clean copy goes; nothing is written where such weights are not there.

    Returns:
        The card, and: logs (hyperparameters, history, accuracy in [0, 1] or None), role of the file that the card is
        of, starts (roles of weights before training that were read), member_notes (those about the member alone).

    Raises:
        NotRead: no weights of it can be read.
    """
    emit({"stage": "reading"})
    opened = {str(role): Opened(path, str(kind)) for path, role, kind in zip(
        files, arguments["roles"], arguments["kinds"], strict=True)}
    given = _member(arguments["member"])
    network = read_member(str(arguments["peer"]), given, opened)
    if network.checkpoint is None:
        raise FileUnreadable(" ".join(network.notes))
    emit({"stage": "understanding"})
    logs = strictly({"hyperparameters": network.logs.hyperparameters, "history": network.logs.history,
                     "accuracy": network.logs.accuracy})
    told = card(network.checkpoint, arguments)
    told["notes"] = [*told["notes"], *network.notes]
    told |= {"logs": logs, "role": network.role, "starts": list(network.starts),
             "member_notes": list(network.notes)}
    chosen = network.start if arguments.get("write") == "start" else network.checkpoint
    if out is not None and chosen is not None:
        emit({"stage": "copying"})
        clean.write(with_mask_inside(chosen), out, {"name": told["name"], "sha256": told["sha256"],
                                                    "member": _plain(given), "logs": logs})
    return told


def copy(files: list[Path], arguments: Mapping[str, Any], emit: Emit, out: BinaryIO | None) -> dict[str, Any]:
    """A clean copy and nothing else: of starting weights, or of a file of masks.

    Args:
        files: the one file.
        arguments: its "kind", "name" and "sha256".
        emit: not used.
        out: where the clean copy goes.

    Raises:
        NotRead: it cannot be read.
    """
    kind = str(arguments["kind"])
    contents = written_out(read(files[0], kind))
    if out is not None:
        clean.write(contents, out, {"name": arguments["name"], "sha256": arguments["sha256"]})
    return {"status": "read", "tensors": len(contents.tensors)}


def with_mask_inside(checkpoint: Checkpoint) -> Contents:
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


def _member(plain: Mapping[str, Any]) -> Member:
    files = {role: str(path) for role, path in plain["files"].items() if role in ROLES}
    return Member(str(plain["experiment"]), str(plain["branch"]), plain["replicate"], plain["level"], files,
                  tuple(plain.get("notes", ())))
