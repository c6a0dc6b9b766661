"""The lab's own HDF5: packed bits and kept values back to arrays, its spec to facts; every size is checked.

The inverse of `store.encode` for files that came from elsewhere; `store.decode` trusts what the lab wrote.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from h5py import h5a

from lth_engine.core.errors import FileUnreadable
from lth_engine.importing import sound
from lth_engine.importing.contents import Fact
from lth_engine.importing.tree import Walk

_LONGEST_ATTRIBUTE = 1_000_000
"""Bytes of an attribute that is read; a spec has a few thousand."""


def encoding(dataset: Any) -> str:
    """"bits", "kept" or "" for an array as it is. Raises FileUnreadable for others."""
    if not h5a.exists(dataset, b"encoding"):
        return ""
    found = _text(dataset, "encoding")
    return found if found in ("bits", "kept") and h5a.exists(dataset, b"shape") else ""


def decoded_bytes(dataset: Any, itemsize: int) -> int:
    """Bytes of an encoded array once it is decoded."""
    return prod(_shape(dataset)) * itemsize


def bits(dataset: Any, raw: Any) -> Any:
    """A boolean array out of packed bits. Raises FileUnreadable."""
    shape = _shape(dataset)
    if raw.dtype != np.uint8 or raw.ndim != 1 or raw.size != -(-prod(shape) // 8):
        raise _damaged()
    return np.unpackbits(raw, count=prod(shape)).view(np.bool_).reshape(shape)


def mask_path(path: str, dataset: Any, bundle: bool) -> str:
    """The path of the mask that an array of kept values names."""
    prefix = path.split("/", 1)[0] + "/" if bundle else ""
    return prefix + _text(dataset, "mask")


def kept(dataset: Any, raw: Any, mask: Any) -> Any:
    """A whole array out of the values that a mask keeps. Raises FileUnreadable."""
    if mask is None or mask.dtype != np.bool_ or mask.shape != _shape(dataset) or raw.shape != (int(mask.sum()),):
        raise _damaged()
    whole = np.zeros(mask.shape, raw.dtype)
    whole[mask] = raw
    return whole


def is_bundle(root: Any) -> bool:
    """Whether a file is a bundle of the lab's artifacts."""
    return h5a.exists(root, b"schema_version") and h5a.exists(root, b"kind") and _text(root, "kind") == "bundle"


def is_ours(root: Any) -> bool:
    """Whether the lab wrote a file."""
    return is_bundle(root) or all(h5a.exists(root, n) for n in (b"schema_version", b"content_sha256"))


def facts(root: Any) -> Mapping[str, Fact]:
    """Kind, key, spec and summary of an artifact, flat: "spec/dataset/name"."""
    found: dict[str, Any] = {}
    for name, entry in (("kind", "kind"), ("key", "key"), ("spec", "spec_json"), ("summary", "summary_json")):
        if h5a.exists(root, entry.encode()):
            text = _text(root, entry)
            try:
                found[name] = json.loads(text) if entry.endswith("_json") else text
            except (ValueError, RecursionError):
                raise _damaged() from None
    return Walk(lambda call: None).run(found).facts


def _shape(dataset: Any) -> tuple[int, ...]:
    value = _attribute(dataset, "shape")
    if value.dtype.kind not in "iu" or value.ndim != 1 or value.size > 32 or (value < 0).any():
        raise _damaged()
    shape = tuple(int(n) for n in value)
    if prod(shape) > sound.CAP_BYTES:
        raise _damaged()
    return shape


def _text(owner: Any, name: str) -> str:
    value = _attribute(owner, name)
    if value.dtype.kind != "S" or value.shape != ():
        return ""
    return bytes(value[()]).decode("utf-8", "replace")


def _attribute(owner: Any, name: str) -> Any:
    """An attribute of fixed size as an array; an empty one where it has another type."""
    attribute = h5a.open(owner, name.encode())
    if attribute.get_storage_size() > _LONGEST_ATTRIBUTE or attribute.dtype.kind not in "iufS":
        return np.empty(0, np.int64)
    value: Any = np.empty(attribute.shape, attribute.dtype)
    if value.size:
        attribute.read(value)
    return value


def _damaged() -> FileUnreadable:
    return FileUnreadable("The file is damaged: an array of the lab's own format is encoded wrongly. Copy it again.")
