"""The bytes of an HDF5 file back to an artifact or a checkpoint, checked.

Files are opened through Python's own file object: no HDF5 lock, no handle that outlives the read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO

import h5py

from lth_engine.core.artifact import Array, Artifact, Provenance, Scalar
from lth_engine.core.errors import LotteryError, NewerStore
from lth_engine.store.content import content_sha256
from lth_engine.store.decode import Decoder, get_text, get_value
from lth_engine.store.layout import SCHEMA_VERSION


class Unreadable(Exception):
    """A file is not what was written; the text says in what way."""


def read_artifact(raw: BinaryIO, key: str) -> Artifact:
    """The whole artifact, its content hash verified.

    Raises:
        Unreadable: damaged, or not the artifact of this key.
        NewerStore: written by a later version.
    """
    with _opened(raw) as file:
        decoder = Decoder(file)
        artifact = replace(_head(file, key), arrays={path: decoder.array(path) for path in decoder.paths()})
    if content_sha256(artifact.arrays, artifact.summary, artifact.spec) != artifact.content_sha256:
        raise Unreadable("its content does not match its hash")
    return artifact


def read_head(raw: BinaryIO, key: str) -> Artifact:
    """The artifact without its arrays. Raises as :func:`read_artifact`; the content hash is read, not recomputed."""
    with _opened(raw) as file:
        return _head(file, key)


def read_part(raw: BinaryIO, key: str, prefix: str) -> dict[str, Array]:
    """The arrays below a path, with the path cut off. Raises as :func:`read_artifact`.

    Only these arrays (and the masks needed to decode them) are read, so the content hash is not
    verified; HDF5's checksums are.
    """
    with _opened(raw) as file:
        _check_key(file.id, key)
        return _below(file, prefix)


def read_checkpoint(raw: BinaryIO) -> tuple[dict[str, Array], dict[str, Scalar]]:
    """Arrays and scalars of a checkpoint, verified. Raises as :func:`read_artifact`."""
    with _opened(raw) as file:
        decoder = Decoder(file)
        arrays = {path: decoder.array(path) for path in decoder.paths()}
        scalars: dict[str, Scalar] = json.loads(get_text(file.id, "scalars_json"))
        expected = get_text(file.id, "content_sha256")
    if content_sha256(arrays, scalars, {}) != expected:
        raise Unreadable("its content does not match its hash")
    return arrays, scalars


def peek_checkpoint(raw: BinaryIO, prefix: str) -> tuple[dict[str, Array], dict[str, Scalar]]:
    """As :func:`read_checkpoint`, but only the arrays below a path, cut off; no content hash."""
    with _opened(raw) as file:
        return _below(file, prefix), json.loads(get_text(file.id, "scalars_json"))


@contextmanager
def _opened(raw: BinaryIO) -> Iterator[h5py.File]:
    """An open file whose every failure is Unreadable: HDF5 raises many kinds on damaged bytes."""
    try:
        with h5py.File(raw, "r") as file:
            version = int(get_value(file.id, "schema_version"))
            if version > SCHEMA_VERSION:
                raise NewerStore(f"This artifact has the schema {version} and this lab reads up to {SCHEMA_VERSION}. "
                                 "Update the lab.")
            yield file
    except (LotteryError, Unreadable, MemoryError):
        raise
    except Exception as error:
        raise Unreadable(f"HDF5 says: {error}") from error


def _below(file: h5py.File, prefix: str) -> dict[str, Array]:
    decoder, cut = Decoder(file), len(prefix.strip("/")) + 1
    return {path[cut:] if cut > 1 else path: decoder.array(path) for path in decoder.paths(prefix)}


def _head(file: h5py.File, key: str) -> Artifact:
    root = file.id
    _check_key(root, key)
    return Artifact(
        key=key, kind=get_text(root, "kind"), spec=json.loads(get_text(root, "spec_json")),
        summary=json.loads(get_text(root, "summary_json")), arrays={},
        parents=json.loads(get_text(root, "parents_json")), provenance=_provenance(root),
        content_sha256=get_text(root, "content_sha256"))


def _check_key(root: Any, key: str) -> None:
    found = get_text(root, "key")
    if found != key:
        raise Unreadable(f"it holds the artifact {found}")


def _provenance(root: Any) -> Provenance:
    return Provenance(
        software=json.loads(get_text(root, "software_json")), commit=get_text(root, "git_commit"),
        host=get_text(root, "host"), device=get_text(root, "device"), threads=int(get_value(root, "threads")),
        seconds=float(get_value(root, "wall_seconds")), created=float(get_value(root, "created_unix")))
