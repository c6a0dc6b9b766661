"""The store: the answer to every question asked so far, by key."""

from __future__ import annotations

import io
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lth_engine.core.artifact import Answer, Array, Artifact, Provenance, Scalar
from lth_engine.core.errors import DamagedArtifact, ReadOnlyStore, StoreError
from lth_engine.core.spec import Spec
from lth_engine.store.bundle import write_bundle
from lth_engine.store.checkpoint import StoreCheckpoint
from lth_engine.store.claim import claimed
from lth_engine.store.commit import replace_file, sync_folder
from lth_engine.store.content import content_sha256
from lth_engine.store.encode import check_arrays
from lth_engine.store.folder import open_folder
from lth_engine.store.index import Index
from lth_engine.store.layout import SUFFIX, Layout, is_key
from lth_engine.store.reader import Unreadable, read_artifact, read_head, read_part
from lth_engine.store.row import Row, Rows
from lth_engine.store.writer import artifact_bytes, plain

__all__ = ["Row", "Store"]

_log = logging.getLogger(__name__)


class Store:
    """A folder of answers. Threads may share one; processes may open the same folder.

    Attributes:
        root: the folder.
        writable: False if it can only be looked at.

    Raises:
        BadInput: `root` is a file, or there is no store and `create` is False.
        NewerStore: a later version of the lab wrote it.
        StoreError: it cannot be made or read.
    """

    def __init__(self, root: Path, *, create: bool = True) -> None:
        self.root = Path(root)
        self._layout = Layout(self.root)
        self.writable = open_folder(self._layout, create=create)
        guard = (lambda: claimed(self._layout.locks / "index", every=0.005)) if self.writable else None
        self._index = Index(self._layout.index, self, guard)

    def has(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that are answered."""
        folder = str(self._layout.artifacts)
        return {key for key in keys if is_key(key) and os.path.exists(f"{folder}/{key}{SUFFIX}")}

    def get(self, key: str) -> Artifact:
        """The whole artifact, its content hash verified.

        Raises:
            KeyError: not in the store.
            DamagedArtifact: not what was written; the file was moved aside.
            StoreError: the system refuses to read it.
        """
        with self._file(key) as raw:
            return read_artifact(io.BytesIO(raw.read()), key)

    def head(self, key: str) -> Artifact:
        """The artifact without its arrays, for its summary, provenance and hash. Raises as :meth:`get`."""
        with self._file(key) as raw:
            return read_head(raw, key)

    def summary(self, key: str) -> Mapping[str, Scalar] | None:
        """The summary of an answer; None if there is none. Opens no file that the index knows."""
        row = self.rows([key]).get(key)
        return None if row is None else row.summary

    def read(self, key: str, prefix: str) -> dict[str, Array]:
        """The arrays below a path, with the path cut off; only they are read. Raises as :meth:`get`.

        HDF5's checksums are verified, the content hash is not.
        """
        with self._file(key) as raw:
            return read_part(raw, key, prefix)

    def rows(self, keys: Iterable[str]) -> dict[str, Row]:
        """What lists show of those keys that are answered: one query, no file is opened."""
        wanted = list(keys)
        found = self._index.rows(wanted)
        unlisted = [row for key in self.has(key for key in wanted if key not in found)
                    if (row := self.load_row(key)) is not None]
        if unlisted:
            self._index.add(unlisted)
        return found | {row.key: row for row in unlisted}

    def list(self, kind: str | None = None, limit: int | None = None) -> Rows:
        """Artifacts of a kind (or all), newest first."""
        return self._index.list(kind, limit)

    def put(self, question: Spec, answer: Answer, *, parents: Mapping[str, str], provenance: Provenance) -> Artifact:
        """Store an answer under its question's key. Once this returns, it survives a power cut.

        Args:
            question: what was asked.
            answer: what came out.
            parents: content hashes of the inputs, by key.
            provenance: where it was computed.

        Raises:
            ReadOnlyStore: the store may be looked at only.
            StoreError: an array cannot be stored without loss, or the disk is full.
        """
        self._require_writable()
        spec, summary = question.to_dict(), plain(answer.summary)
        arrays = {path: np.asarray(array, order="C") for path, array in answer.arrays.items()}
        check_arrays(arrays)
        artifact = Artifact(
            key=question.key, kind=question.name, spec=spec, summary=summary, arrays=arrays, parents=dict(parents),
            provenance=provenance, content_sha256=content_sha256(arrays, summary, spec))
        content = artifact_bytes(artifact, answer.sparse)
        replace_file(self._layout.artifact(artifact.key), content, durable=True)
        self._index.add([_row(artifact, len(content))])
        return artifact

    def checkpoint(self, key: str) -> StoreCheckpoint:
        """Where the unfinished answer of a key waits."""
        return StoreCheckpoint(self._layout.checkpoint(key), writable=self.writable)

    def claim(self, key: str, poll: Callable[[], None]) -> AbstractContextManager[None]:
        """Hold the right to compute a key for a block; see :func:`lth_engine.store.claim.claimed`."""
        self._require_writable()
        return claimed(self._layout.lock(key), poll)

    def verify(self, key: str) -> None:
        """Recompute the content hash. Raises as :meth:`get`."""
        self.get(key)

    def export(self, keys: Iterable[str], dest: Path) -> None:
        """Copy artifacts into one new HDF5 file, each under its key.

        Raises:
            KeyError: a key that is not in the store.
            BadInput: `dest` exists.
            StoreError: the disk is full.
        """
        wanted = list(dict.fromkeys(keys))
        for key in wanted:
            self.verify(key)
        write_bundle({key: self._layout.artifact(key) for key in wanted}, Path(dest))

    def adopt(self, files: Iterable[Path]) -> int:
        """Take over artifact files, KEY.h5, of another store; the number of those that were not here.

        Raises:
            ReadOnlyStore: the store may be looked at only.
            DamagedArtifact: a file is not what was written; it and those after it were not taken.
            StoreError: the disk is full.
        """
        self._require_writable()
        rows = []
        try:
            for path in files:
                if not self.has([path.stem]):
                    rows.append(self._adopted(path))
        finally:
            self._index.add(rows)
        return len(rows)

    def _adopted(self, path: Path) -> Row:
        content = path.read_bytes()
        try:
            artifact = read_artifact(io.BytesIO(content), path.stem)
        except Unreadable as damage:
            raise DamagedArtifact(f"{path} is damaged ({damage}). Take a good copy of it.") from damage
        replace_file(self._layout.artifact(artifact.key), content, durable=False)
        return _row(artifact, len(content))

    def remove(self, key: str) -> None:
        """Delete an artifact and its checkpoint, if they are there. Raises ReadOnlyStore."""
        self._require_writable()
        self.checkpoint(key).discard()
        path = self._layout.artifact(key)
        try:
            path.unlink(missing_ok=True)
            sync_folder(path.parent)
        except OSError as error:
            raise StoreError(f"{path} could not be removed ({error.strerror}). Check the folder's permissions."
                             ) from error
        self._index.drop(key)

    def reindex(self) -> int:
        """Rebuild the index from the files; the number of artifacts."""
        return self._index.rebuild()

    def stored_keys(self) -> set[str]:
        """Keys of the artifacts on the disk."""
        return self._layout.stored_keys()

    def set_aside(self) -> set[Path]:
        """Files that were found damaged and kept under another name, KEY.h5.corrupt-UNIXTIME."""
        return set(self._layout.artifacts.glob(f"*{SUFFIX}.corrupt-*"))

    def load_row(self, key: str) -> Row | None:
        """A row read from its file; None if the file is gone, or unreadable: damaged (then it is
        moved aside), newer, or refused by the system."""
        try:
            with self._opened(key) as raw:
                head, size = read_head(raw, key), os.fstat(raw.fileno()).st_size
        except KeyError:
            return None
        except StoreError as error:
            _log.warning("%s", error)
            return None
        return _row(head, size)

    def _require_writable(self) -> None:
        if not self.writable:
            raise ReadOnlyStore(f"The store {self.root} can only be looked at. Name one that you may write to, "
                                "or ask for write permission.")

    @contextmanager
    def _file(self, key: str) -> Iterator[BinaryIO]:
        """The open file of a key; the index forgets a key whose file is gone or damaged."""
        try:
            with self._opened(key) as raw:
                yield raw
        except (KeyError, DamagedArtifact):
            self._index.drop(key)
            raise

    @contextmanager
    def _opened(self, key: str) -> Iterator[BinaryIO]:
        """The open file of a key; damage found while it is open moves it aside."""
        path = self._layout.artifact(key)
        try:
            with path.open("rb") as raw:
                try:
                    yield raw
                except Unreadable as damage:
                    raise self._set_aside(key, raw, damage) from damage
        except FileNotFoundError:
            raise KeyError(key) from None
        except OSError as error:
            raise StoreError(f"{path} could not be read ({error.strerror or error}). "
                             "Check the disk and the file's permissions.") from error

    def _set_aside(self, key: str, raw: BinaryIO, damage: Unreadable) -> StoreError:
        path = self._layout.artifact(key)
        if not self.writable:
            return DamagedArtifact(f"{path} is damaged ({damage}). Remove it and compute it again; this store can "
                                   "only be looked at.")
        if not os.path.samestat(os.fstat(raw.fileno()), path.stat()):
            return StoreError(f"{path} was replaced while it was read. Ask again.")
        aside = path.with_name(f"{path.name}.corrupt-{int(time.time())}")
        path.rename(aside)
        return DamagedArtifact(f"{path} is damaged ({damage}); it was moved to {aside.name}. Compute it again.")


def _row(artifact: Artifact, size: int) -> Row:
    """What lists show of an artifact whose file has `size` bytes."""
    source = artifact.provenance
    return Row(artifact.key, artifact.kind, dict(artifact.spec), dict(artifact.summary), source.created,
               source.seconds, size, source.device)
