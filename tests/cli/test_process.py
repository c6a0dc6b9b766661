"""The command line as a process: Ctrl-C keeps what is done, and looking never loads torch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lth_engine.jobs.queue import Queue
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.training import Training
from lth_engine.store.store import Store
from tests.cli.conftest import SEARCH

ROOT = Path(__file__).parents[2]
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Two threads wait for each other longer than they work on networks this small."""


def start(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "lth_engine", *map(str, words)], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ) | ONE_THREAD)


def run(*words: object) -> tuple[int, str, str]:
    child = start(*words)
    out, err = child.communicate(timeout=120)
    return child.returncode, out, err


def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    store = tmp_path / "lab"
    flags = ("--levels", 1, "--replicates", 1, "--controls", "none", "--length", "400ep", "--evaluate_every", "0ep")
    child = start("answer", *flags, "--store", store, "--device", "cpu")
    wait_for(lambda: len(list(store.glob("artifacts/*.h5"))) >= 1, child)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "the same command goes on from there" in err
    assert "Traceback" not in err
    assert out == ""
    kept = Store(store, create=False)
    assert kept.list(), "finished answers stay"
    for row in kept.list():
        kept.verify(row.key)
    training = Training.from_dict({"length": "400ep", "evaluate_every": "0ep"})
    run_key = TicketSearch(levels=1, replicates=1, controls=(), training=training).run(0, 0).key
    assert kept.checkpoint(run_key).load() is not None, "the unfinished run can go on"


def wait_for(done: object, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 90
    while not done():  # type: ignore[operator]
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_worker_does_what_is_queued(tmp_path: Path) -> None:
    store = tmp_path / "lab"
    Store(store)
    job = Queue(store).submit(SEARCH)
    code, _, err = run("worker", "--store", store, "--data-root", tmp_path, "--idle-minutes", 0.001)
    assert code == 0, err
    assert Queue(store).get(job.id).state == "done"
    assert Store(store).has([SEARCH.key])


@pytest.mark.parametrize("words", [("ls",), ("show", SEARCH.key), ("verify", "--all"), ("presets",), ("jobs",),
                                   ("answer", "--levels", 1, "--replicates", 2, "--controls", "random_mask",
                                    "--length", "1ep")], ids=lambda words: words[0])
def test_looking_never_loads_torch(shelf: Path, words: tuple[object, ...]) -> None:
    code = "import sys; from lth_engine.cli.main import main; status = main(sys.argv[1:]); " \
           "print('LOADED', sorted({'torch', 'sklearn', 'streamlit', 'plotly'} & set(sys.modules))); sys.exit(status)"
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], cwd=ROOT, text=True, capture_output=True,
                          check=False, env=dict(os.environ) | {"LTH_STORE": str(shelf)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("LOADED []")


def test_a_reader_that_left_is_no_error(shelf: Path) -> None:
    child = start("ls", "--all", "--json", "--store", shelf)
    assert child.stdout is not None
    child.stdout.close()
    _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
