"""Private folders: who may look into them, how much they hold, and when they go."""

from __future__ import annotations

import gc
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lth_engine.core.errors import FileRefused
from lth_engine.gate import private
from lth_engine.gate.private import Folder, sweep

ROOT = Path(__file__).parents[2]


def test_nobody_else_may_look_into_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    path = folder.save([b"ab", b"c"])
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"abc"
    assert folder.used() == 3
    assert len({folder.new().name for _ in range(50)}) == 50
    assert folder.new("safetensors").suffix == ".safetensors"
    folder.close()
    assert not folder.path.exists()
    folder.close()
    assert folder.used() == 0


def test_a_file_over_the_cap_leaves_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with pytest.raises(FileRefused, match="larger than 3 bytes"):
        folder.save([b"ab", b"cd"], cap=3)
    assert folder.used() == 0
    folder.close()


def test_the_quota(tmp_path: Path) -> None:
    folder = Folder(tmp_path, quota=10)
    first = folder.save([b"12345678"])
    with pytest.raises(FileRefused, match="more than 10 bytes together"):
        folder.save([b"123"])
    folder.delete(first)
    folder.save([b"123"])
    assert folder.used() == 3
    folder.close()


def test_folders_in_it_count_and_go_whole(tmp_path: Path) -> None:
    folder = Folder(tmp_path, quota=10)
    inner = folder.new_folder()
    (inner / "copy").write_bytes(b"1234567")
    assert stat.S_IMODE(inner.stat().st_mode) == 0o700
    assert (folder.used(), folder.room()) == (7, 3)
    with pytest.raises(FileRefused):
        folder.save([b"1234"])
    folder.delete(inner)
    assert not inner.exists()
    assert folder.room() == 10
    folder.close()


def test_it_deletes_nothing_elsewhere(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    other = tmp_path / "other"
    other.touch()
    folder.delete(other)
    folder.delete(folder.path / ".." / "other")
    assert other.exists()
    folder.close()


def test_it_goes_when_it_is_forgotten(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    path = folder.path
    folder.save([b"x"])
    del folder
    gc.collect()
    assert not path.exists()


def test_the_sweep_takes_what_nobody_uses(tmp_path: Path) -> None:
    used, left = Folder(tmp_path), Folder(tmp_path)
    left.used_at -= 10_000
    sweep(tmp_path)
    assert used.path.exists()
    assert not left.path.exists()
    used.close()


def test_the_sweep_takes_what_a_killed_process_left(tmp_path: Path) -> None:
    code = ("import os, sys; from pathlib import Path; from lth_engine.gate.private import Folder; "
            "f = Folder(Path(sys.argv[1])); f.save([b'x']); print(f.path, flush=True); os.kill(os.getpid(), 9)")
    left = Path(subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True,
                               check=False).stdout.strip())
    live, link, other = Folder(tmp_path), tmp_path / f"{private.PREFIX}link", tmp_path / f"{private.PREFIX}other"
    other.mkdir()
    (tmp_path / "outside").mkdir()
    link.symlink_to(tmp_path / "outside")
    assert left.is_dir()
    sweep(tmp_path)
    assert left.is_dir()  # so young that its owner may be about to lock it
    for path in (left, live.path, other):
        os.utime(path, (0, 0))
    sweep(tmp_path)
    assert not left.exists()
    assert live.path.exists()
    assert link.exists()
    assert other.exists()
    live.close()


def test_a_fork_does_not_delete_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    pid = os.fork()
    if not pid:
        folder.close()
        os._exit(0)
    os.waitpid(pid, 0)
    assert folder.path.exists()
    folder.close()
