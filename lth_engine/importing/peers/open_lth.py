"""open_lth: lottery_HASH/replicate_R/level_L/main and branches; weights named by step, mask.pth, text logs.

Facts about the format: open_lth, foundations/paths.py, lottery/runner.py, lottery/branch/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lth_engine.importing.peers.directory import PRETRAIN, Folders, Member, present
from lth_engine.importing.peers.logs import Logs, accuracy_of, finite
from lth_engine.importing.peers.plain_text import entry, lines, number

KIND = "open_lth"
LOOKED_FOR = "model_ep160_it0.pth (open_lth)"

_MODEL = re.compile(r"model_ep(\d{1,9})_it(\d{1,9})\.pth")
_LEVEL = re.compile(r"level_(\d{1,6}|pretrain)")
_REPLICATE = re.compile(r"replicate_(\d{1,9})")
_BRANCH = re.compile(r"(lottery|train)_branch_(?P<name>\w+?)(_[0-9a-f]{32})?")
_DRAWN = (0, 0)
_SETTING = re.compile(r"\s*\*\s*(\w+) => (.*)")
_COLUMNS = {"test_loss": "test_loss", "test_accuracy": "test_accuracy", "train_loss": "train_loss",
            "train_accuracy": "train_accuracy"}

_Main = Mapping[tuple[tuple[str, ...], int | None], Mapping[str, str]]
"""(folder of a replicate, level) -> files of its main run."""


@dataclass(frozen=True)
class _Place:
    """Where a folder with weights stands: `base` is the folder of its replicate."""

    base: tuple[str, ...]
    experiment: str
    replicate: int | None
    level: int | None
    branch: str


def find(folders: Folders) -> list[Member]:
    """The networks: one a folder that holds weights named by their step."""
    places = {folder: _place(folder) for folder, names in folders.items() if _models(names) or _unfinished(names)}
    main = {(p.base, p.level): folders[folder] for folder, p in places.items() if p.branch == "main"}
    settings = {p.base: folders[folder]["hparams.log"] for folder, p in places.items()
                if "hparams.log" in folders[folder]}
    return [_member(place, folders[folder], main, settings.get(place.base)) for folder, place in places.items()]


def _place(folder: tuple[str, ...]) -> _Place:
    parts = list(folder)
    branch = "main"
    if parts and (parts[-1] == "main" or _BRANCH.fullmatch(parts[-1])):
        name = parts.pop()
        match = _BRANCH.fullmatch(name)
        branch = match["name"] if match else "main"
    level = replicate = None
    if parts and (match := _LEVEL.fullmatch(parts[-1])):
        parts.pop()
        level = PRETRAIN if match[1] == "pretrain" else int(match[1])
    if parts and (match := _REPLICATE.fullmatch(parts[-1])):
        replicate = int(match[1])
    base = tuple(parts)
    above = base[-2:-1] if replicate is not None else base[-1:]
    return _Place(base, above[0] if above else "", replicate, level, branch)


def _models(names: Mapping[str, str]) -> list[tuple[tuple[int, int], str]]:
    """Steps (epoch, iteration in it) and paths, earliest first."""
    found = [((int(match[1]), int(match[2])), path) for name, path in names.items()
             if (match := _MODEL.fullmatch(name))]
    return sorted(found)


def _unfinished(names: Mapping[str, str]) -> bool:
    """Whether a training stopped before its end and left its state, under the names of this program."""
    return {"checkpoint.pth", "logger"} <= names.keys() or {"checkpoint.pth", "mask.pth"} <= names.keys()


def _member(place: _Place, names: Mapping[str, str], main: _Main, settings: str | None) -> Member:
    notes: list[str] = []
    final = _final(names, notes)
    init, rewind = _starts(place, names, main)
    mask = names.get("mask.pth")
    if mask is None and place.branch == "retrain":  # trains the level's own ticket anew and saves no mask
        mask = main.get((place.base, place.level), {}).get("mask.pth")
    if mask is None and place.level not in (None, PRETRAIN):
        notes.append("There is no mask.pth: what is pruned is told by exact zeros.")
    files = present(final=final, rewind=rewind, init=init, mask=mask, history=names.get("logger"),
                    results=names.get("sparsity_report.json"), hyperparameters=settings)
    return Member(place.experiment, place.branch, place.replicate, place.level, files, tuple(notes))


def _final(names: Mapping[str, str], notes: list[str]) -> str | None:
    models = _models(names)
    if len(models) > 1:
        return models[-1][1]
    if "checkpoint.pth" in names:
        notes.append("Its training did not end: the weights are those of checkpoint.pth, in the middle of it.")
        return names["checkpoint.pth"]
    notes.append("Only the weights before its training are there: it was not trained to its end.")
    return None


def _starts(place: _Place, names: Mapping[str, str], main: _Main) -> tuple[str | None, str | None]:
    """The weights as drawn and those of the rewind point: a level's own, else those of level 0 and of pretraining."""
    start = _models(names)[:1]
    if place.branch == "main":
        start = start or _models(main.get((place.base, 0), {}))[:1]
    if start and start[0][0] == _DRAWN:
        return start[0][1], None
    before = _models(main.get((place.base, PRETRAIN), {}))[:1] if place.branch == "main" else []
    init = before[0][1] if before and before[0][0] == _DRAWN else None
    return init, start[0][1] if start else None


def logs(member: Member, text: Callable[[str], str], facts: Mapping[str, object]) -> Logs:
    """Settings of hparams.log, the evaluations of logger (lines "name,iteration,value"; accuracies are fractions)."""
    rows: dict[int, dict[str, float]] = {}
    for line in lines(text("history")):
        name, _, rest = line.partition(",")
        step, _, value = rest.partition(",")
        at, found = number(step), finite(value)
        if name in _COLUMNS and at is not None and found is not None:
            rows.setdefault(int(at), {})[_COLUMNS[name]] = found
    steps = sorted(rows)
    columns = {"step": tuple(float(s) for s in steps)}
    for name in _COLUMNS.values():
        column = tuple(rows[s].get(name, float("nan")) for s in steps)
        if any(value == value for value in column):
            columns[name] = column
    if steps and (per_epoch := _per_epoch(member, steps[-1])):
        columns["epoch"] = tuple(s / per_epoch for s in steps)
    return Logs(_settings(text("hyperparameters")), columns if steps else {}, accuracy_of(columns))


def _per_epoch(member: Member, last: int) -> float | None:
    """Iterations of an epoch, from the last evaluation and the name of the file saved there."""
    match = _MODEL.fullmatch(member.files.get("final", "").replace("\\", "/").split("/")[-1])
    if match is None or int(match[1]) == 0:
        return None
    per_epoch = (last - int(match[2])) / int(match[1])
    return per_epoch if per_epoch > int(match[2]) and per_epoch == int(per_epoch) else None


def _settings(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    section = ""
    for line in lines(text):
        match = _SETTING.fullmatch(line)
        if match is None:
            section = line.strip()
        elif match[1] in found:
            entry(found, f"{section}: {match[1]}", match[2])
        else:
            entry(found, match[1], match[2])
    return found
