"""Directories of other programs, in the child: whose they are by their names, and each network of them in turn.

A child sees the names of all files, then for one network at a time its files, opened by the parent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from lth_engine.core.errors import FileUnreadable
from lth_engine.diagnosis.card import card, strictly
from lth_engine.importing import clean
from lth_engine.importing.peers.directory import Member
from lth_engine.importing.peers.find import found
from lth_engine.importing.peers.pickled_mask import read_masks
from lth_engine.importing.peers.read_member import Opened, read_member
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
        "kind", "notes" and "members"; a member is its fields and its "label".

    Raises:
        FileRefused: it is of no program that is known.
    """
    known = found([str(name) for name in arguments["files"]], str(arguments["root"]))
    return {"kind": known.kind, "notes": list(known.notes), "members": [_plain(member) for member in known.members]}


def _plain(member: Member) -> dict[str, Any]:
    return {"experiment": member.experiment, "branch": member.branch, "replicate": member.replicate,
            "level": member.level, "files": dict(member.files), "notes": list(member.notes), "label": member.label}


def member(files: list[Path], arguments: Mapping[str, Any], emit: Emit, out: BinaryIO | None) -> dict[str, Any]:
    """The card of one network of a directory, with its mask, and what the logs beside it say.

    Args:
        files: those of the network that the gate let through.
        arguments: "peer", the kind of directory; "member", its fields; "roles" and "kinds" of the files, in order; and
            "name", "bytes", "sha256".
        emit: gets {"stage": ...}.
        out: where the clean copy of the weights goes.

    Raises:
        NotRead: no weights of it can be read.
    """
    emit({"stage": "reading"})
    opened = {str(role): Opened(path, str(kind)) for role, path, kind in
              zip(arguments["roles"], files, arguments["kinds"], strict=True)}
    fields = {name: value for name, value in arguments["member"].items() if name != "label"}
    network = read_member(str(arguments["peer"]), Member(**fields), opened)
    if network.checkpoint is None:
        raise FileUnreadable(" ".join(network.notes[-1:]) or "No weights of it could be read.")
    told = card(network.checkpoint, arguments)
    if out is not None:
        clean.write(network.checkpoint.contents, out, {"name": told["name"], "sha256": told["sha256"]})
    logs = network.logs
    told["notes"] = [*told["notes"], *network.notes]
    told["logs"] = strictly({"hyperparameters": logs.hyperparameters, "history": logs.history,
                             "accuracy": logs.accuracy})
    told["role"] = network.role
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
    contents = read(files[0], kind) if kind else read_masks(files[0])
    if out is not None:
        clean.write(contents, out, {"name": arguments["name"], "sha256": arguments["sha256"]})
    return {"status": "read", "tensors": len(contents.tensors)}
