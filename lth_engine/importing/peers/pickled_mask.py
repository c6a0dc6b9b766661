"""Masks inside a .npy of Python objects: the pickled mapping of pruning_is_enough, read without running anything.

numpy writes an array of objects as a pickle behind its header; the mapping in it (imp_mask.Mask) holds tensors, and
each keeps its values in the bytes of an old torch file of its own: five pickles, the number of values, the values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.importing.contents import Contents
from lth_engine.importing.inert import Machine
from lth_engine.importing.pickled import Call, Pairs, Persistent
from lth_engine.importing.revive import Reviver, storage_of
from lth_engine.importing.sound import LONGEST_NAME, MOST_TENSORS

MAGIC = b"\x93NUMPY"

_OBJECTS = b"'|O'"
_BYTES_OF_A_FILE = "torch.storage._load_from_bytes"
_PICKLES = 5
_COUNT_BYTES = 8


def read_masks(path: Path) -> Contents:
    """The masks by the names of their weights.

    Raises:
        FileRefused: it asks for something that is never done.
        FileUnreadable: it is no such file, or damaged.
    """
    data = path.read_bytes()
    machine = Machine(data, _header(data))
    mapping = _only(machine.load())
    found: dict[str, torch.Tensor] = {}
    for name, value in mapping.pairs:
        tensor = _tensor(value) if isinstance(value, Call) else None
        if tensor is not None and isinstance(name, str) and len(name) <= LONGEST_NAME and name.isprintable():
            found[name] = tensor
        if len(found) > MOST_TENSORS:
            raise FileRefused(f"Refused: the mask file holds more than {MOST_TENSORS:,} tensors.")
    if not found:
        raise FileUnreadable("The file is a pickled array without any mask in it.")
    kind = mapping.full if isinstance(mapping, Call) else ""
    return Contents("npy", found, ignored={kind: 1} if kind else {})


def is_pickled(path: Path) -> bool:
    """Whether a file begins like an array of Python objects."""
    with path.open("rb") as file:
        head = file.read(256)
    return head.startswith(MAGIC) and _OBJECTS in head


def _header(data: bytes) -> int:
    """Where the pickle begins, behind the header of an array of objects."""
    wide = 2 if data[6:7] == b"\x01" else 4
    end = 8 + wide + int.from_bytes(data[8:8 + wide], "little")
    if not data.startswith(MAGIC) or _OBJECTS not in data[:min(end, len(data))] or end >= len(data):
        raise FileUnreadable("The file is no NumPy array of Python objects, as masks of pruning_is_enough are.")
    return end


def _only(array: Any) -> Pairs | Call:
    """The one object of the array."""
    values = array.state[-1] if isinstance(array, Call) and isinstance(array.state, tuple) and array.state else None
    if isinstance(values, list) and len(values) == 1 and isinstance(values[0], Pairs | Call):
        return values[0]
    raise FileUnreadable("The file is a pickled array, but not of one mapping from names to masks.")


def _tensor(call: Call) -> torch.Tensor | None:
    """A tensor with the bytes beside it put in place, or an array; None for anything else."""
    try:
        held = call.args[0] if call.args else None
        if not (isinstance(held, Call) and held.full == _BYTES_OF_A_FILE):
            revived = Reviver(_nothing)(call)
        else:
            storage, data = _storage(held.args[0])
            values = torch.from_numpy(np.frombuffer(data, dtype=np.uint8).copy()).untyped_storage()
            revived = Reviver(lambda key: values)(Call(call.callee, (storage, *call.args[1:])))
    except (TypeError, ValueError, IndexError) as error:
        raise FileUnreadable("The file is damaged: a mask is described wrongly.") from error
    return revived.contiguous() if isinstance(revived, torch.Tensor) else None


def _nothing(key: str) -> torch.UntypedStorage:
    raise FileUnreadable("The file is damaged: a mask has no values.")


def _storage(data: Any) -> tuple[Persistent, bytes]:
    """What an old torch file with one storage says of it, and its values."""
    if not isinstance(data, bytes):
        raise FileUnreadable("The file is damaged: a mask has no values.")
    machine = Machine(data)
    said = [machine.load() for _ in range(_PICKLES)][3]
    _, dtype, count = storage_of(said)
    begin = machine.at + _COUNT_BYTES
    values = data[begin:begin + count * dtype.itemsize]
    if int.from_bytes(data[machine.at:begin], "little") != count or len(values) != count * dtype.itemsize:
        raise FileUnreadable("The file is damaged: a mask stops early.")
    return said, values
