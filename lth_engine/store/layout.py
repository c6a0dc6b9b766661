"""What lies where in a store's folder.

STORE/
  schema.json           version of this layout
  artifacts/KEY.h5      one immutable HDF5 file an answer (KEY.h5.corrupt-UNIXTIME once found damaged)
  checkpoints/KEY.h5    the answer in progress, replaced as a whole
  index.sqlite          what lists need, rebuilt from the files whenever it is missing or damaged
  locks/KEY             empty files that carry kernel locks
  */.NAME.HOST.PID.RAND.tmp   a file being written
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from lth_engine.core.spec import KEY_LENGTH

SCHEMA_VERSION = 1
"""Version of the folder and of the files in it; raised when an older lab could not read them."""

SUFFIX = ".h5"

_KEY = re.compile(rf"[0-9a-f]{{{KEY_LENGTH}}}")


def is_key(text: str) -> bool:
    """Whether a text has the form of a key, so that it may become a file name."""
    return _KEY.fullmatch(text) is not None


@dataclass(frozen=True)
class Layout:
    """The paths of one store."""

    root: Path

    @property
    def schema(self) -> Path:
        """File that holds the schema version."""
        return self.root / "schema.json"

    @property
    def index(self) -> Path:
        """The sqlite index."""
        return self.root / "index.sqlite"

    @property
    def artifacts(self) -> Path:
        """Folder of the answers."""
        return self.root / "artifacts"

    @property
    def checkpoints(self) -> Path:
        """Folder of the answers in progress."""
        return self.root / "checkpoints"

    @property
    def locks(self) -> Path:
        """Folder of the lock files."""
        return self.root / "locks"

    def artifact(self, key: str) -> Path:
        """File of an answer. Raises KeyError if the text is no key."""
        return self.artifacts / (_checked(key) + SUFFIX)

    def checkpoint(self, key: str) -> Path:
        """File of an answer in progress. Raises KeyError if the text is no key."""
        return self.checkpoints / (_checked(key) + SUFFIX)

    def lock(self, key: str) -> Path:
        """Lock file of an answer. Raises KeyError if the text is no key."""
        return self.locks / _checked(key)

    def stored_keys(self) -> set[str]:
        """Keys of the answers on the disk: one listing of a folder; none if the folder is gone."""
        try:
            names = os.listdir(self.artifacts)
        except FileNotFoundError:
            return set()
        return {name.removesuffix(SUFFIX) for name in names
                if name.endswith(SUFFIX) and is_key(name.removesuffix(SUFFIX))}


def _checked(key: str) -> str:
    if not is_key(key):
        raise KeyError(key)
    return key
