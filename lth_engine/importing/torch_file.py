"""Files of torch.save: first looked through as plain data, then torch's restricted loader, then the inert reader.

The pickle is carried out inertly before torch sees the file, so that what is never read (dangerous names, quantised,
sparse and meta tensors, sizes that the file does not hold) is refused in words and before torch allocates for
it. torch.load(weights_only=True) follows for files that hold its plain vocabulary; it still
would make a bytearray of any length, or hash a key without end, so that other files go to the inert reader at once.
"""

from __future__ import annotations

import io
import pickle
import warnings
from typing import Any, BinaryIO

import torch

from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.importing import sound, words
from lth_engine.importing.contents import Contents
from lth_engine.importing.inert import Machine
from lth_engine.importing.pickled import Call, Pairs
from lth_engine.importing.revive import Reviver, check_call, storage_of
from lth_engine.importing.torch_zip import Archive
from lth_engine.importing.tree import Flat, Walk

_PLAIN = {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
          "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
          "torch._tensor._rebuild_from_type_v2", "torch.Size", "torch.device", "builtins.complex"}


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
    flat = _by_torch(file) if is_plain(machine) else None
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
    def plain(call: Call) -> bool:
        empty_or_dict = len(call.args) == 0 or (len(call.args) == 1 and isinstance(call.args[0], Pairs | list))
        return call.full in _PLAIN or (
            call.full in ("collections.OrderedDict", "collections.Counter") and empty_or_dict)
    return not machine.odd_keys and all(plain(call) for call in machine.calls)


def notes(flat: Flat) -> list[str]:
    """What the card says of objects that were ignored, and of the walk."""
    if not flat.ignored:
        return flat.notes
    kinds = words.some([kind for kind in flat.ignored if not kind.startswith("torch.nn.")]
                       or ["a whole torch.nn.Module"])
    return [f"This file holds Python objects besides tensors ({kinds}). I read the "
            f"{words.counted(len(flat.tensors), 'tensor')} and ignored the rest; nothing in the file was run.", *flat.notes]


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


def _by_torch(file: BinaryIO) -> Flat | None:
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


def read_pickle(file: BinaryIO, file_bytes: int) -> Contents:
    """The arrays of a bare pickle, by the inert reader alone. Raises FileRefused, FileUnreadable."""
    machine = Machine(file.read())
    root = machine.load()
    for call in machine.calls:
        check_call(call)
    flat = Walk(Reviver(_no_storage)).run(root, "array")
    return sound.contents("pickle", flat.tensors, file_bytes, facts=flat.facts, ignored=flat.ignored, notes=notes(flat))


def _no_storage(key: str) -> torch.UntypedStorage:
    raise FileUnreadable("The file is damaged: the values of a tensor are missing. Copy it again.")


LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
"""First number of a file of torch.save before 1.6."""


def read_legacy(file: BinaryIO, file_bytes: int) -> Contents:
    """The contents of a file of torch.save before 1.6, through torch's restricted loader alone.

    The file is five pickles (magic number, protocol, machine, object, keys of the storages), then for each key the
    number of values and the values.

    Raises:
        FileRefused: also if it holds objects besides tensors.
        FileUnreadable: damaged.
    """
    data = file.read()
    machine, keys, end = _pickles(data)
    for call in machine.calls:
        check_call(call)
    sizes = {key: count * dtype.itemsize for key, count, dtype in storages(machine)}
    wanted = end + sum(8 + sizes.get(str(key), 0) for key in keys)
    if sum(sizes.values()) > sound.CAP_BYTES:
        key, count, dtype = max(storages(machine), key=lambda one: one[1])
        held = max(0, file_bytes - end) // dtype.itemsize
        raise sound.bomb(file_bytes, sum(sizes.values()), sound.values_over("storage", key, count, held))
    if wanted > file_bytes:
        raise FileUnreadable(words.early(file_bytes, wanted))
    flat = _by_torch(io.BytesIO(data)) if is_plain(machine) else None
    if flat is None:
        kinds = words.some(sorted({c.full for c in machine.calls if not c.full.startswith("torch._utils.")} - {""}))
        raise FileRefused(f"Refused: this file of PyTorch before 1.6 holds Python objects besides tensors ({kinds}); nothing "
                          "in it was run. Save `model.state_dict()` with a later PyTorch and upload that.")
    return sound.contents("torch legacy", flat.tensors, file_bytes, parameters=flat.parameters, facts=flat.facts,
                          notes=notes(flat))


def _pickles(data: bytes) -> tuple[Machine, list[Any], int]:
    """The object's pickle, the keys of the storages, and where their values begin."""
    at, machines, values = 0, [], []
    for _ in range(5):
        machines.append(Machine(data, at))
        values.append(machines[-1].load())
        at = machines[-1].at
        if len(values) == 1 and values[0] != LEGACY_MAGIC:
            raise FileUnreadable("This is no file of torch.save. Save `model.state_dict()` with torch.save.")
    keys = values[4]
    if not isinstance(keys, list) or not all(isinstance(key, str | int) for key in keys):
        raise FileUnreadable("The file is damaged: the list of its storages is missing. Copy it again.")
    return machines[3], keys, at
