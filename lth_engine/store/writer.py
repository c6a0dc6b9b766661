"""An artifact, or a checkpoint, as the bytes of an HDF5 file built in memory.

HDF5 itself never writes to the disk: on a full disk it crashes the process, plain writes do not.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from lth_engine.core.artifact import Array, Artifact, Provenance, Scalar
from lth_engine.core.errors import StoreError
from lth_engine.store.content import content_sha256
from lth_engine.store.encode import check_arrays, set_text, set_value, write_arrays
from lth_engine.store.layout import SCHEMA_VERSION

LIBRARY_VERSIONS = ("v110", "v110")
"""File format of HDF5 1.10: its metadata carries checksums."""


def artifact_bytes(artifact: Artifact, sparse: Mapping[str, str]) -> memoryview:
    """The file of an artifact; the arrays in `sparse` are stored as the values their mask keeps.

    Raises:
        StoreError: an array that cannot be stored without loss.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=LIBRARY_VERSIONS, track_order=True) as file:
        root = file.id
        set_value(root, "schema_version", np.array(SCHEMA_VERSION))
        set_text(root, "key", artifact.key)
        set_text(root, "kind", artifact.kind)
        set_text(root, "spec_json", json.dumps(artifact.spec))
        set_text(root, "summary_json", json.dumps(artifact.summary))
        set_text(root, "parents_json", json.dumps(artifact.parents))
        _set_provenance(root, artifact.provenance)
        set_text(root, "content_sha256", artifact.content_sha256)
        write_arrays(file, artifact.arrays, sparse)
    return buffer.getbuffer()


def checkpoint_bytes(arrays: Mapping[str, Array], scalars: Mapping[str, Scalar]) -> memoryview:
    """The file of an answer in progress. Raises as :func:`artifact_bytes`."""
    scalars = plain(scalars)
    check_arrays(arrays)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=LIBRARY_VERSIONS, track_order=True) as file:
        set_value(file.id, "schema_version", np.array(SCHEMA_VERSION))
        set_text(file.id, "scalars_json", json.dumps(scalars))
        set_text(file.id, "content_sha256", content_sha256(arrays, scalars, {}))
        write_arrays(file, arrays, {})
    return buffer.getbuffer()


def plain(values: Mapping[str, Any]) -> dict[str, Scalar]:
    """Scalars as JSON values; numpy's own scalars become Python's.

    Raises:
        StoreError: a value that is no scalar.
    """
    found: dict[str, Scalar] = {}
    for name, value in values.items():
        value = value.item() if isinstance(value, np.generic) else value
        if not isinstance(value, float | int | str | bool | None):
            raise StoreError(f"The summary's {name} must be a number, a text, true, false or nothing. "
                             f"Got {type(value).__name__}; put it among the arrays.")
        found[name] = value
    return found


def _set_provenance(root: Any, provenance: Provenance) -> None:
    set_value(root, "created_unix", np.array(provenance.created, dtype=np.float64))
    set_value(root, "wall_seconds", np.array(provenance.seconds, dtype=np.float64))
    set_text(root, "software_json", json.dumps(dict(provenance.software)))
    set_text(root, "git_commit", provenance.commit)
    set_text(root, "host", provenance.host)
    set_text(root, "device", provenance.device)
    set_value(root, "threads", np.array(provenance.threads))
