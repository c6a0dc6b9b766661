"""A directory of another program, by the names of its files alone: its networks, and the files of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

PRETRAIN = -1
"""Level of the training before the search, from which late rewinding takes its weights."""

WEIGHTS = ("final", "rewind", "init")
"""Roles of files with weights, that of the trained network first."""

ROLES = (*WEIGHTS, "mask", "history", "results", "hyperparameters")
"""What a file of a member can be: weights at the end of its training, at its rewind point, as drawn; the mask beside
them; a log with a row an evaluation; a table of accuracies; the settings."""

Folders = Mapping[tuple[str, ...], Mapping[str, str]]
"""Folder, as its parts -> name of a file in it -> the file's path as the user's folder has it."""


@dataclass(frozen=True)
class Member:
    """One network of a directory.

    Attributes:
        experiment: the name of the folder that holds the search, "" where the user gave a folder inside it.
        branch: "main", or the name of what was trained besides the search.
        replicate: its number, or None where the program keeps none.
        level: pruning level, 0 the dense network; PRETRAIN; or None for a training outside any search.
        files: role (ROLES) -> path of a file, relative to the folder that the user gave.
        notes: sentences about what is missing or stands for something else.
    """

    experiment: str
    branch: str
    replicate: int | None
    level: int | None
    files: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What people call it: "level 3, replicate 1"."""
        level = {None: "network", PRETRAIN: "pretraining"}.get(self.level, f"level {self.level}")
        replicate = "" if self.replicate is None else f", replicate {self.replicate}"
        return f"{level}{replicate}{'' if self.branch == 'main' else f', {self.branch}'}"

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts members: searches before their branches, replicates, levels."""
        none = -2
        return (self.experiment, self.branch != "main", self.branch,
                none if self.replicate is None else self.replicate, none if self.level is None else self.level)


@dataclass(frozen=True)
class Directory:
    """What a directory is.

    Attributes:
        kind: the program that wrote it, as "open_lth".
        members: its networks, in order of experiment, branch, replicate and level.
        notes: sentences about the whole directory.
    """

    kind: str
    members: tuple[Member, ...]
    notes: tuple[str, ...] = field(default=())


def folders(files: Sequence[str], root: str = "") -> dict[tuple[str, ...], dict[str, str]]:
    """Files by their folders; hidden files and what macOS puts into archives are passed over.

    Args:
        files: paths relative to the folder that the user gave.
        root: where that folder lies, as far as known: its last parts name the experiment, replicate and level when
            the user gave a folder deep inside.
    """
    above = _parts(root)
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for path in sorted(files):
        *inside, name = _parts(path) or ("",)
        if name and not any(part.startswith(".") or part == "__MACOSX" for part in (*inside, name)):
            found.setdefault((*above, *inside), {})[name] = path
    return found


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.replace("\\", "/").split("/") if part not in ("", "."))


def present(**files: str | None) -> dict[str, str]:
    """Roles that have a file."""
    return {role: path for role, path in files.items() if path}
