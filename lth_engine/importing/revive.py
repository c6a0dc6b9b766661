"""Records of calls to what they stand for: torch tensors, numpy arrays and scalars, and nothing else.

Each is made by our own code from checked numbers and bytes; no name of the file is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import torch

from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.importing import sound, words
from lth_engine.importing.pickled import Call, Global, Persistent

DTYPES = {
    "Half": torch.float16, "BFloat16": torch.bfloat16, "Float": torch.float32, "Double": torch.float64,
    "Char": torch.int8, "Byte": torch.uint8, "Short": torch.int16, "Int": torch.int32, "Long": torch.int64,
    "Bool": torch.bool,
}
"""Name of a storage's class, less "Storage" -> type of its values."""

_NAMED = {str(dtype).removeprefix("torch."): dtype for dtype in sound.DTYPES}
_TENSOR = {f"torch._utils._rebuild_tensor{version}" for version in ("", "_v2", "_v3")}
_PARAMETER = {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"}
_TYPED = "torch._tensor._rebuild_from_type_v2"
_QUANTISED = {"torch._utils._rebuild_qtensor"}
_SPARSE = {"torch._utils._rebuild_sparse_tensor", "torch._utils._rebuild_sparse_csr_tensor"}
_META = {"torch._utils._rebuild_meta_tensor_no_storage"}
_NUMBERS = re.compile(r"[biuf][1248]|\?")

EMBEDDED = "torch.storage._load_from_bytes"
"""What a tensor in a bare pickle asks for."""

Storage = Callable[[str], torch.UntypedStorage]
"""The bytes of a storage by its key."""


class Layout:
    """A tensor as a file describes it, checked: which values of which storage.

    Attributes:
        key: of its storage.
        dtype: of its values.
        stored: values in the storage.
        offset, size, stride: where they lie.
    """

    def __init__(self, call: Call) -> None:
        storage, self.offset, size, stride, *rest = call.args
        self.key, self.dtype, self.stored = storage_of(storage)
        if call.full.endswith("_v3"):
            self.dtype = _dtype(rest[2])
            self.stored = self.stored // self.dtype.itemsize
        self.size, self.stride = _whole(size), _whole(stride)
        metadata = rest[3:] if call.full.endswith("_v3") else rest[2:]
        if any(getattr(given, "pairs", None) for given in metadata):
            raise FileRefused("Refused: a tensor is stored as the conjugate or the negative of another. Save "
                              "`tensor.clone()` in its place.")
        self._check()

    def _check(self) -> None:
        if not isinstance(self.offset, int) or self.offset < 0 or len(self.size) != len(self.stride):
            raise FileUnreadable("The file is damaged: a tensor lies nowhere. Copy it again.")
        last = self.offset + sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True))
        if prod(self.size) and last >= self.stored:
            raise FileRefused(f"Refused: the file is damaged or made up: a tensor of the shape {list(self.size)} "
                              f"reaches beyond its {words.counted(self.stored, 'stored value')}. Save it again.")


def storage_of(value: Any) -> tuple[str, torch.dtype, int]:
    """Key, type and number of values of a storage. Raises FileUnreadable, or FileRefused for types never read."""
    if isinstance(value, Call) and value.full == EMBEDDED:
        value = value.state
    pid = value.pid if isinstance(value, Persistent) else None
    if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage" or not isinstance(pid[1], Global):
        raise FileUnreadable("The file is damaged: a tensor has no storage. Copy it again.")
    kind, key, location, count = pid[1].name, pid[2], pid[3], pid[4]
    if not isinstance(key, str | int) or not isinstance(count, int) or count < 0:
        raise FileUnreadable("The file is damaged: a storage has no size. Copy it again.")
    if location == "meta":
        raise FileRefused(sound.META)
    if pid[1].full in ("torch.storage.UntypedStorage", "torch.UntypedStorage"):
        return str(key), torch.uint8, count
    dtype = DTYPES.get(kind.removesuffix("Storage"))
    if dtype is None:
        if kind.startswith("Q"):
            raise FileRefused(sound.QUANTISED.format("a tensor"))
        raise FileRefused(f"Refused: the file holds a {kind[:40]}, whose numbers are no weights. Save them as "
                          "float32, or leave them out.")
    return str(key), dtype, count


def check_call(call: Call) -> None:
    """Refuse, before anything is made, what is never read. Raises FileRefused or FileUnreadable."""
    name = call.full
    if name in _QUANTISED:
        raise FileRefused(sound.QUANTISED.format("a tensor"))
    if name in _SPARSE:
        raise FileRefused(sound.SPARSE.format("a tensor"))
    if name in _META:
        raise FileRefused(sound.META)
    if name in _TENSOR:
        try:
            Layout(call)
        except (TypeError, ValueError, IndexError) as error:
            raise FileUnreadable("The file is damaged: a tensor is described wrongly. Copy it again.") from error


class Reviver:
    """Makes the tensors and numbers of one file, each once.

    Args:
        storage: gives the bytes of a storage.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._made: dict[int, tuple[Call, Any]] = {}

    def __call__(self, call: Call) -> Any:
        """A tensor, a number, a list for an array of objects; None for what is left a record."""
        if id(call) not in self._made:
            try:
                self._made[id(call)] = (call, self._make(call))
            except (TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
                raise FileUnreadable("The file is damaged: an array is described wrongly. Copy it again.") from error
        return self._made[id(call)][1]

    def _make(self, call: Call) -> Any:
        for _ in range(8):  # a parameter around a tensor, perhaps around a subclass
            if call.full in _PARAMETER and isinstance(call.args[0], Call):
                call = call.args[0]
            elif call.full == _TYPED and isinstance(call.args[0], Global) and isinstance(call.args[2], tuple):
                call = Call(call.args[0], call.args[2])
        check_call(call)
        if call.full in _TENSOR:
            at = Layout(call)
            empty = torch.empty(0, dtype=at.dtype)
            return empty.set_(self._storage(at.key), at.offset, at.size, at.stride)
        return _numpy(call)


def _numpy(call: Call) -> Any:
    module, name = call.full.split(".", 1)[0], call.full.rsplit(".", 1)[-1]
    if module != "numpy":
        return None
    if name == "scalar" and len(call.args) == 2 and isinstance(call.args[1], bytes):
        dtype = _numpy_dtype(call.args[0])
        return None if dtype is None else np.frombuffer(call.args[1], dtype, 1)[0].item()
    if name == "_reconstruct" and isinstance(call.state, tuple):
        _, shape, dtype, fortran, data = call.state
        return _array(data, dtype, shape, "F" if fortran else "C")
    if name == "_frombuffer":
        data, dtype, shape, order = call.args
        return _array(data, dtype, shape, order)
    return None


def _array(data: Any, dtype: Any, shape: Any, order: Any) -> Any:
    """A tensor of the bytes of an array; the list of an array of objects; None for texts and dates."""
    if isinstance(data, list):
        return data[0] if shape == () and len(data) == 1 else data
    kind = _numpy_dtype(dtype)
    if kind is None or not isinstance(data, bytes) or order not in ("C", "F"):
        return None
    size = _whole(shape)
    if prod(size) * kind.itemsize != len(data):
        raise ValueError("an array of another size than its bytes")
    array = np.frombuffer(data, kind).reshape(size, order=order)
    return torch.from_numpy(array.astype(kind.newbyteorder("="), order="C"))


def _numpy_dtype(call: Any) -> np.dtype[Any] | None:
    """The type of an array if it is one of numbers."""
    if not isinstance(call, Call) or call.full not in ("numpy.dtype",) or not isinstance(call.args[0], str):
        return None
    order = call.state[1] if isinstance(call.state, tuple) and len(call.state) > 1 else "="
    if not _NUMBERS.fullmatch(call.args[0]) or order not in ("<", ">", "=", "|") or call.args[0] == "f1":
        return None
    return np.dtype(call.args[0]).newbyteorder(order)


def _dtype(value: Any) -> torch.dtype:
    if not isinstance(value, Global) or value.module != "torch" or value.name not in _NAMED:
        raise FileRefused("Refused: a tensor has a type of number that is not read. Save it as float32.")
    return _NAMED[value.name]


def _whole(value: Any) -> tuple[int, ...]:
    """A tuple of sizes or strides."""
    if isinstance(value, Call) and value.full == "torch.Size":
        value = value.args[0]
    if not isinstance(value, tuple | list) or not all(type(n) is int and 0 <= n < 1 << 62 for n in value):
        raise ValueError("sizes that are no numbers")
    return tuple(value)
