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
from lth_engine.specs.models import ModelSpec

STUB = {"name": "LeNet", "input": [1, 8, 8], "classes": 10}


def bring(weights: Mapping[str, np.ndarray], data_root: Path, spec: ModelSpec) -> str:
    """Keep a network as the gate would; the hash of its clean copy."""
    out = io.BytesIO()
    contents = Contents("torch zip", {name: torch.tensor(value) for name, value in weights.items()})
    write(contents, out, {"stub": {**STUB, "spec": spec.to_dict()}})
    found = hashlib.sha256(out.getvalue()).hexdigest()
    path = clean_path(data_root, found)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(out.getvalue())
    return found
