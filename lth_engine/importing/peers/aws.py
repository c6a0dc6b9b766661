"""AWS (Find a Winning Sign): checkpoint_iterT.pth.tar a pruning iteration, checkpoint.pth.tar of the last training.

Each is {'epoch', 'state_dict' with NAME.fixed_m beside NAME.weight, 'acc', 'optimizer'}; log.txt has a row an epoch,
of all iterations one after another. Facts about the format: AWS, train.py; some versions write
checkpoint_prDENSITY_iterT.pth.tar.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lth_engine.importing.peers.directory import Folders, Member, present
from lth_engine.importing.peers.logs import Logs, columns
from lth_engine.importing.peers.plain_text import table

KIND = "AWS"
LOOKED_FOR = "checkpoint_iter0.pth.tar or checkpoint.pth.tar (AWS)"

_ITERATION = re.compile(r"checkpoint(?:_pr.{1,60})?_iter(\d{1,6})\.pth\.tar")
_LAST = "checkpoint.pth.tar"
_SEED = re.compile(r"_seed(\d{1,9})")
_TRANSFER = re.compile(r"(?P<from>.*?)_pretrained(?P<level>\d{1,6})_(lrr|aws)_(?P<what>\w+)")
_COLUMNS = {"Train Loss": "train_loss", "Valid Loss": "test_loss", "Train Acc.": "train_accuracy",
            "Valid Acc.": "test_accuracy"}
_SAME_PERCENT = 1e-5
"""How far an accuracy in a checkpoint may lie from its row: a row has six digits after the point."""


def find(folders: Folders) -> list[Member]:
    """The networks: one a pruning iteration, one a training of a solution, signed mask or mask."""
    found = []
    for folder, names in folders.items():
        levels = _iterations(names)
        found += [_searched(folder, names, levels, level) for level in levels]
        if _LAST in names:
            found.append(_trained(folder, names, levels, folders))
    return found


def _iterations(names: Mapping[str, str]) -> dict[int, str]:
    """Iteration -> path, in order."""
    found = {int(match[1]): path for name, path in names.items() if (match := _ITERATION.fullmatch(name))}
    return dict(sorted(found.items()))


def _who(name: str) -> tuple[str, int | None]:
    """The name of an experiment without its seed, and the seed, which tells replicates apart."""
    match = _SEED.search(name)
    return (name[:match.start()] + name[match.end():], int(match[1])) if match else (name, None)


def _searched(folder: tuple[str, ...], names: Mapping[str, str], levels: Mapping[int, str], level: int) -> Member:
    experiment, seed = _who(folder[-1] if folder else "")
    before = levels.get(level - 1)  # learning-rate rewinding: an iteration goes on from the weights before it
    notes = ("The checkpoint of the iteration before it is missing: its training started from that one.",) \
        if level and before is None else ()
    files = present(final=levels[level], rewind=before, history=names.get("log.txt"))
    return Member(experiment, "main", seed, level, files, notes)


def _trained(folder: tuple[str, ...], names: Mapping[str, str], levels: Mapping[int, str], folders: Folders) -> Member:
    name = folder[-1] if folder else ""
    match = _TRANSFER.fullmatch(name)
    files = {"final": names[_LAST], "history": names.get("log.txt")}
    if match is None:
        experiment, seed = _who(name)
        level = max(levels, default=None)
        return Member(experiment, "main" if level is None else "last training", seed, level,
                      present(rewind=levels.get(-1 if level is None else level), **files))
    experiment, seed = _who(match["from"])
    level = int(match["level"])
    beside = _iterations(folders.get((*folder[:-1], match["from"]), {})).get(level)
    drawn = match["what"] in ("signtransfer", "masktransfer")
    notes = ("The weights that it started from are not saved by AWS.",) if drawn else ()
    return Member(experiment, match["what"], seed, level, present(rewind=None if drawn else beside, **files), notes)


def logs(member: Member, text: Callable[[str], str], facts: Mapping[str, object]) -> Logs:
    """Accuracy of the checkpoint itself (percent), and the rows of log.txt that lead to it, one an epoch."""
    found, epochs = facts.get("acc"), facts.get("epoch")
    percent = float(found) if isinstance(found, (int, float)) and 0 <= found <= 100 else None
    rows = table(text("history"), "\t")
    accuracies = rows.get("Valid Acc.", ())
    ends = [i for i, value in enumerate(accuracies) if percent is not None and abs(value - percent) <= _SAME_PERCENT]
    count = epochs if isinstance(epochs, int) and not isinstance(epochs, bool) else 0
    fit = [i for i in ends if 0 < count <= i + 1]
    accuracy = None if percent is None else percent / 100
    if not fit:
        return Logs({}, {}, accuracy, ("The rows of log.txt that belong to it were not found.",) if rows else ())
    end = fit[-1] + 1
    part = {name: column[end - count:end] for name, column in rows.items()}
    return Logs({}, {"epoch": tuple(float(e + 1) for e in range(count)), **columns(part, _COLUMNS)}, accuracy)
