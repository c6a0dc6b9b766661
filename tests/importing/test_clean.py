"""The clean copy: our own safetensors file, read by the safetensors library and by us, and what goes with it."""

from __future__ import annotations

import argparse
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import safetensors
import safetensors.torch
import torch

from lth_engine.core import sizes
from lth_engine.core.errors import FileUnreadable
from lth_engine.importing import clean, words
from lth_engine.importing.contents import Contents
from lth_engine.importing.read import read
from tests.importing.test_formats import TORCH, assert_same, of_each_type, torch_file


def written(contents: Contents, extra: dict[str, Any] | None = None) -> bytes:
    out = io.BytesIO()
    clean.write(contents, out, extra)
    return out.getvalue()


def test_the_library_reads_every_type() -> None:
    state = of_each_type(TORCH)
    found = safetensors.torch.load(written(Contents("torch zip", state)))
    assert set(found) == set(state)
    assert all(torch.equal(found[name], state[name]) and found[name].dtype == state[name].dtype for name in state)


def test_it_comes_back_whole(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.randn(3, 2))
    file = torch_file({"state": {"odd": torch.ones(3, dtype=torch.bool), "w": weight, "tied": weight}, "epoch": 3,
                       "args": argparse.Namespace(lr=0.1)})
    contents = read(file, "torch zip")
    path = tmp_path / "clean.safetensors"
    path.write_bytes(written(contents, {"sha256": "ab", "name": "a.pt"}))
    found, extra = clean.read_clean(path)
    assert_same(found, dict(contents.tensors))
    assert extra == {"sha256": "ab", "name": "a.pt"}
    for part in ("format", "parameters", "facts", "ignored", "shared", "notes"):
        assert getattr(found, part) == getattr(contents, part), part
    assert found.tensors["state/tied"] is found.tensors["state/w"]
    assert found.shared == {"state/tied": "state/w"}


def test_tied_weights_are_written_once(tmp_path: Path) -> None:
    weight = torch.randn(1000)
    contents = read(torch_file({f"w{i}": weight for i in range(50)}), "torch zip")
    raw = written(contents)
    assert len(raw) < 2 * 4 * 1000 + 5000
    path = tmp_path / "clean.safetensors"
    path.write_bytes(raw)
    with safetensors.safe_open(path, "pt") as opened:
        assert list(opened.keys()) == ["w0"]
        assert len(json.loads(opened.metadata()["lottery_lab"])["shared"]) == 49


def test_it_goes_down_a_pipe_in_pieces() -> None:
    contents = Contents("torch zip", {"w": torch.randn(3_000_000), "b": torch.ones(3, dtype=torch.bfloat16)})
    receive, send = os.pipe()
    found: list[bytes] = []

    def drain() -> None:
        with open(receive, "rb") as pipe:
            found.append(pipe.read())

    reader = threading.Thread(target=drain)
    reader.start()
    with open(send, "wb", buffering=0) as pipe:
        clean.write(contents, pipe)
    reader.join()
    assert found[0] == written(contents)


def test_other_files_are_no_clean_copies(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(safetensors.torch.save({"w": torch.ones(2)}))
    with pytest.raises(FileUnreadable, match="no clean copy"):
        clean.read_clean(path)
    whole = written(Contents("npz", {"w": torch.ones(1000)}))
    path.write_bytes(whole[:3000])
    with pytest.raises(FileUnreadable, match="stops early"):
        clean.read_clean(path)


@pytest.mark.parametrize(("count", "text"), [
    (1, "1 byte"), (134, "134 bytes"), (1500, "1.5 KB"), (100_000_000_000, "100 GB"), (999_960, "1 MB"),
    (7_600_000_000, "7.6 GB")])
def test_sizes_in_words(count: int, text: str) -> None:
    assert sizes.size(count) == text


def test_counts_in_words() -> None:
    assert words.counted(25_000_000_000, "value") == "25 000 000 000 values"
    assert words.counted(1, "stored value") == "1 stored value"
    assert words.early(1_200_000, 4_800_000) == "The file stops early (1.2 of 4.8 MB)."
