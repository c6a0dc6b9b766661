"""A foreign file to its contents, by its kind; runs in the child of the gate, and is safe by itself too.

Nothing in a file is run, and no answer but Contents, FileRefused or FileUnreadable
(MemoryError where the memory ends).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from lth_engine.core.errors import FileUnreadable, NotRead
from lth_engine.importing import hdf5_file, npz_file, pickle_file, safetensors_file, torch_file, torch_legacy
from lth_engine.importing.contents import Contents
from lth_engine.importing.passport import described

_READERS: dict[str, Callable[[BinaryIO, int], Contents]] = {
    "torch zip": torch_file.read_zip,
    "torch legacy": torch_legacy.read_legacy,
    "safetensors": safetensors_file.read_file,
    "npz": npz_file.read_npz,
    "npy": npz_file.read_npy,
    "hdf5": hdf5_file.read_file,
    "pickle": pickle_file.read_pickle,
}

KINDS = tuple(_READERS)
"""Kinds of files that are read, as the gate tells them from their first bytes."""


def read(source: Path | BinaryIO, kind: str) -> Contents:
    """What a file holds.

    Args:
        source: the file, or it opened for reading bytes.
        kind: one of KINDS.

    Raises:
        FileRefused: it asks for something that is never done, or is no set of weights.
        FileUnreadable: it is damaged, cut short, or not of this kind.
        MemoryError: it needs more memory than there is.
    """
    with ExitStack() as stack:
        file = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
        file.seek(0, os.SEEK_END)
        file_bytes = file.tell()
        file.seek(0)
        if file_bytes == 0:
            raise FileUnreadable("The file is empty.")
        try:
            return described(_READERS[kind](file, file_bytes))
        except (NotRead, MemoryError):
            raise
        except Exception as error:
            raise FileUnreadable(f"The file is damaged: it begins like {kind} but makes no sense further on. Copy or "
                                 "save it again.") from error
