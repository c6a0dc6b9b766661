"""An answer in progress: one file, replaced as a whole, so that it is never half written."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from pathlib import Path

from lth_engine.core.artifact import Array, Scalar
from lth_engine.core.errors import ReadOnlyStore, StoreError
from lth_engine.store.commit import replace_file
from lth_engine.store.reader import Unreadable, peek_checkpoint, read_checkpoint
from lth_engine.store.writer import checkpoint_bytes

_log = logging.getLogger(__name__)

Saved = tuple[dict[str, Array], dict[str, Scalar]]


class StoreCheckpoint:
    """The checkpoint of one key (see :class:`lth_engine.core.workbench.Checkpoint`)."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        self._path = path
        self._writable = writable

    def load(self) -> Saved | None:
        """Arrays and scalars of the last save; None if there is none.

        A checkpoint is not forced to the disk, so a power cut may leave a torn one. It must never
        stand in the way: one that does not match its hash is removed, and the answer starts anew.

        Raises:
            StoreError: the file is there but the system refuses to read it.
        """
        content = self._read()
        if content is None:
            return None
        try:
            return read_checkpoint(io.BytesIO(content))
        except Unreadable as damage:
            _log.warning("The checkpoint %s is damaged (%s); starting anew.", self._path, damage)
            if self._writable:
                self.discard()
            return None

    def peek(self, prefix: str) -> Saved | None:
        """The arrays below a path (cut off) and all scalars, for looking on; None if there is none.

        Reads no more than that, verifies no content hash and removes nothing.
        """
        try:
            with self._path.open("rb") as raw:
                return peek_checkpoint(raw, prefix)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refused(error) from error
        except Unreadable:
            return None

    def save(self, arrays: Mapping[str, Array], scalars: Mapping[str, Scalar]) -> None:
        """Replace the last save.

        Raises:
            ReadOnlyStore: the store may be looked at only.
            StoreError: the disk is full or refuses; the last save is still there.
        """
        if not self._writable:
            raise ReadOnlyStore(f"{self._path} cannot be written: the store is open for viewing only.")
        replace_file(self._path, checkpoint_bytes(arrays, scalars), durable=False)

    def discard(self) -> None:
        """Remove it, if it is there."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{self._path} could not be removed ({error.strerror}). "
                             "Check the permissions of its folder.") from error

    def _read(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> StoreError:
        return StoreError(f"The checkpoint {self._path} could not be read ({error.strerror}). "
                          "Check its permissions, or remove it to start anew.")
