"""The last gate of every format, given tensors that no reader lets through."""

from __future__ import annotations

import pytest
import torch

from lth_engine.core.errors import FileRefused
from lth_engine.importing import sound


@pytest.mark.parametrize(("tensor", "words"), [
    (torch.empty(25_000_000_000, device="meta"), "no values"),
    (torch.eye(3).to_sparse(), r"to_dense\(\)"),
    (torch.ones(1).expand(25_000_000_000), "describes 100 GB"),
    (torch.ones(1).expand(4), r"4 values over 1 stored value\). Save `tensor.contiguous\(\)`"),
    (torch.ones(2, dtype=torch.complex64), "complex64"),
    (torch.ones(2).to(torch.float8_e4m3fn), "float8_e4m3fn"),
])
def test_unsound_tensors(tensor: torch.Tensor, words: str) -> None:
    with pytest.raises(FileRefused, match=words):
        sound.contents("torch zip", {"w": tensor}, 1570)


def test_the_cap_counts_storages_once_and_copies_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "CAP_BYTES", 1000)
    values = torch.zeros(200)
    assert len(sound.contents("npz", {str(i): values for i in range(50)}, 10).tensors) == 50
    with pytest.raises(FileRefused, match=r"describes 1\.6 KB"):
        sound.contents("npz", {str(i): values[i:i + 100] for i in range(4)}, 10)
    with pytest.raises(FileRefused, match=r"describes 1\.2 KB"):
        sound.contents("npz", {"w": torch.zeros(300)}, 10)


def test_too_many_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "MOST_TENSORS", 3)
    with pytest.raises(FileRefused, match="holds 4 tensors; at most 3 are read"):
        sound.contents("npz", {str(i): torch.ones(1) for i in range(4)}, 10)
