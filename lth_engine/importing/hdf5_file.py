"""HDF5 through an allow list: plain groups and datasets of numbers that lie in the file itself, and nothing else.

HDF5 follows links to other files, reads raw bytes of any path and loads plugins, all by design; so a link is looked at
before it is followed and a dataset before it is read. While it is read no other file can be opened at all. Source:
section 7.3.5 of `users-and-security`. Our own artifacts (datasets with the attribute `encoding`) become tensors.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import h5py
import numpy as np
import torch
from h5py import h5d, h5g, h5l, h5o, h5s

from lth_engine.core import sizes
from lth_engine.core.errors import FileRefused, FileUnreadable
from lth_engine.importing import lab_arrays, sound, words
from lth_engine.importing.contents import Contents
from lth_engine.importing.hdf5_chunks import check_chunks
from lth_engine.importing.tree import Flat

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MOST_OBJECTS = 100_000
SELF = "Only self-contained HDF5 is accepted."


def read_file(file: BinaryIO, file_bytes: int) -> Contents:
    """The datasets of an HDF5 file by their paths. Raises FileRefused, FileUnreadable."""
    try:
        with h5py.File(file, "r") as opened, no_more_files():
            return _Walk(opened, file_bytes).contents()
    except (FileRefused, FileUnreadable, MemoryError):
        raise
    except Exception as error:
        cut = re.search(r"eof = (\d+).*stored_eof = (\d+)", str(error))
        if cut and int(cut[1]) < int(cut[2]):
            raise FileUnreadable(words.early(int(cut[1]), int(cut[2]))) from error
        raise FileUnreadable("The file is damaged: HDF5 cannot read it. Copy or save it again.") from error


def warm() -> None:
    """Read a small file of our own: while HDF5 is read, no module can be loaded that is not there yet."""
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        file.create_dataset("w", data=np.zeros((8, 8)), chunks=(4, 4), compression="gzip", shuffle=True)
        file["w"].attrs["text"] = np.bytes_(b"text")
        file["objects"] = "text"
        file["truth"] = np.ones(2, bool)
    read_file(made, made.getbuffer().nbytes)


@contextlib.contextmanager
def no_more_files() -> Iterator[None]:
    """Within it this process can open nothing: for the reading of an HDF5 file that is open already."""
    if resource is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


for _codec in ("ascii", "latin-1", "utf-8"):  # loaded on first use, which is too late within `no_more_files`
    codecs.lookup(_codec)


class _Walk:
    """Looks at every object of an open file, then reads."""

    def __init__(self, file: h5py.File, file_bytes: int) -> None:
        self._file = file.id
        self._root = h5g.open(file.id, b"/")
        self._bytes = file_bytes
        self._flat = Flat()
        self._seen: dict[Any, str] = {}
        self._same: dict[str, str] = {}
        self._total = 0
        self._count = 0

    def contents(self) -> Contents:
        """All datasets. Raises FileRefused, FileUnreadable."""
        ours = lab_arrays.is_ours(self._file)
        arrays = self._decoded() if ours else {path: _values(d) for path, d in list(self._datasets())}
        for path, array in arrays.items():
            native = np.asarray(array, array.dtype.newbyteorder("="), order="C")
            self._flat.tensor(path, torch.from_numpy(native), parameter=False)
        for path, first in self._same.items():
            if first in arrays:
                self._flat.tensor(path, self._flat.tensors[first], parameter=False)
        facts = lab_arrays.facts(self._file) if ours else {}
        return sound.contents("lottery lab HDF5" if ours else "HDF5", self._flat.tensors, self._bytes, facts=facts,
                              ignored=self._flat.ignored)

    def _decoded(self) -> dict[str, Any]:
        """The arrays of the lab's own file, in its order; masks first, for the arrays of kept values."""
        datasets = dict(self._datasets())
        kinds = {path: lab_arrays.encoding(dataset) for path, dataset in datasets.items()}
        bundle = lab_arrays.is_bundle(self._file)
        for path, kind in kinds.items():
            if kind:
                itemsize = 1 if kind == "bits" else datasets[path].dtype.itemsize
                self._total += lab_arrays.decoded_bytes(datasets[path], itemsize)
                sound.check_total(self._total, self._bytes, f"array `{path}`")
        found = {path: lab_arrays.bits(datasets[path], _values(datasets[path])) if kind == "bits"
                 else _values(datasets[path]) for path, kind in kinds.items()}
        for path, kind in kinds.items():
            if kind == "kept":
                mask = found.get(lab_arrays.mask_path(path, datasets[path], bundle))
                found[path] = lab_arrays.kept(datasets[path], found[path], mask)
        return found

    def _datasets(self) -> Iterator[tuple[str, Any]]:
        """Path and dataset of all that is to be read, checked, in the file's order."""
        stack: list[tuple[str, Any, int]] = [("", self._root, 0)]
        while stack:
            path, item, depth = stack.pop()
            if isinstance(item, h5g.GroupID):
                if depth > sound.MOST_DEPTH:
                    raise FileRefused(f"Refused: the file nests its groups more than {sound.MOST_DEPTH} deep.")
                if self._new(path, item):
                    stack.extend(reversed([(p, i, depth + 1) for p, i in self._members(path, item)]))
            elif not isinstance(item, h5d.DatasetID):
                self._flat.ignore("HDF5 named type")
            elif self._readable(path, item) and self._new(path, item):
                yield path, item

    def _members(self, path: str, group: Any) -> Iterator[tuple[str, Any]]:
        """Path and object of each plain link of a group."""
        links = group.links
        order = h5py.h5.INDEX_CRT_ORDER if group.get_create_plist().get_link_creation_order() else h5py.h5.INDEX_NAME
        names: list[bytes] = []
        self._count += group.get_num_objs()
        if self._count > MOST_OBJECTS:
            raise FileRefused(f"Refused: the file holds more than {sizes.number(MOST_OBJECTS)} objects.")
        links.iterate(names.append, idx_type=order)
        for raw in names:
            name = raw.decode("utf-8", "replace")
            full = f"{path}/{name}" if path else name
            sound.check_name(full)
            kind = links.get_info(raw).type
            if kind == h5l.TYPE_EXTERNAL:
                raise FileRefused(f"Refused: `/{full}` is a link to another file. {SELF}")
            if kind != h5l.TYPE_HARD:
                raise FileRefused(f"Refused: `/{full}` is a soft link. Only plain groups and datasets are accepted.")
            yield full, h5o.open(group, raw)

    def _new(self, path: str, item: Any) -> bool:
        """Whether an object is met for the first time; a dataset met again is the same tensor."""
        info = h5o.get_info(item)
        before = self._seen.setdefault((info.fileno, info.addr), path)
        if before != path and isinstance(item, h5d.DatasetID):
            self._same[path] = before
        return before == path

    def _readable(self, path: str, dataset: Any) -> bool:
        """Whether a dataset holds numbers; refuses one that is not in the file, or too large."""
        plist = dataset.get_create_plist()
        if plist.get_external_count():
            raise FileRefused(f"Refused: dataset `/{path}` keeps its data in another file. {SELF}")
        if plist.get_layout() == h5d.VIRTUAL:
            raise FileRefused(f"Refused: dataset `/{path}` is put together from other files. {SELF}")
        dtype = dataset.dtype
        if dtype.kind not in "biuf" or dtype.itemsize > 8 or dataset.get_space().get_simple_extent_type() == h5s.NULL:
            self._flat.ignore("HDF5 dataset that holds no numbers")
            return False
        self._check_size(path, _product(dataset.shape), dtype.itemsize, dataset.get_storage_size())
        check_chunks(path, dataset)
        return True

    def _check_size(self, path: str, values: int, itemsize: int, stored: int) -> None:
        self._total += values * itemsize
        what = sound.values_over("dataset", f"/{path}", values, stored // itemsize)
        sound.check_total(self._total, self._bytes, what)
        if self._total > sound.FLOOR_BYTES and self._total > sound.MOST_RATIO * self._bytes:
            raise sound.bomb(self._bytes, self._total, what)


def _values(dataset: Any) -> Any:
    values = np.empty(dataset.shape, np.dtype(dataset.get_type().dtype.str))
    if values.size:
        dataset.read(h5s.ALL, h5s.ALL, values, dataset.get_type())
    return values


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for n in shape:
        total *= int(n)
    return total
