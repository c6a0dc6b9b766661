"""Where the clean copies of files that were brought lie: in the data folder, named by the hash of their bytes."""

from __future__ import annotations

import re
from pathlib import Path

from lth_engine.core.errors import BadInput, clipped

FOLDER = "checkpoints"
"""Below the folder of data sets."""

HASH = re.compile(r"[0-9a-f]{64}")
"""A SHA-256 as it names a file."""


def clean_path(data_root: Path, sha256: str) -> Path:
    """Where the clean file of a hash lies, whether it is there or not.

    Raises:
        BadInput: `sha256` is no hash, or none.
    """
    if not HASH.fullmatch(sha256):
        raise BadInput(f"A file that was brought is named by 64 hex digits. Got {clipped(sha256)}; bring it again.")
    return data_root / FOLDER / f"{sha256}.safetensors"
