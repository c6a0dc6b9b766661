"""Prefixes that wrappers put before every name, taken off where all names share them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch

_KNOWN = frozenset((
    "module", "model", "net", "network", "backbone", "encoder", "base_model", "inner_model", "_model", "_module",
    "ema", "ema_model", "model_ema", "averaged_model", "student", "online", "learner", "module_ema"))
"""Attributes in which wrappers keep the network."""

_AVERAGES = frozenset(("ema", "ema_model", "model_ema", "module_ema", "averaged_model", "teacher", "swa_model"))
"""Those of moving averages."""

_ANYWHERE = re.compile(r"(?:^|(?<=\.))(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""torch.compile, FSDP and activation checkpointing put these into the middle of names too; nobody else does."""

_OWN_OF_WRAPPERS = re.compile(r"n_averaged|mask_.+|(?:criterion|loss|loss_fn|metrics?|\w*acc(?:uracy)?)(?:\..*)?")
"""Tensors that a wrapper holds itself, beside the network."""


@dataclass(frozen=True)
class Stripped:
    """Names without prefixes.

    Attributes:
        names: name before -> name after; what is not of the network is left out, but for its masks.
        taken: the prefixes, outermost first, as "module.".
        beside: what was left out, in words.
    """

    names: Mapping[str, str]
    taken: tuple[str, ...]
    beside: tuple[str, ...]


def stripped(tensors: Mapping[str, torch.Tensor]) -> Stripped:
    """Take prefixes off until some name does not share them; a layer that is truly named "module" stays."""
    names = {name: _ANYWHERE.sub("", name) for name in tensors}
    taken = [word for word in ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")
             if any(re.search(rf"(^|\.){word}", name) for name in tensors)]
    if len(set(names.values())) < len(names):
        names, taken = {name: name for name in tensors}, []
    beside: list[str] = []
    while (head := _shared(names.values())) is not None:
        prefix = f"{head}."
        taken.append(prefix)
        names = {a: b.removeprefix(prefix) for a, b in names.items()}
    while (head := _largest(names, tensors)) is not None:
        dropped = [a for a, b in names.items() if not b.startswith(f"{head}.") and not b.startswith("mask_")]
        beside += _told(dropped, names)
        taken.append(f"{head}.")
        names = {a: b.removeprefix(f"{head}.") for a, b in names.items() if a not in dropped}
    return Stripped(names, tuple(taken), tuple(beside))


def _shared(names: Collection[str]) -> str | None:
    """The known first part that all names share, if what remains still names layers."""
    heads = {name.partition(".")[0] for name in names}
    if len(heads) != 1 or (head := next(iter(heads))) not in _KNOWN:
        return None
    return head if any("." in name.partition(".")[2] for name in names) else None


def _largest(names: Mapping[str, str], tensors: Mapping[str, torch.Tensor]) -> str | None:
    """The known first part of the largest network, where all else is another one or a wrapper's own tensor."""
    sizes: dict[str, int] = {}
    for before, name in names.items():
        if not _OWN_OF_WRAPPERS.fullmatch(name):
            head = name.partition(".")[0] if "." in name else ""
            sizes[head] = sizes.get(head, 0) + tensors[before].numel()
    if not sizes or not set(sizes) <= _KNOWN | _AVERAGES:
        return None
    if len(sizes) > 1 and not set(sizes) & _AVERAGES:
        return None
    best = max(sizes, key=lambda head: (head not in _AVERAGES, sizes[head]))
    inside = [name.removeprefix(f"{best}.") for name in names.values() if name.startswith(f"{best}.")]
    return best if any("." in name for name in inside) else None


def _told(dropped: Collection[str], names: Mapping[str, str]) -> list[str]:
    """What a wrapper holds beside the network."""
    averages = [a for a in dropped if names[a].partition(".")[0] in _AVERAGES]
    rest = len(dropped) - len(averages)
    words = [f"a moving average of the weights ({len(averages)} tensors)"] if averages else []
    return words + ([f"{rest} tensor{'' if rest == 1 else 's'} of the wrapper"] if rest else [])
