"""Real files dropped on the page by a browser: one of each kind, a hostile one, two to compare; ten at once."""

from __future__ import annotations

import re
import time
import urllib.request
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lth_engine.store.store import Store
from tests.e2e.conftest import SETTLED, Server
from tests.hostile import CASES

SENTENCE = re.compile("LeNet-300-100, 10 classes: (sparse, 20 % density|a ticket of 20 % density)")
QUICK = 0.5
"""Seconds within which the server answers other pages while files are read."""


def lenet(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    net = nn.Sequential()
    for name, inputs, outputs in (("fc1", 784, 300), ("fc2", 300, 100), ("fc", 100, 10)):
        net.add_module(name, nn.Linear(inputs, outputs))
    return net


def pruned() -> dict[str, torch.Tensor]:
    """LeNet-300-100 with the largest fifth of each layer's weights, somewhat trained by the look of them."""
    state = {name: value.clone() for name, value in lenet().state_dict().items()}
    for name, value in state.items():
        if value.ndim == 2:
            value[value.abs() < value.abs().quantile(0.8) if value.numel() < 100_000 else
                  value.abs() < value.abs().flatten().kthvalue(int(0.8 * value.numel())).values] = 0
        else:
            value += 0.3
        state[name] = value
    return state


def files(folder: Path) -> dict[str, Path]:
    """The same network in every format."""
    state, found = pruned(), {}
    found["zip"] = folder / "net.pt"
    torch.save({"state_dict": {f"module.{name}": value for name, value in state.items()}, "epoch": 12}, found["zip"])
    found["legacy"] = folder / "old.pth"
    torch.save(state, found["legacy"], _use_new_zipfile_serialization=False)
    found["safetensors"] = folder / "net.safetensors"
    save_file(state, found["safetensors"])
    found["npz"] = folder / "net.npz"
    np.savez(found["npz"], **{name: value.numpy() for name, value in state.items()})
    found["hdf5"] = folder / "net.h5"
    with h5py.File(found["hdf5"], "w") as out:
        for name, value in state.items():
            out[f"weights/{name}"] = value.numpy()
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return files(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server whose temporary files lie in a folder of its own."""
    found = Server(tmp_path_factory.mktemp("upload"))
    found.private = tmp_path_factory.mktemp("private")
    found.environment |= {"TMPDIR": str(found.private)}
    found.start()
    yield found
    found.end()


def drop(page, path: Path, place: int = 0) -> None:
    page.locator("input[type=file]").nth(place).set_input_files(str(path))


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors", "npz", "hdf5"])
def test_a_file_of_each_kind_is_read(served, made, tab, kind):
    page = tab(f"{served.url}/upload")
    drop(page, made[kind])
    page.get_by_role("heading", name=SENTENCE).wait_for(timeout=30_000)
    page.get_by_role("figure", name="Density of each layer of the file").wait_for()
    page.get_by_text("Is it healthy?").wait_for()


def test_nothing_of_an_upload_stays_but_the_clean_copy(served, made, tab):
    page = tab(f"{served.url}/upload")
    drop(page, made["zip"])
    page.get_by_role("heading", name=SENTENCE).wait_for(timeout=30_000)
    content = made["zip"].read_bytes()
    left = [path for path in served.private.rglob("*") if path.is_file()]
    assert [path.suffix for path in left if path.stat().st_size].count(".safetensors") >= 1
    assert not [path for path in left if path.read_bytes() == content]
    assert {path.stat().st_mode & 0o077 for path in served.private.iterdir() if path.name.startswith("lottery")} == {0}


def test_the_examples_are_there_for_who_has_no_file(served, tab):
    page = tab(f"{served.url}/upload")
    page.get_by_text("An example", exact=True).click()
    page.get_by_role("button", name="Read it").click()
    page.get_by_role("heading", name=re.compile("LeNet-32-16")).wait_for(timeout=30_000)


def hostile(folder: Path, marker: Path, number: int) -> Path:
    """A pickle that would create the marker."""
    command = f"touch {marker}".encode()
    path = folder / f"hostile{number}.pt"
    path.write_bytes(b"\x80\x02cposix\nsystem\nX" + len(command).to_bytes(4, "little") + command + b"\x85R.")
    return path


def test_a_hostile_file_is_refused_and_nothing_of_it_is_run(served, tab, tmp_path):
    marker = tmp_path / "marker"
    page = tab(f"{served.url}/upload")
    drop(page, hostile(tmp_path, marker, 0))
    page.get_by_text(re.compile("asks Python to run .*posix.system")).wait_for(timeout=30_000)
    assert not marker.exists()


def resident(pid: int) -> float:
    """Memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory of the server from /proc")
def test_the_web_process_grows_by_no_more_than_the_upload(served, tab, tmp_path):
    path, size = tmp_path / "large.safetensors", 60.0
    save_file({f"layer{i}.weight": torch.randn(1000, 1500) for i in range(10)}, path)
    save_file({"layer.weight": torch.randn(30, 30)}, tmp_path / "small.safetensors")
    page = tab(f"{served.url}/upload")
    drop(page, tmp_path / "small.safetensors")                    # what the page needs is loaded
    page.get_by_text("Is it healthy?").wait_for(timeout=60_000)
    page.get_by_text("bring another").click()
    before = resident(served.process.pid)
    drop(page, path)
    page.get_by_text("large.safetensors: bring another").wait_for(timeout=60_000)
    page.get_by_text("10 tensors in the file").wait_for(timeout=60_000)
    page.wait_for_selector(SETTLED)
    grown = resident(served.process.pid) - before
    print(f"the web process grew by {grown:.0f} MB for an upload of {size:.0f} MB")
    assert grown < size


def test_two_files_are_compared(served, made, tab, tmp_path):
    page = tab(f"{served.url}/upload")
    drop(page, made["zip"])
    page.get_by_role("heading", name=SENTENCE).wait_for(timeout=30_000)
    page.get_by_text("Bring a file", exact=True).last.click()
    drop(page, made["npz"], 1)
    page.get_by_role("heading", name=SENTENCE).nth(1).wait_for(timeout=30_000)
    page.get_by_role("heading", name=re.compile("same weights|equal|the same")).wait_for(timeout=30_000)
    page.get_by_role("figure", name=re.compile("Signs and masks in common")).wait_for()


def answered(page, there) -> None:
    """Wait until the lab holds an answer, and nothing moves any more."""
    deadline = time.monotonic() + 120
    while not there() and time.monotonic() < deadline:
        page.wait_for_timeout(300)
    page.get_by_role("button", name="Cancel").wait_for(state="detached", timeout=30_000)
    page.wait_for_timeout(2500)
    page.wait_for_selector(SETTLED)


def test_a_file_is_used_in_the_lab(served, tab):
    page = tab(f"{served.url}/upload")
    page.get_by_text("An example", exact=True).click()
    page.get_by_role("button", name="Read it").click()
    page.get_by_role("button", name="Bring it into the lab").click(timeout=30_000)
    page.wait_for_url("**search=*")
    page.get_by_role("heading", name=re.compile("In the lab: ticket.h5")).wait_for()
    store, key = Store(served.store), page.url.partition("search=")[2][:24]
    answered(page, lambda: store.has([key]))
    page.get_by_role("button", name="Ask", exact=True).first.click()
    answered(page, lambda: len(store.list("data_health")) > 0)
    page.get_by_role("button", name="Show", exact=True).first.click(timeout=60_000)
    page.get_by_role("tab", name="Health on images", selected=True).wait_for(timeout=60_000)
    page.get_by_role("figure", name="How often it is right, over how sure it is").wait_for(timeout=60_000)
    again = tab(page.url)
    again.get_by_role("figure", name="Accuracy of each class, the worst first").wait_for()


def folder(parent: Path, number: int) -> Path:
    (parent / str(number)).mkdir()
    return parent / str(number)


def test_other_pages_answer_while_ten_hostile_files_are_read(served, tab, tmp_path):
    marker = tmp_path / "marker"
    quick = [case for case in CASES.values() if case.status != "read" and not case.slow and case.seconds <= 5]
    brought = [case.make(folder(tmp_path, number), marker) for number, case in enumerate(quick[:9])]
    brought.append(hostile(tmp_path, marker, 9))
    brought = [path.rename(path.with_name(f"{number}-{path.name}")) for number, path in enumerate(brought)]
    pages = [tab(f"{served.url}/upload") for _ in range(2)]
    other = tab(f"{served.url}/jobs")
    slowest = 0.0
    for number, path in enumerate(brought):
        drop(pages[number % 2], path)
        begun = time.monotonic()
        with urllib.request.urlopen(f"{served.url}/_stcore/health", timeout=10) as answer:
            assert answer.status == 200
        slowest = max(slowest, time.monotonic() - begun)
        pages[number % 2].get_by_text(f"{path.name}: bring another").wait_for(timeout=30_000)
        pages[number % 2].get_by_role("heading", name=re.compile("Not read")).wait_for(timeout=30_000)
        pages[number % 2].get_by_text("bring another").click()
    begun = time.monotonic()
    other.reload()
    other.wait_for_selector(SETTLED)
    print(f"slowest answer of the server {slowest:.3f} s; a page drawn anew in {time.monotonic() - begun:.2f} s")
    assert len(brought) == 10
    assert slowest < QUICK
    assert not marker.exists()
