"""Which of the dictionaries nested in a file hold networks, and which of these is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

_WRAPPERS = frozenset((
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "params", "parameters", "weights",
    "state", "module", "net_state_dict", "weight", "arrays", "tensors", "ema", "state_dict_ema", "ema_state_dict",
    "model_ema", "module_ema", "averaged_model", "swa_model"))
"""Keys that hold one network."""

_NO_NETWORK = re.compile(r"(.*_)?(optim|optimi[sz]ers?|opt|schedulers?|scaler|amp|rng|random|callbacks|loops|args|"
                         r"config|hparams|hyper_parameters|history|metrics|grads?|masks?)([_-].*)?", re.IGNORECASE)
"""Keys that hold something else."""

_AVERAGE = re.compile(r"(^|[._])(ema|swa|averaged?|teacher|shadow)($|[._])", re.IGNORECASE)
"""Names of moving averages."""

_START = re.compile(r"(^|[._])(init|initial|start|rewind|rewound|untrained)($|[._])", re.IGNORECASE)
"""Names of weights before training, where a file holds both."""

_MODULE_DICTS = frozenset(("_modules", "_parameters", "_buffers"))
"""Dictionaries inside a pickled module; no part of any name."""


@dataclass(frozen=True)
class Group:
    """Tensors under one key.

    Attributes:
        key: what the group is called; "" for the tensors at the top of the file.
        paths: name -> path in the file.
        values: numbers in all of them.
        wrappers: the keys passed on the way, outermost first.
    """

    key: str
    paths: Mapping[str, str]
    values: int
    wrappers: tuple[str, ...] = ()

    @property
    def network(self) -> bool:
        """Whether its key may hold a network."""
        return not _NO_NETWORK.fullmatch(self.key)

    @property
    def average(self) -> bool:
        """Whether its key says a moving average."""
        return bool(_AVERAGE.search(self.key))

    @property
    def start(self) -> bool:
        """Whether its key says weights before training."""
        return bool(_START.search(self.key))


def chosen(tensors: Mapping[str, torch.Tensor]) -> tuple[Group, list[Group]]:
    """The network that is meant, and all other groups: no average if there is another, then the largest, then, of
    several of one size, no start."""
    group = Group("", {path: path for path in tensors}, _values(tensors, tensors))
    others: list[Group] = []
    while (parts := _split(group, tensors)) is not None:
        ranked = sorted(parts, key=lambda g: (g.network, not g.average, g.values, not g.start), reverse=True)
        group = ranked[0]
        others += ranked[1:]
    return _joined(group), others


def told(group: Group) -> str:
    """A group that was not taken, in words."""
    count = f"{len(group.paths)} tensor{'' if len(group.paths) == 1 else 's'}"
    if not group.key:
        return f"{count} beside the networks"
    if re.match(r"(.*_)?(optim|opt)", group.key, re.IGNORECASE):
        return f"optimizer state ({count})"
    if group.average:
        return f"a moving average of the weights, `{group.key}` ({count})"
    if group.network and len(group.paths) > 1:
        return f"another network, `{group.key}` ({count})"
    return f"`{group.key}` ({count})"


def _values(tensors: Mapping[str, torch.Tensor], paths: Iterable[str]) -> int:
    return sum(tensors[path].numel() for path in paths)


def _split(group: Group, tensors: Mapping[str, torch.Tensor]) -> list[Group] | None:
    """The groups that its names' first keys make, or None: the names are those of one network."""
    heads: dict[str, dict[str, str]] = {}
    for name, path in group.paths.items():
        head, slash, rest = name.partition("/")
        heads.setdefault(head if slash else "", {})[rest if slash else name] = path
    if set(heads) <= {""} or _one_tree(heads):
        return None
    return [Group(head, paths, _values(tensors, paths.values()), (*group.wrappers, head) if head else group.wrappers)
            for head, paths in heads.items()]


def _one_tree(heads: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether the keys are layers of one network, as in HDF5 groups or a pickled module, rather than containers."""
    if any(head in _WRAPPERS or (head and _NO_NETWORK.fullmatch(head)) for head in heads):
        return False
    return not any("." in part for names in heads.values() for name in names for part in name.split("/"))


def _joined(group: Group) -> Group:
    """The group with names of nested layers written with dots."""
    paths: dict[str, str] = {}
    for name, path in group.paths.items():
        dotted = ".".join(part for part in name.split("/") if part not in _MODULE_DICTS)
        paths[name if dotted in paths else dotted] = path
    return Group(group.key, paths, group.values, group.wrappers)
