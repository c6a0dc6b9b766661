"""The clean copy as it comes from a child: written under a random name, and put into its place when it is whole."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from lth_engine.core.errors import FileRefused, LotteryError


class Full(FileRefused):
    """The room for one's files is used up."""

    def __init__(self) -> None:
        super().__init__("Refused: your files would be more together than there is room for; take one away first.")


class Copy:
    """The clean copy as it comes: beside its place under a random name, then moved there whole.

    Args:
        place: where it goes.
        room: bytes that it may have, or None where nothing bounds it but the limits of the child.
    """

    def __init__(self, place: Path, room: int | None = None) -> None:
        self.place, self.room = place, room
        self.bytes = 0
        self.path = place.with_name(f".{secrets.token_hex(8)}.part")
        self._hash = hashlib.sha256()

    def __enter__(self) -> Copy:
        try:
            self._file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0)
        except OSError as error:
            raise self._no_room(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    def __call__(self, data: bytes) -> None:
        """Take the next bytes; none at all where they begin anew.

        Raises:
            Full: they are more than there is room for.
            LotteryError: they cannot be written.
        """
        self.bytes = self.bytes + len(data) if data else 0
        if self.room is not None and self.bytes > self.room:
            raise Full
        try:
            if not data:
                self._hash = hashlib.sha256()
                self._file.seek(0)
                self._file.truncate()
            self._hash.update(data)
            view = memoryview(data)
            while view:
                view = view[self._file.write(view):]
        except OSError as error:
            raise self._no_room(error) from error

    def keep(self) -> Path:
        """Put it in its place."""
        self._file.close()
        try:
            os.replace(self.path, self.place)
        except OSError as error:
            raise self._no_room(error) from error
        return self.place

    @property
    def sha256(self) -> str:
        """Of its bytes, in hexadecimal."""
        return self._hash.hexdigest()

    def _no_room(self, error: OSError) -> LotteryError:
        return LotteryError(f"The clean copy cannot be written ({error.strerror}): free some space.")
