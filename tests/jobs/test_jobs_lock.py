"""The kernel says who lives."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from lth_engine.core.errors import StoreError
from lth_engine.jobs.local import ensure_supervisor
from lth_engine.jobs.lock import RecordLock, exclusive, holder
from lth_engine.jobs.server import claim_server
from lth_engine.jobs.supervisor import environment

HOLD = """
import sys, time
from pathlib import Path
from lth_engine.jobs.lock import RecordLock
print(RecordLock(Path(sys.argv[1])).acquire() and "held" or "refused", flush=True)
time.sleep(float(sys.argv[2]))
"""


def other(path, seconds=0):
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(path), str(seconds)], stdout=subprocess.PIPE, text=True,
                             env=environment())
    return child, child.stdout.readline().strip()


def end(child):
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()


def test_the_holder_is_the_living_process_and_nobody_after_sigkill(tmp_path):
    path = tmp_path / "lock"
    assert holder(path) is None
    child, word = other(path, 60)
    assert word == "held"
    assert holder(path) == child.pid
    assert not RecordLock(path).acquire()
    end(child)
    assert holder(path) is None
    assert RecordLock(path).acquire()


def test_asking_for_the_holder_does_not_drop_the_own_lock(tmp_path):
    path = tmp_path / "lock"
    lock = RecordLock(path)
    assert lock.acquire()
    assert holder(path) == os.getpid()
    assert not RecordLock(path).acquire()
    child, word = other(path)
    end(child)
    assert word == "refused"
    lock.release()
    child, word = other(path)
    end(child)
    assert word == "held"


def test_a_child_made_by_fork_does_not_inherit_the_lock(tmp_path):
    path = tmp_path / "lock"
    code = (HOLD.replace("time.sleep(float(sys.argv[2]))", "")
            + "import os\nchild = os.fork()\nif child == 0:\n    time.sleep(60)\n"
              "print(child, flush=True)\ntime.sleep(60)\n")
    parent = subprocess.Popen([sys.executable, "-c", code, str(path), "0"], stdout=subprocess.PIPE, text=True,
                              env=environment())
    assert parent.stdout.readline().strip() == "held"
    forked = int(parent.stdout.readline())
    try:
        end(parent)
        assert holder(path) is None
    finally:
        os.kill(forked, signal.SIGKILL)


def test_a_deleted_lock_file_is_taken_anew_unless_another_was_faster(tmp_path):
    path = tmp_path / "lock"
    lock = RecordLock(path)
    assert lock.acquire()
    assert lock.keep()
    path.unlink()
    assert lock.keep()
    assert holder(path) == os.getpid()
    path.unlink()
    child, word = other(path, 60)
    assert word == "held"
    assert not lock.keep()
    assert holder(path) == child.pid
    end(child)


def test_a_critical_section_excludes_threads(tmp_path):
    inside, most = [], []

    def enter():
        with exclusive(tmp_path / "section"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()
    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


@pytest.mark.parametrize("use", [lambda path: exclusive(path).__enter__(), lambda path: RecordLock(path).acquire(),
                                 holder, lambda path: claim_server(path.parents[1]),
                                 lambda path: ensure_supervisor(path.parents[1], path.parents[1] / "data")])
def test_a_file_in_the_place_of_the_folder_of_locks_is_named(tmp_path, use):
    (tmp_path / "locks").write_text("mine")
    with pytest.raises(StoreError, match=r"locks must be a folder and is a file\. Move it away"):
        use(tmp_path / "locks" / "one")


def test_a_full_disk_is_told_in_words(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "open", full)
    for use in (lambda: RecordLock(tmp_path / "lock").acquire(), lambda: exclusive(tmp_path / "lock").__enter__()):
        with pytest.raises(StoreError, match=r"The disk is full, so .*lock cannot be written"):
            use()


def test_a_file_system_without_locks_is_told_in_words(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")
    monkeypatch.setattr(fcntl, "lockf", refuse)
    with pytest.raises(StoreError, match=r"cannot be used \(No locks available\)"):
        RecordLock(tmp_path / "lock").acquire()
