"""TurboPrune: checkpoints/model_level_L.pt with buffers NAME.mask, model_init.pt, model_rewind.pt; CSV, YAML beside.

Facts about the format: TurboPrune, utils/harness_utils.py, standard_pruning_harness.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lth_engine.importing.peers.directory import Folders, Member, present
from lth_engine.importing.peers.logs import Logs, accuracy_of, columns
from lth_engine.importing.peers.plain_text import table, yaml_settings

KIND = "TurboPrune"
LOOKED_FOR = "checkpoints/model_level_0.pt (TurboPrune)"

_MODEL = re.compile(r"model_level_(\d{1,6})\.pt")
_SEED = re.compile(r"_seed_(\d{1,9})(?=_|$)")
_TRAINING = re.compile(r"_trainingtype_(\w+?)_prunemethod_")
_COLUMNS = {"epoch": "epoch", "train_loss": "train_loss", "test_loss": "test_loss", "train_acc": "train_accuracy",
            "test_acc": "test_accuracy"}


def find(folders: Folders) -> list[Member]:
    """The networks: one a level."""
    found = []
    for folder, names in folders.items():
        levels = {int(match[1]): path for name, path in names.items() if (match := _MODEL.fullmatch(name))}
        base = folder[:-1] if folder[-1:] == ("checkpoints",) else folder
        found += [_member(base, names, levels, level, folders) for level in sorted(levels)]
    return found


def _member(base: tuple[str, ...], names: Mapping[str, str], levels: Mapping[int, str], level: int,
            folders: Folders) -> Member:
    experiment, beside = base[-1] if base else "", folders.get(base, {})
    summary = next((name for name in beside if name.endswith("_summary.csv")), "")
    seed = _SEED.search(experiment) or _SEED.search(summary)
    training = _TRAINING.search(experiment) or _TRAINING.search(summary)
    way = training[1] if training else ""
    init, rewind = names.get("model_init.pt"), names.get("model_rewind.pt")
    if way == "lrr":  # a level goes on from the weights of the one before
        rewind = levels.get(level - 1)
    elif way and way != "wr":
        rewind = None
    metrics = folders.get((*base, "metrics", "level_wise_metrics"), {}).get(f"level_{level}_metrics.csv")
    files = present(final=levels[level], rewind=rewind, init=init, history=metrics, results=beside.get(summary),
                    hyperparameters=beside.get("expt_config.yaml"))
    missing = [] if init or rewind else ["Neither model_init.pt nor model_rewind.pt is there."]
    return Member(experiment, "main", int(seed[1]) if seed else None, level, files, tuple(missing))


def logs(member: Member, text: Callable[[str], str], facts: Mapping[str, object]) -> Logs:
    """Settings, the level's CSV with a row an epoch, its accuracy of the summary (percent)."""
    history = columns(table(text("history")), _COLUMNS)
    summary = table(text("results"))
    last = {"test_accuracy": columns({"a": [
        value for level, value in zip(summary.get("Level", ()), summary.get("Last_Test_Acc", ()), strict=False)
        if level == member.level]}, {"a": "test_accuracy"})["test_accuracy"]}
    accuracy = accuracy_of(last)
    return Logs(yaml_settings(text("hyperparameters")), history,
                accuracy_of(history) if accuracy is None else accuracy)
