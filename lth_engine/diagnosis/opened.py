"""A clean copy as a checkpoint: read as we wrote it, understood as the file was."""

from __future__ import annotations

from pathlib import Path

from lth_engine.importing.checkpoint import Checkpoint
from lth_engine.importing.clean import read_clean
from lth_engine.importing.understand import understand


def opened(path: Path) -> Checkpoint:
    """The checkpoint of a clean copy.

    Raises:
        FileUnreadable: it is damaged, or no clean copy.
    """
    return understand(read_clean(path)[0])
