"""lth-pacbayes: HASH/replicate_R/level_L with init_model.pth (masked), trained_model.pth, mask.pth; one result.json.

Facts about the format: lth-pacbayes, main.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lth_engine.importing.peers.directory import Folders, Member, present
from lth_engine.importing.peers.logs import Logs
from lth_engine.importing.peers.plain_text import flat, json_value

KIND = "lth-pacbayes"
LOOKED_FOR = "trained_model.pth and init_model.pth (lth-pacbayes)"

_LEVEL = re.compile(r"level_(\d{1,6})")
_REPLICATE = re.compile(r"replicate_(\d{1,9})")
_BOUND = re.compile(r"result_\w+_\d+\.json")


def find(folders: Folders) -> list[Member]:
    """The networks: one a folder level_L."""
    return [_member(folder, names, folders) for folder, names in folders.items()
            if "trained_model.pth" in names or "init_model.pth" in names]


def _member(folder: tuple[str, ...], names: Mapping[str, str], folders: Folders) -> Member:
    parts, level, replicate = list(folder), None, None
    if parts and (match := _LEVEL.fullmatch(parts[-1])):
        parts.pop()
        level = int(match[1])
    results = folders.get(tuple(parts), {}).get("result.json")
    if parts and (match := _REPLICATE.fullmatch(parts[-1])):
        parts.pop()
        replicate = int(match[1])
    notes = []
    if "trained_model.pth" not in names:
        notes.append("There is no trained_model.pth: the level was not trained to its end.")
    if "mask.pth" not in names:
        notes.append("There is no mask.pth: what is pruned is told by exact zeros.")
    if bounds := sum(1 for name in names if _BOUND.fullmatch(name)):
        notes.append(f"{bounds} of its PAC-Bayes results lie beside it and were not read: the lab computes its own.")
    files = present(final=names.get("trained_model.pth"), init=names.get("init_model.pth"),
                    mask=names.get("mask.pth"), results=results, hyperparameters=results)
    return Member(parts[-1] if parts else "", "main", replicate, level, files, tuple(notes))


def logs(member: Member, text: Callable[[str], str], facts: Mapping[str, object]) -> Logs:
    """Settings and final accuracy (a fraction) of result.json, which is written when the last level is done."""
    words = text("results")
    found = json_value(words) if words else {}
    if not isinstance(found, dict):
        return Logs(notes=("result.json is no JSON that can be read.",))
    accuracy, listed = None, found.get("final_acc_list")
    if isinstance(listed, list) and member.level is not None and 0 <= member.level < len(listed):
        value = listed[member.level]
        if isinstance(value, (int, float)) and 0 <= value <= 1:
            accuracy = float(value)
    return Logs(flat(found.get("args", {})), {}, accuracy)
