"""The server of children: what a child may do, what it sees, and that nothing that it does hurts anybody else."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lth_engine.core.errors import LotteryError
from lth_engine.gate import child, landlock
from lth_engine.gate import server as server_module
from lth_engine.gate.limits import Limits
from lth_engine.gate.server import Server

SHORT = Limits(seconds=2)
ROOMY = Limits(seconds=20)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    """Whether a process ends within a second."""
    end = time.monotonic() + 1
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


def children() -> set[int]:
    """Processes that this one started, zombies too."""
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "given"
    path.write_bytes(b"contents")
    number = os.open(path, os.O_RDONLY)
    yield number
    os.close(number)


def test_a_question_and_its_answer(server: Server, file: int) -> None:
    heard: list[dict[str, object]] = []
    copied = bytearray()
    ended = server.call("echo", [file, file], {"a": [1, "b"]}, copy=copied.extend, heard=heard.append)
    assert ended.result is not None
    assert ended.result["arguments"] == {"a": [1, "b"]}
    assert ended.result["sizes"] == [8, 8]
    assert ended.result["starts"] == [b"contents".hex()] * 2
    assert heard == [{"stage": "reading"}]
    assert copied == b"contents" * 2
    assert server.pid not in (None, os.getpid(), ended.result["pid"])


def test_the_environment_is_a_short_list(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1", "HDF5_PLUGIN_PATH": "/tmp", "PYTHONPATH": "/tmp",
               "PYTHONSTARTUP": "/tmp/x", "SOME_SECRET_KEY": "s3cret", "HOME": "/root", "LD_PRELOAD": ""}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    server = Server("tests.gate.entries")
    try:
        seen = server.call("surroundings", [], {}).result
    finally:
        server.close()
    assert seen is not None
    assert not set(secrets) & set(seen["environment"])
    assert "s3cret" not in str(seen)
    assert seen["environment"]["HDF5_PLUGIN_PRELOAD"] == "::"
    assert seen["environment"]["CUDA_VISIBLE_DEVICES"] == ""
    assert seen["environment"]["OMP_NUM_THREADS"] == "1"
    assert seen["flags"] == 1


def test_a_child_has_its_own_session_few_files_and_limits(server: Server, file: int) -> None:
    seen = server.call("surroundings", [file], {}, ROOMY, copy=lambda _: None).result
    assert seen is not None
    assert seen["session"] == seen["group"] == seen["pid"]
    assert seen["parent"] == server.pid
    assert seen["core"] == [0, 0]
    assert seen["size"] == [0, 0]
    assert seen["cpu"] == [20, 21]
    assert seen["files"] == [64, 64]
    assert seen["privileges"] == 1
    targets = [target.split(":")[0] for target in seen["open"].values()]
    assert targets.count("/dev/null") == 3
    assert targets.count("pipe") == 2
    assert sum(target.endswith("given") for target in targets) == 1
    assert len(targets) == 6


@pytest.mark.parametrize(("entry", "limits", "why"), [
    ("hog", Limits(seconds=20, memory=200_000_000), "memory"),
    ("spin", Limits(seconds=1), "time"),
    ("stubborn", Limits(seconds=1), "time"),
    ("abort", ROOMY, "crash"),
    ("segfault", ROOMY, "crash"),
    ("leave", ROOMY, "crash"),
    ("huge", ROOMY, "too much"),
    ("chatter", ROOMY, "too much"),
    ("too_many_values", ROOMY, "too much"),
    ("too_large_a_number", ROOMY, "too much"),
    ("recurse", ROOMY, "failed"),
    ("unknown", ROOMY, "failed"),
    ("infinite", ROOMY, "failed"),
    ("no such entry", ROOMY, "failed"),
])
def test_a_child_that_misbehaves(entry: str, limits: Limits, why: str, server: Server) -> None:
    server.warm()
    pid = server.pid
    ended = server.call(entry, [], {}, limits)
    assert (ended.result, ended.error, ended.why) == (None, "", why)
    assert server.call("echo", [], {}).result is not None
    assert server.pid == pid


def test_the_clock_runs_while_a_child_sleeps(server: Server) -> None:
    began = time.monotonic()
    assert server.call("sleep", [], {"seconds": 60}, Limits(seconds=1)).why == "time"
    assert time.monotonic() - began < 3


def test_processor_time_is_counted_by_the_kernel(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child whose server does not look is ended by RLIMIT_CPU."""
    server.warm()
    began = time.monotonic()
    thread = threading.Timer(0.3, os.kill, [server.pid, signal.SIGSTOP])
    other = threading.Timer(2.5, os.kill, [server.pid, signal.SIGCONT])
    thread.start()
    other.start()
    ended = server.call("spin", [], {}, Limits(seconds=1))
    assert ended.why == "time"
    assert "-24" in ended.detail or "time" in ended.detail
    assert time.monotonic() - began < 6


@pytest.mark.parametrize("text", ["\0\0\0\5hello", "zzzz", "\0\0\0\0", "\0\0\0\2[]", "\0\0\0\2{}"])
def test_a_child_that_sends_garbage(text: str, server: Server) -> None:
    ended = server.call("garbage", [], {"text": text}, Limits(seconds=1))
    assert ended.result is None
    assert ended.why in ("too much", "time")
    assert server.call("echo", [], {}).result is not None


def test_a_child_writes_no_file(server: Server, file: int, tmp_path: Path) -> None:
    target = tmp_path / "outside"
    assert server.call("write_file", [], {"path": str(target)}).why == "failed"
    assert not target.exists() or not target.stat().st_size
    server.call("write_input", [file], {})
    assert (tmp_path / "given").read_bytes() == b"contents"


def test_a_child_opens_few_files(server: Server) -> None:
    seen = server.call("open_files", [], {}).result
    assert seen is not None
    assert seen["count"] < 64


def test_what_a_child_leaves_behind_is_killed(server: Server) -> None:
    began = time.monotonic()
    left = server.call("fork", [], {}).result
    if left is None:
        assert os.geteuid()  # not root: it may not fork at all
    else:
        assert gone(left["left"])
    assert time.monotonic() - began < 2


def test_an_error_of_the_lab_keeps_its_name_and_sentence(server: Server) -> None:
    ended = server.call("refuse", [], {})
    assert (ended.error, ended.text) == ("FileRefused", "Refused: it asks for something.")


def test_the_copy_is_cut_off_at_its_cap_and_grows_nothing_here(server: Server) -> None:
    taken: list[int] = []
    ended = server.call("endless_copy", [], {}, Limits(copy=10_000_000), copy=lambda data: taken.append(len(data)))
    assert ended.why == "long copy"
    assert sum(taken) <= 10_000_000


def test_a_copy_that_cannot_be_written_ends_the_child(server: Server) -> None:
    def full(data: bytes) -> None:
        if data:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        server.call("endless_copy", [], {}, ROOMY, copy=full)
    assert server.call("echo", [], {}).result is not None


def test_two_at_a_time_and_the_others_wait(server: Server) -> None:
    server.warm()
    most, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.is_set():
            listed = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            most[0] = max(most[0], len(listed))
            time.sleep(0.002)

    done: list[bool] = []
    watching = threading.Thread(target=watch)
    watching.start()
    asking = [threading.Thread(target=lambda: done.append(
        server.call("sleep", [], {"seconds": 0.1}).result == {"slept": True})) for _ in range(10)]
    began = time.monotonic()
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    stop.set()
    watching.join()
    assert done == [True] * 10
    assert most[0] == 2
    assert time.monotonic() - began >= 0.5


def test_nothing_leaks(server: Server) -> None:
    others = children()
    server.call("echo", [], {}, copy=lambda _: None)
    gc.collect()
    before, born = descriptors(), children()
    held = Path(f"/proc/{server.pid}/fd")
    open_there = len(list(held.iterdir()))
    for number in range(60):
        entry = ("echo", "abort", "unknown", "refuse")[number % 4]
        server.call(entry, [], {}, copy=lambda _: None)
    gc.collect()
    assert descriptors() == before
    assert children() == born == others | {server.pid}
    assert len(list(held.iterdir())) == open_there
    assert Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text() == ""


def test_a_server_that_is_killed_is_started_again(server: Server) -> None:
    server.warm()
    first = server.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert server.call("echo", [], {}).result is not None
    assert server.pid != first


def test_a_question_survives_the_death_of_its_server(server: Server) -> None:
    copied = bytearray()
    pids: list[int | None] = []

    def take(data: bytes) -> None:
        copied.extend(data) if data else copied.clear()

    def kill(_: object) -> None:
        if not pids:
            pids.append(server.pid)
            os.kill(server.pid or 0, signal.SIGKILL)
            assert gone(pids[0] or 0)  # the answer may be here already: then nobody else waits for its end

    path = Path(__file__)
    with path.open("rb") as file:
        ended = server.call("echo", [file.fileno()], {}, ROOMY, copy=take, heard=kill)
    assert ended.result is not None
    assert copied == path.read_bytes()
    assert server.pid not in pids


def test_a_server_that_dies_every_time(server: Server) -> None:
    ended = server.call("wait", [], {}, ROOMY, heard=lambda _: os.kill(server.pid or 0, signal.SIGKILL))
    assert ended.why == "crash"
    assert server.call("echo", [], {}).result is not None


def test_a_server_that_is_stuck_is_replaced(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lth_engine.gate.hearing.GRACE_SECONDS", 0.5)
    began = time.monotonic()
    ended = server.call("wait", [], {}, Limits(seconds=1), heard=lambda _: os.kill(server.pid or 0, signal.SIGSTOP))
    assert ended.why == "crash"
    assert server.call("echo", [], {}).result is not None
    assert time.monotonic() - began < 8


@pytest.mark.skipif(landlock.abi(ctypes.CDLL(None)) < 6, reason="This kernel's Landlock cannot do all of it")
def test_a_child_creates_starts_calls_and_signals_nothing(server: Server, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"kept")
    for name in ("there", "new"):
        assert server.call("write_file", [], {"path": str(tmp_path / name)}).text == "PermissionError"
    assert (tmp_path / "there").read_bytes() == b"kept"
    assert os.listdir(tmp_path) == ["there"]
    assert server.call("start_program", [], {}).result == {"status": None}
    assert server.call("signal_server", [], {}).result == {"sent": False}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert server.call("connect", [], {"port": listening.getsockname()[1]}).result == {"connected": False}


@pytest.mark.skipif(landlock.abi(ctypes.CDLL(None)) < 1, reason="This kernel has no Landlock")
def test_a_child_reads_what_it_was_given_and_nothing_else_of_its_user(server: Server, file: int,
                                                                      tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    closed = [str(secret), str(tmp_path), "/etc/passwd", f"/proc/{os.getpid()}/environ", os.path.expanduser("~"),
              str(Path(__file__).parents[2] / "README.md")]
    said = server.call("read_other", [file, file], {"paths": closed}).result
    assert said == {"said": dict.fromkeys(closed, "Permission denied"), "given": ["contents"] * 2}
    open_ = [os.__file__, str(Path(landlock.__file__)), "/proc/self/statm", "/dev/null"]
    assert all(isinstance(n, int) for n in server.call("read_other", [], {"paths": open_}).result["said"].values())


def test_children_end_with_the_server(server: Server) -> None:
    server.warm()
    pid = server.pid
    thread = threading.Thread(target=server.call, args=("sleep", [], {"seconds": 60}, Limits(seconds=60)))
    thread.start()
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    while not (asleep := listed.read_text().split()):
        time.sleep(0.005)
    os.kill(pid or 0, signal.SIGKILL)
    assert gone(int(asleep[0]))
    while thread.is_alive():  # it asks once more
        server.close()
        thread.join(0.05)


def test_the_server_ends_with_its_parent() -> None:
    """The parent's end of the socket is the only one: nothing else keeps the server."""
    others, server = children(), Server("tests.gate.entries")
    server.warm()
    pid = server.pid
    assert pid is not None
    assert server._line is not None
    server._line.close()
    assert gone(pid)
    server.close()
    assert children() == others


def test_a_table_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    others, server = children(), Server("tests.gate.no_such_entries")
    with pytest.raises(LotteryError, match=r"did not start \(ModuleNotFoundError"):
        server.call("echo", [], {})
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(LotteryError, match=r"cannot be started \(No such file"):
        server.call("echo", [], {})
    monkeypatch.undo()
    monkeypatch.setattr(server_module, "BOOT", "import time; time.sleep(60)")
    monkeypatch.setattr(server_module, "START_SECONDS", 0.2)
    with pytest.raises(LotteryError, match="did not start"):
        server.call("echo", [], {})
    server.close()
    assert children() == others


def test_many_threads_start_one_server(server: Server) -> None:
    pids: list[int] = []
    threads = [threading.Thread(target=lambda: pids.append(server.call("surroundings", [], {}).result["parent"]))
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 8
    assert set(pids) == {server.pid}


def test_the_server_holds_nothing_of_its_parent(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, open(tmp_path / "mine", "wb") as mine:
        os.set_inheritable(listening.fileno(), True)
        os.set_inheritable(mine.fileno(), True)
        server = Server("tests.gate.entries")
        server.warm()
        held = [os.readlink(link) for link in Path(f"/proc/{server.pid}/fd").iterdir()]
        server.close()
    assert not [target for target in held if target.endswith("mine")]
    assert sum(target.startswith("socket:") for target in held) == 1


def test_the_server_of_the_lab_has_one_thread_and_its_children_load_nothing(real_server: Server) -> None:
    """A fork of a process with threads may hang."""
    real_server.warm()
    assert len(os.listdir(f"/proc/{real_server.pid}/task")) == 1
    maps = Path(f"/proc/{real_server.pid}/maps").read_text()
    assert "libtorch_cpu" in maps
    assert "libhdf5" in maps


@pytest.mark.skipif(shutil.which("ps") is None, reason="There is no ps")
def test_memory_where_the_system_has_no_limit_of_it() -> None:
    """What the server looks at on macOS."""
    ours = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    assert child._resident(os.getpid()) == pytest.approx(ours, rel=0.1)
    assert child._resident(2**22 + 1) == 0
