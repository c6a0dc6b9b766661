"""Several processes at once, and processes that are killed."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from store_samples import answer, put, python, question, same

from lth_engine.core.errors import Cancelled
from lth_engine.store import claim as claim_module
from lth_engine.store.store import Store

FORK_WRITERS = """
import itertools, os, sys
from pathlib import Path
import numpy as np
from store_samples import put
from lth_engine.store.store import Store
for line in sys.stdin:
    if os.fork():
        os.wait()
        print("dead", flush=True)
        continue
    print(os.getpid(), flush=True)
    store = Store(Path(sys.argv[1]))
    for number in itertools.count(int(line)):
        key = put(store, number).key
        store.checkpoint(key).save({"w": np.ones(50_000)}, {"number": number})
        print(number, flush=True)
"""

PUT_SOME = """
import sys
from pathlib import Path
from store_samples import put
from lth_engine.store.store import Store
store = Store(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    put(store, number)
"""

HOLD = """
import sys, time
from pathlib import Path
from lth_engine.store.store import Store
with Store(Path(sys.argv[1])).claim(sys.argv[2], lambda: None):
    print("held", flush=True)
    time.sleep(60)
"""


def kill_a_writer(forker: subprocess.Popen[str], rng: random.Random, start: int) -> set[int]:
    """Let a process put until it is killed; the numbers that it said were put."""
    assert forker.stdin is not None
    assert forker.stdout is not None
    forker.stdin.write(f"{start}\n")
    forker.stdin.flush()
    pid = int(forker.stdout.readline())
    said = [forker.stdout.readline()]
    time.sleep(rng.random() * 0.15)
    os.kill(pid, signal.SIGKILL)
    said += iter(forker.stdout.readline, "dead\n")
    return {int(line) for line in said}


def check_after_kills(root: Path, rounds: int) -> None:
    rng, put_so_far, checked, forker = random.Random(0), set[int](), set[str](), python(FORK_WRITERS, root)
    for number in range(rounds):
        put_so_far |= kill_a_writer(forker, rng, 10_000 * number)
        store = Store(root)
        expected = {question(n).key for n in put_so_far}
        stored = store.stored_keys()
        assert expected <= stored
        assert {row.key for row in store.list()} == stored
        assert not [p for p in root.rglob("*") if p.name.endswith(".tmp") or "corrupt" in p.name]
        for key in stored - checked:
            store.verify(key)
        checked = stored
        saved = store.checkpoint(question(max(put_so_far)).key).load()
        assert saved is not None
        assert saved[1] == {"number": max(put_so_far)}
    forker.communicate()
    assert len(put_so_far) >= rounds


def test_a_killed_writer_loses_nothing_that_it_finished(tmp_path: Path) -> None:
    check_after_kills(tmp_path / "store", 10)


@pytest.mark.slow
def test_a_writer_killed_200_times_loses_nothing_that_it_finished(tmp_path: Path) -> None:
    check_after_kills(tmp_path / "store", 200)


def test_processes_put_the_same_and_different_keys(store: Store) -> None:
    spans = [(0, 20), (0, 20), (10, 30)]
    processes = [python(PUT_SOME, store.root, *span) for span in spans]
    while any(process.poll() is None for process in processes):
        store.list()
        time.sleep(0.01)
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    expected = {question(n).key for n in range(30)}
    assert {row.key for row in store.list()} == store.stored_keys() == expected
    for number in (0, 15, 29):
        assert store.get(question(number).key).summary == answer(number).summary


def test_the_index_may_vanish_under_processes_that_put(store: Store) -> None:
    processes = [python(PUT_SOME, store.root, start, start + 25) for start in (0, 100)]
    removed = 0
    while any(process.poll() is None for process in processes):
        for ending in ("-wal", "-shm", ""):
            (store.root / f"index.sqlite{ending}").unlink(missing_ok=True)
        removed += 1
        store.list(limit=1)
        time.sleep(0.05)
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert removed > 2
    keys = {question(n).key for n in [*range(25), *range(100, 125)]}
    assert set(store.rows(keys)) == keys == {row.key for row in Store(store.root).list()}


def test_half_written_files_of_the_dead_are_swept_and_others_left(store: Store) -> None:
    process = python("pass")
    process.communicate()
    dead, host = process.pid, os.uname().nodename
    folder = store.root / "artifacts"
    gone = [folder / f".k.h5.{host}.{dead}.ab.tmp", folder / f".k.h5.{host}.{os.getpid()}.ab.tmp",
            store.root / "checkpoints" / f".k.h5.{host}.{dead}.ab.tmp"]
    left = [folder / f".k.h5.elsewhere.{dead}.ab.tmp", folder / f".k.h5.{host}.{os.getppid()}.ab.tmp",
            folder / ".other.tmp"]
    for path in gone + left:
        path.touch()
    Store(store.root)
    assert [path.exists() for path in gone] == [False] * 3
    assert [path.exists() for path in left] == [True] * 3


def test_a_temporary_file_in_use_is_not_swept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync, seen = os.fsync, []

    def open_meanwhile(handle: int) -> None:
        Store(store.root)
        seen.extend(store.root.rglob("*.tmp"))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", open_meanwhile)
    written = put(store)
    monkeypatch.undo()
    assert len(seen) >= 1
    assert same(store.get(written.key), written)


def test_a_claim_waits_for_another_process_and_for_its_death(store: Store) -> None:
    key = question().key
    process = python(HOLD, store.root, key)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    polls = []

    def stop() -> None:
        polls.append(1)
        if len(polls) == 3:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled), store.claim(key, stop):
        raise AssertionError("two hold the same claim")
    process.kill()
    process.communicate()
    with store.claim(key, lambda: None):
        pass


def test_threads_exclude_one_another(store: Store) -> None:
    inside, most, polls = [0], [0], []

    def work() -> None:
        for _ in range(3):
            with Store(store.root).claim(question().key, lambda: polls.append(1)):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.06)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
    assert polls


def test_another_process_waits_while_a_thread_holds_and_another_thread_gave_up(store: Store) -> None:
    """A POSIX lock is dropped by closing any handle of the file: a waiting thread must not open it."""
    key = question().key
    refused = threading.Event()

    def give_up() -> None:
        def stop() -> None:
            raise Cancelled("Stopped.")
        with pytest.raises(Cancelled), store.claim(key, stop):
            raise AssertionError("two hold the same claim")
        refused.set()

    with store.claim(key, lambda: None):
        thread = threading.Thread(target=give_up)
        thread.start()
        thread.join()
        process = python(HOLD, store.root, key)
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 1.5)[0] == []
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.communicate()
    assert refused.is_set()


def test_claims_of_different_keys_do_not_wait(store: Store) -> None:
    with store.claim(question(0).key, pytest.fail), store.claim(question(1).key, pytest.fail):
        assert claim_module.POLL_SECONDS == 0.1
