"""Files of torch.save: first looked through as plain data, then torch's restricted loader, then the inert reader.

The pickle is carried out inertly before torch sees the file, so that what is never read (dangerous names, quantised,
sparse and meta tensors, sizes that the file does not hold) is refused in words and before torch allocates for
it. torch.load(weights_only=True) follows for files that hold its plain vocabulary; it still
would make a bytearray of any length, or hash a key without end, so that other files go to the inert reader at once.
"""

from __future__ import annotations

import pickle
import warnings
from typing import Any, BinaryIO

import torch

from lth_engine.core.errors import FileUnreadable
from lth_engine.importing import sound, words
from lth_engine.importing.contents import Contents
from lth_engine.importing.inert import Machine
from lth_engine.importing.pickled import Call, Pairs
from lth_engine.importing.revive import Reviver, check_call, storage_of
from lth_engine.importing.torch_zip import Archive
from lth_engine.importing.tree import Flat, Walk, pairs_of

_PLAIN = {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
          "torch._utils._rebuild_parameter", "torch.Size", "torch.device", "builtins.complex"}


def read_zip(file: BinaryIO, file_bytes: int) -> Contents:
    """The contents of a file of torch.save, 1.6 and later. Raises FileRefused, FileUnreadable."""
    archive = Archive(file, file_bytes)
    machine = Machine(archive.pickle())
    root = machine.load()
    for call in machine.calls:
        check_call(call)
    for key, count, dtype in storages(machine):
        if count * dtype.itemsize != archive.record_bytes(key):
            held = archive.record_bytes(key) // dtype.itemsize
            if count * dtype.itemsize > file_bytes:
                raise sound.bomb(file_bytes, count * dtype.itemsize, sound.values_over("storage", key, count, held))
            raise FileUnreadable("The file is damaged: a tensor's values are not as many as it says. Copy it again.")
    flat = by_torch(file) if machine.persistent and is_plain(machine) else None
    if flat is None:
        flat = Walk(Reviver(_once(archive))).run(root)
    return sound.contents("torch zip", flat.tensors, file_bytes, parameters=flat.parameters, facts=flat.facts,
                          ignored=flat.ignored, notes=notes(flat))


def storages(machine: Machine) -> list[tuple[str, int, torch.dtype]]:
    """Key, number of values and type of every storage that a pickle names, each once. Raises as storage_of."""
    found = {}
    for reference in machine.persistent:
        key, dtype, count = storage_of(reference)
        found[key, count, dtype] = None
    return list(found)


def is_plain(machine: Machine) -> bool:
    """Whether a pickle holds only what torch.load(weights_only=True) makes without allocating for a lie."""
    return not machine.odd_keys and all(is_plain_call(call) for call in machine.calls)


def is_plain_call(call: Call) -> bool:
    """Whether a call is one that torch.load(weights_only=True) carries out, and a cheap one."""
    if call.full not in ("collections.OrderedDict", "collections.Counter"):
        changed = call.state is not None or call.items or call.pairs  # torch hands a state to Tensor.set_
        return call.full in _PLAIN and not changed
    if not call.args:
        return True
    filled = call.args[0]
    return len(call.args) == 1 and isinstance(filled, Pairs | list) and all(
        isinstance(key, str) for key, _ in pairs_of(filled))


def notes(flat: Flat) -> list[str]:
    """What the card says of objects that were ignored, and of the walk."""
    if not flat.ignored:
        return flat.notes
    kinds = words.some([kind for kind in flat.ignored if not kind.startswith("torch.nn.")]
                       or ["a whole torch.nn.Module"])
    return [f"This file holds Python objects besides tensors ({kinds}). I read the "
            f"{words.counted(len(flat.tensors), 'tensor')} and ignored the rest; nothing in the file was run.",
            *flat.notes]


def loaded(file: BinaryIO) -> Any:
    """torch.load, restricted. Raises pickle.UnpicklingError as it does; FileUnreadable for what else it raises."""
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    except (MemoryError, pickle.UnpicklingError):
        raise
    except Exception as error:
        if "allocate" in str(error) or "not enough memory" in str(error):
            raise MemoryError from error
        raise FileUnreadable("The file is damaged: PyTorch cannot read its tensors. Copy or save it again.") from error


def by_torch(file: BinaryIO) -> Flat | None:
    """What torch makes of a file, None if it refuses it."""
    try:
        root = loaded(file)
    except pickle.UnpicklingError:
        return None
    return Walk(lambda call: None).run(root)


def _once(archive: Archive) -> Any:
    held: dict[str, torch.UntypedStorage] = {}

    def storage(key: str) -> torch.UntypedStorage:
        if key not in held:
            held[key] = archive.storage(key)
        return held[key]
    return storage
