"""Masks of pruning_is_enough: a pickled mapping in a .npy, read without running it; what is not one is refused."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from lth_engine.core.errors import FileRefused, FileUnreadable, NotRead
from lth_engine.importing.contents import Contents
from lth_engine.importing.read import read
from lth_engine.importing.torch_legacy import LEGACY_MAGIC
from tests.importing.peer_trees import Mask, random_masks, resnet20


def read_masks(path: Path) -> Contents:
    return read(path, "npy")


MASKS = random_masks(resnet20(0), 1, 3)


def saved(path: Path, value: object) -> Path:
    np.save(path, np.array(value, dtype=object) if not isinstance(value, np.ndarray) else value, allow_pickle=True)
    return path


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int32, torch.bool])
def test_the_masks_come_back(tmp_path: Path, dtype: torch.dtype) -> None:
    found = read_masks(saved(tmp_path / "m.npy", Mask({n: m.to(dtype) for n, m in MASKS.items()})))
    assert list(found.tensors) == list(MASKS)
    assert all(torch.equal(found.tensors[n], m.to(dtype)) for n, m in MASKS.items())
    assert found.ignored["tests.importing.peer_trees.Mask"] == 1


def test_a_plain_dict_arrays_and_views(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    held = {"a.weight": base.t(), "b.weight": base[1:, 2:], "c.weight": np.eye(3), 7: base, "d": "text"}
    found = read_masks(saved(tmp_path / "m.npy", held)).tensors
    assert list(found) == ["a.weight", "b.weight", "c.weight", "7"]
    assert torch.equal(found["a.weight"], base.t())
    assert torch.equal(found["b.weight"], base[1:, 2:])
    assert torch.equal(found["c.weight"], torch.eye(3, dtype=torch.float64))


class Evil:
    marker = ""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.marker}",)


def test_nothing_is_run(tmp_path: Path) -> None:
    evil = Evil()
    evil.marker = str(tmp_path / "marker")
    with pytest.raises(FileRefused, match=r"asks Python to run `posix\.system`"):
        read_masks(saved(tmp_path / "m.npy", {"a": torch.ones(2), "b": evil}))
    assert not (tmp_path / "marker").exists()


def test_an_evil_storage_is_not_run(tmp_path: Path) -> None:
    """The bytes beside a tensor are a torch file of their own, and could hold anything."""
    evil = Evil()
    evil.marker = str(tmp_path / "marker")

    class Tensor:
        def __reduce__(self) -> tuple[object, ...]:
            storage = b"".join(pickle.dumps(v, protocol=2) for v in (LEGACY_MAGIC, 2, 3, evil, []))

            class Storage:
                def __reduce__(self) -> tuple[object, ...]:
                    return torch.storage._load_from_bytes, (storage,)
            return torch._utils._rebuild_tensor_v2, (Storage(), 0, (2,), (1,), False, {})

    with pytest.raises(NotRead, match=r"posix\.system"):
        read_masks(saved(tmp_path / "m.npy", {"a": Tensor()}))
    assert not (tmp_path / "marker").exists()


def test_damage(tmp_path: Path) -> None:
    good = saved(tmp_path / "m.npy", Mask(MASKS)).read_bytes()
    for cut in (0, 5, 60, 200, len(good) // 2, len(good) - 1):
        (tmp_path / "cut.npy").write_bytes(good[:cut])
        with pytest.raises(FileUnreadable):
            read_masks(tmp_path / "cut.npy")
    for nothing in (np.array([1, "x"], dtype=object), {"a": 1}):
        with pytest.raises(FileRefused, match="holds no tensors"):
            read_masks(saved(tmp_path / "e.npy", nothing))


def test_a_mask_that_is_expanded_is_refused(tmp_path: Path) -> None:
    """One stored value under ten thousand: every tensor passes the last gate of all formats."""
    class Tensor:
        def __reduce__(self) -> tuple[object, ...]:
            return torch._utils._rebuild_tensor_v2, (torch.ones(1)._typed_storage(), 0, (100, 100), (0, 0), False, {})

    with pytest.raises(FileRefused, match="describes"):
        read_masks(saved(tmp_path / "m.npy", {"a": Tensor()}))


def test_a_stride_beyond_the_storage_is_refused(tmp_path: Path) -> None:
    class Tensor:
        def __reduce__(self) -> tuple[object, ...]:
            return torch._utils._rebuild_tensor_v2, (torch.ones(4)._typed_storage(), 2, (4,), (1,), False, {})

    with pytest.raises(FileRefused, match="beyond its 4 stored values"):
        read_masks(saved(tmp_path / "m.npy", {"a": Tensor()}))


def test_bytes_changed_at_random_give_words_or_masks(tmp_path: Path) -> None:
    good = saved(tmp_path / "m.npy", Mask(dict(list(MASKS.items())[:2]))).read_bytes()
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        bad = bytearray(good)
        for at in rng.integers(0, len(bad), 3):
            bad[at] = rng.integers(0, 256)
        (tmp_path / "bad.npy").write_bytes(bytes(bad))
        try:
            outcomes.add(type(read_masks(tmp_path / "bad.npy")).__name__)
        except NotRead as error:
            outcomes.add(type(error).__name__)
    assert outcomes <= {"Contents", "FileRefused", "FileUnreadable"}
    assert len(outcomes) > 1
