"""The content hash: equal hashes mean equal results, whoever computed them, when and how fast."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from lth_engine.core.artifact import Array, Scalar


def content_sha256(arrays: Mapping[str, Array], summary: Mapping[str, Scalar], spec: Mapping[str, Any]) -> str:
    """SHA-256 in hex over the names, dtypes, shapes and bytes of the arrays, the summary and the spec.

    Wall-clock quantities (see :func:`is_timing`) differ between equal results and stay out.
    """
    digest = hashlib.sha256()
    kept = {name: value for name, value in summary.items() if not is_timing(name)}
    _feed(digest, json.dumps([spec, kept], sort_keys=True).encode())
    for name in sorted(arrays):
        if is_timing(name.rsplit("/", 1)[-1]):
            continue
        array = np.asarray(arrays[name], order="C")
        _feed(digest, json.dumps([name, array.dtype.str, array.shape]).encode())
        _feed(digest, array.reshape(-1).view(np.uint8) if array.size else b"")
    return digest.hexdigest()


def is_timing(name: str) -> bool:
    """Whether a name is that of a wall-clock quantity."""
    return name.endswith("_seconds") or name == "images_per_second"


def _feed(digest: hashlib._Hash, part: Any) -> None:
    digest.update(len(part).to_bytes(8, "big"))
    digest.update(part)
