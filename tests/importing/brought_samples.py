"""Networks of the lab as files that somebody brings, kept as clean copies."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from lth_engine.core.clean_files import clean_path
from lth_engine.importing.clean import write
from lth_engine.importing.contents import Contents


def bring(weights: Mapping[str, np.ndarray], data_root: Path) -> str:
    """Keep tensors as the gate would; the hash of their clean copy."""
    out = io.BytesIO()
    write(Contents("torch zip", {name: torch.tensor(value) for name, value in weights.items()}), out)
    found = hashlib.sha256(out.getvalue()).hexdigest()
    path = clean_path(data_root, found)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(out.getvalue())
    return found
