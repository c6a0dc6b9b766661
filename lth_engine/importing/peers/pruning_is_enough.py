"""pruning_is_enough: IMP rounds (round_I_model.pth, round_I_finish_model.pth, round_I_mask.npy) and the checkpoints of
Gem-Miner and edge-popup (hc_ckpt_at_sparsity_S.pt, with NAME.flag and NAME.scores inside).

Facts about the format: pruning_is_enough, imp_main.py. A mask is a pickled mapping inside the .npy; it is read without
running anything, and if that fails, exact zeros tell what is pruned: IMP sets them after every step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lth_engine.importing.peers.directory import Folders, Member, present
from lth_engine.importing.peers.logs import Logs, accuracy_of, fractions
from lth_engine.importing.peers.plain_text import table

KIND = "pruning_is_enough"
LOOKED_FOR = "round_0_model.pth or hc_ckpt_at_sparsity_50.pt (pruning_is_enough)"

_ROUND = re.compile(r"round_(\d{1,6})_(finish_)?model\.pth")
_LEARNED = re.compile(r"hc_ckpt_at_sparsity_(\d{1,3})\.pt")
_LOG = re.compile(r"LTH_\w+\.csv")
_CHECKPOINTS = re.compile(r"ckpts_(.+)")


def find(folders: Folders) -> list[Member]:
    """The networks: one a round of IMP, one a density of a learned mask."""
    found = []
    for folder, names in folders.items():
        rounds = sorted({int(match[1]) for name in names if (match := _ROUND.fullmatch(name))})
        found += [_round(folder, names, number) for number in rounds]
        learned = sorted((int(match[1]) for name in names if (match := _LEARNED.fullmatch(name))), reverse=True)
        found += [_mask(folder, names, level, percent, folders) for level, percent in enumerate(learned)]
    return found


def _round(folder: tuple[str, ...], names: Mapping[str, str], number: int) -> Member:
    start, final = names.get(f"round_{number}_model.pth"), names.get(f"round_{number}_finish_model.pth")
    drawn = names.get("round_0_model.pth")
    rewind = start if number else None
    if number and rewind is None:
        rewind = names.get("Liu_checkpoint_model_correct.pth")
    notes = [] if final else ["There is no finished model: the round was not trained to its end."]
    mask = names.get(f"round_{number}_mask.npy")
    if number and mask is None:
        notes.append("Its mask is missing: what is pruned is told by exact zeros.")
    log = next((path for name, path in names.items() if _LOG.fullmatch(name)), None)
    files = present(final=final, rewind=rewind, init=drawn, mask=mask, history=log)
    return Member(folder[-1] if folder else "", "main", None, number, files, tuple(notes))


def _mask(folder: tuple[str, ...], names: Mapping[str, str], level: int, percent: int, folders: Folders) -> Member:
    match = _CHECKPOINTS.fullmatch(folder[-1]) if folder else None
    base = folder[:-2] if match and folder[-2:-1] == ("model_checkpoints",) else folder[:-1]
    branch = match[1] if match else "main"
    results = folders.get((*base, f"results_{branch}"), {}).get("acc_and_sparsity.csv") if match else None
    files = present(final=names[f"hc_ckpt_at_sparsity_{percent}.pt"], results=results)
    return Member(base[-1] if base else "", branch, None, level, files,
                  (f"Saved when about {percent}% of the weights were kept; levels count such files, densest first.",))


def is_learned(member: Member) -> bool:
    """Whether a network holds a learned mask in flags and scores, rather than being a round of IMP."""
    return _LEARNED.fullmatch(member.files.get("final", "").replace("\\", "/").rpartition("/")[2]) is not None


def logs(member: Member, text: Callable[[str], str], facts: Mapping[str, object]) -> Logs:
    """Accuracies in percent: a row an epoch, of all rounds one after another."""
    if "history" in member.files:
        return _of_round(member, table(text("history")))
    rows = table(text("results"))
    name = re.search(r"_(\d+)\.pt$", member.files.get("final", ""))
    kept = [a for s, a in zip(rows.get("model_sparsity", ()), rows.get("test_acc", ()), strict=False)
            if name and abs(s - int(name[1])) <= 1]
    return Logs(accuracy=accuracy_of({"test_accuracy": fractions(kept)}))


def _of_round(member: Member, rows: Mapping[str, tuple[float, ...]]) -> Logs:
    """The rows of one round: `nact` and `before` stay the same within it."""
    marks = list(zip(rows.get("nact", ()), rows.get("before", ()), strict=False))
    starts = [i for i, mark in enumerate(marks) if i == 0 or mark != marks[i - 1]]
    level = member.level
    if level is None or level >= len(starts) or "test" not in rows:
        return Logs()
    end = starts[level + 1] if level + 1 < len(starts) else len(marks)
    accuracies = fractions(rows["test"][starts[level]:end])
    history = {"epoch": tuple(float(e + 1) for e in range(len(accuracies))), "test_accuracy": accuracies}
    return Logs({}, history, accuracy_of(history) if "final" in member.files else None)
