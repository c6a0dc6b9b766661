"""Bare pickles: the arrays in them by the inert reader, and tensors, which a bare pickle holds as small old files."""

from __future__ import annotations

from typing import Any, BinaryIO

import torch

from lth_engine.core.errors import FileUnreadable
from lth_engine.importing import sound
from lth_engine.importing.contents import Contents
from lth_engine.importing.inert import Machine
from lth_engine.importing.pickled import Persistent
from lth_engine.importing.revive import EMBEDDED, Reviver, check_call, storage_of
from lth_engine.importing.torch_file import notes
from lth_engine.importing.torch_legacy import pickles
from lth_engine.importing.tree import Flat, Walk


def read_pickle(file: BinaryIO, file_bytes: int) -> Contents:
    """The arrays of a bare pickle, by the inert reader alone. Raises FileRefused, FileUnreadable."""
    machine = Machine(file.read())
    root = machine.load()
    flat = inert(machine, root)
    return sound.contents("pickle", flat.tensors, file_bytes, facts=flat.facts, ignored=flat.ignored,
                          notes=notes(flat))


def inert(machine: Machine, root: Any) -> Flat:
    """The arrays and tensors of a pickle that stands alone. Raises FileRefused, FileUnreadable."""
    storages = Embedded(machine)
    for call in machine.calls:
        check_call(call)
    return Walk(Reviver(storages)).run(root, "array")


class Embedded:
    """The storages of tensors in a bare pickle: each is a call that would load a whole old file of one storage."""

    def __init__(self, machine: Machine) -> None:
        self._held: dict[str, torch.UntypedStorage] = {}
        for number, call in enumerate(machine.calls):
            if call.full == EMBEDDED and len(call.args) == 1 and isinstance(call.args[0], bytes):
                call.state = self._kept(call.args[0], f"embedded {number}")

    def __call__(self, key: str) -> torch.UntypedStorage:
        """The bytes of a storage. Raises FileUnreadable if it is not there."""
        if key not in self._held:
            raise FileUnreadable("The file is damaged: the values of a tensor are missing. Copy it again.")
        return self._held[key]

    def _kept(self, raw: bytes, key: str) -> Persistent:
        """Keep the values of one old file; the reference to them under a key of our own."""
        _, reference, keys, at = pickles(raw)
        _, dtype, count = storage_of(reference)
        written, values = int.from_bytes(raw[at:at + 8], "little"), raw[at + 8:]
        if len(keys) != 1 or written != count or len(values) != count * dtype.itemsize:
            raise FileUnreadable("The file is damaged: a tensor's values are not as many as it says. Copy it again.")
        self._held[key] = torch.frombuffer(bytearray(values), dtype=torch.uint8).untyped_storage() if values \
            else torch.UntypedStorage(0)
        return Persistent((*reference.pid[:2], key, *reference.pid[3:]))
