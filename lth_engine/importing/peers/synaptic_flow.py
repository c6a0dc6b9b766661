"""Synaptic-Flow: model.pt with buffers NAME_mask, args.json, and pandas pickles, which are never read.

Facts about the format: Synaptic-Flow, Experiments/singleshot.py, multishot.py: model.pt holds the pruned and trained
network of a single shot, but the initial weights of a multi-shot experiment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lth_engine.importing.peers.directory import Folders, Member, present
from lth_engine.importing.peers.logs import Logs
from lth_engine.importing.peers.plain_text import flat, json_value

KIND = "Synaptic-Flow"
LOOKED_FOR = "model.pt with args.json (Synaptic-Flow)"

_PICKLE = re.compile(r"(pre-train|post-train|compression)(-.+)?\.pkl")
_MANY = re.compile(r"(post-train|compression)-.+-.+-.+\.pkl")


def find(folders: Folders) -> list[Member]:
    """The networks: one a folder of an experiment."""
    return [_member(folder, names) for folder, names in folders.items()
            if "model.pt" in names and ("args.json" in names or any(_PICKLE.fullmatch(name) for name in names))]


def _member(folder: tuple[str, ...], names: Mapping[str, str]) -> Member:
    pickles = sum(1 for name in names if name.endswith(".pkl"))
    many = any(_MANY.fullmatch(name) for name in names)
    notes = [f"{pickles} pandas pickles lie beside it; they could run code and are never read: its accuracies and "
             f"scores stay unknown."] if pickles else []
    if many:
        notes.append("A multi-shot experiment saves only its initial weights.")
    files = present(init=names["model.pt"] if many else None, final=None if many else names["model.pt"],
                    hyperparameters=names.get("args.json"))
    return Member("/".join(folder[-2:]), "main", None, None, files, tuple(notes))


def logs(member: Member, text: Callable[[str], str], facts: Mapping[str, object]) -> Logs:
    """Settings of args.json."""
    settings = flat(json_value(text("hyperparameters")))
    told = settings.get("experiment", "")
    untrained = told.startswith("multi") and "final" in member.files
    notes = ("args.json says that the experiment is multi-shot: model.pt holds its initial weights.",) * untrained
    return Logs(settings, notes=notes, untrained=untrained)
