"""An Artifact is the answer to a Spec: named arrays, a summary, and where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Scalar = float | int | str | bool | None


@dataclass(frozen=True)
class Answer:
    """What a solver returns: the content of an artifact before it has an address.

    Attributes:
        arrays: path ("final/fc1.weight") -> array. Boolean arrays are stored as packed bits.
        summary: what lists and figures need without opening the arrays; plain scalars.
        sparse: path of a float array -> path of the boolean array (in `arrays`) that says where it
            may differ from 0. Only the kept values are stored.
    """

    arrays: Mapping[str, Array] = field(default_factory=dict)
    summary: Mapping[str, Scalar] = field(default_factory=dict)
    sparse: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Provenance:
    """Where an answer came from. None of it enters the content hash.

    Attributes:
        software: versions of what computed it, by package name.
        commit: git commit of the lab, with "+" if the tree was changed; empty if unknown.
        host: machine name.
        device: "cpu" or the name of the accelerator.
        threads: CPU threads used by one operation.
        seconds: wall clock of this answer alone, without its inputs.
        created: seconds since 1970 (UTC).
    """

    software: Mapping[str, str]
    commit: str
    host: str
    device: str
    threads: int
    seconds: float
    created: float


@dataclass(frozen=True)
class Artifact:
    """An answer as the store holds it.

    Attributes:
        key: the question's key, and the file's name.
        kind: the question's name ("run", "ticket_search" ...).
        spec: the question as plain JSON values.
        parents: content hashes of the inputs, by key.
        content_sha256: hash of arrays, summary and spec; equal hashes mean equal results,
            whoever computed them.
    """

    key: str
    kind: str
    spec: Mapping[str, Any]
    summary: Mapping[str, Scalar]
    arrays: Mapping[str, Array]
    parents: Mapping[str, str]
    provenance: Provenance
    content_sha256: str

    def group(self, prefix: str) -> dict[str, Array]:
        """The arrays below a path, with the path cut off: group("mask")["fc1.weight"]."""
        start = prefix.rstrip("/") + "/"
        return {name[len(start):]: array for name, array in self.arrays.items() if name.startswith(start)}


class Inputs(Protocol):
    """The answers that a solver builds on, by key; each is read from the store when it is asked for."""

    def __getitem__(self, key: str) -> Artifact:
        """The whole artifact."""

    def summary(self, key: str) -> Mapping[str, Scalar]:
        """Its summary alone, without reading arrays."""

    def summary_if_there(self, key: str) -> Mapping[str, Scalar] | None:
        """The summary of an answer that may have gone: what the inputs themselves rest on is not kept for them."""


def present(inputs: Inputs, keys: Iterable[str]) -> dict[str, Mapping[str, Scalar]]:
    """The summaries of those answers that are still there, by key."""
    found = {key: inputs.summary_if_there(key) for key in keys}
    return {key: summary for key, summary in found.items() if summary is not None}


def text_array(values: list[str]) -> Array:
    """Names as an array of fixed-width bytes, which any HDF5 reader shows."""
    return np.array([v.encode() for v in values], dtype=np.bytes_)


def texts(array: Array) -> list[str]:
    """The names back from :func:`text_array`."""
    return [bytes(v).decode() for v in array]
