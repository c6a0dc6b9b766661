"""Files of torch.save before 1.6: five pickles, then the values; read by torch's restricted loader alone."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.importing import sound, words
from lth_engine.importing.contents import Contents
from lth_engine.importing.inert import Machine
from lth_engine.importing.pickled import Global
from lth_engine.importing.revive import check_call
from lth_engine.importing.torch_file import by_torch, is_plain, is_plain_call, notes, storages
from lth_engine.importing.tree import kind_of

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
    machine, _, keys, end = pickles(data)
    for call in machine.calls:
        check_call(call)
    if modules := _modules(machine):
        raise FileRefused(f"Refused: this file of PyTorch before 1.6 is a whole model ({words.some(modules)}), whose "
                          "program would have to be run to read it; nothing in it was run. Save `model.state_dict()` "
                          "and upload that.")
    sizes = {key: count * dtype.itemsize for key, count, dtype in storages(machine)}
    wanted = end + sum(8 + sizes.get(str(key), 0) for key in keys)
    if sum(sizes.values()) > sound.CAP_BYTES:
        key, count, dtype = max(storages(machine), key=lambda one: one[1])
        held = max(0, file_bytes - end) // dtype.itemsize
        raise sound.bomb(file_bytes, sum(sizes.values()), sound.values_over("storage", key, count, held))
    if wanted > file_bytes:
        raise FileUnreadable(words.early(file_bytes, wanted))
    flat = by_torch(io.BytesIO(data)) if is_plain(machine) else None
    if flat is None:
        kinds = words.some(sorted({kind_of(call) for call in machine.calls if not is_plain_call(call)}) or ["others"])
        raise FileRefused(f"Refused: this file of PyTorch before 1.6 holds Python objects besides tensors ({kinds}); "
                          "nothing in it was run. Save `model.state_dict()` with a later PyTorch and upload that.")
    return sound.contents("torch legacy", flat.tensors, file_bytes, parameters=flat.parameters, facts=flat.facts,
                          notes=notes(flat))


def _modules(machine: Machine) -> list[str]:
    """Classes of modules that a file names beside its storages, as only whole models do."""
    found = {pid[1].full if isinstance(pid[1], Global) else "a module": None
             for pid in (reference.pid for reference in machine.persistent)
             if isinstance(pid, tuple) and len(pid) > 1 and pid[0] == "module"}
    return ["".join(c if c.isprintable() else "?" for c in name[:80]) for name in found]


def pickles(data: bytes) -> tuple[Machine, Any, list[Any], int]:
    """The object's pickle and what it says, the keys of the storages, and where their values begin."""
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
    return machines[3], values[3], keys, at
