"""The clean copy as it comes from a child: written under a random name, and put into its place when it is whole."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from lth_engine.core.errors import LotteryError


class Copy:
    """The clean copy as it comes: beside its place under a random name, then moved there whole."""

    def __init__(self, place: Path) -> None:
        self.place = place
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
        """Take the next bytes; none at all where they begin anew."""
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
