"""Contents: what a file holds, once it has been read: tensors, a few facts beside them, and what was ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

Fact = bool | int | float | str
"""What is kept beside tensors: numbers and short texts."""


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        format: "torch zip", "torch legacy", "safetensors", "npz", "npy", "HDF5" or "lottery lab HDF5".
        tensors: path -> dense contiguous tensor on the CPU. A path joins the keys of nested dicts, lists and modules
            by "/", as in "state_dict/module.conv1.weight" ("conv1.weight" in a flat file).
        parameters: paths of tensors that were saved as nn.Parameter, where the format tells; else empty.
        facts: path -> number or short text that stood beside the tensors, as "epoch": 160 or "args/lr": 0.1.
        ignored: kind of object -> how many were left unread, as "argparse.Namespace": 1; nothing of them was run.
        shared: path -> the path of an earlier tensor that it shares its storage and its values with (tied weights).
        notes: sentences about the reading, for the card.
    """

    format: str
    tensors: Mapping[str, torch.Tensor]
    parameters: frozenset[str] = frozenset()
    facts: Mapping[str, Fact] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    shared: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
