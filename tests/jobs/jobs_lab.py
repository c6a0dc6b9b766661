"""A store with a supervisor whose workers are fakes; only processes of this store are ever killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from lth_engine.core.step import Step
from lth_engine.jobs.local import supervisor_pid
from lth_engine.jobs.lock import holder
from lth_engine.jobs.queue import Queue
from lth_engine.jobs.supervisor import environment
from lth_engine.specs.data import OwnImages
from lth_engine.specs.questions import Price, TicketSearch
from lth_engine.specs.tickets import DenseTicket
from lth_engine.specs.training import Training

SUPERVISE = (sys.executable, str(Path(__file__).with_name("supervise.py")))


class Lab:
    """One store under test; `worker` is the script beside this one that its workers run."""

    def __init__(self, root: Path, worker: str = "fake_answer.py") -> None:
        self.root, self.worker = root, worker
        self.data = root.parent / "data"
        self.queue = Queue(root)
        self.supervisors: list[subprocess.Popen] = []

    def start(self, **variables: str) -> subprocess.Popen:
        """A supervisor in a session of its own, living."""
        log = self.root.parent / "supervisor.log"
        with log.open("ab") as output:
            child = subprocess.Popen([*SUPERVISE, str(self.root), "--data", str(self.data)], stdout=output,
                                     stderr=output, start_new_session=True,
                                     env=environment() | {"LAB_WORKER": self.worker} | variables)
        self.supervisors.append(child)
        until(lambda: supervisor_pid(self.root) is not None or child.poll() is not None)
        return child

    def worker_pid(self, job_id: str) -> int | None:
        """The living worker of a job."""
        return holder(self.queue.lock_path(job_id))

    def wait(self, job_id: str, *states: str, seconds: float = 20):
        """The job once it is in one of the states (by default: ended)."""
        wanted = states or ("done", "failed", "cancelled")
        until(lambda: self.queue.get(job_id).state in wanted, seconds, lambda: self.describe(job_id))
        return self.queue.get(job_id)

    def describe(self, job_id: str) -> str:
        """The job and its log, for a message."""
        log = self.queue.log_path(job_id)
        return f"{self.queue.get(job_id)}\n{log.read_text() if log.exists() else ''}"

    def end(self) -> None:
        """End everything that runs on this store."""
        for child in self.supervisors:
            child.kill()
            child.wait()
        pid = supervisor_pid(self.root)
        if pid:
            os.kill(pid, signal.SIGKILL)
        for lock in self.root.glob("locks/job-*"):
            pid = holder(lock)
            if pid:
                kill(pid)


def kill(pid: int) -> None:
    """SIGKILL, unless it is gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def until(condition, seconds: float = 20, describe=lambda: "") -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {describe()}"
        time.sleep(0.01)


def long_question(words: str = "", seed: int = 0) -> DenseTicket:
    """A question of one artifact in the queue for long jobs."""
    return DenseTicket(data=OwnImages(path=words or "x"), init_seed=seed)


def quick_question(words: str = "") -> Price:
    """A question of one artifact in the slot for quick ones."""
    return Price(of=search(words))


def search(words: str = "", levels: int = 2, seed: int = 0) -> TicketSearch:
    """A question of about five artifacts a level."""
    return TicketSearch(data=OwnImages(path=words or "x"), levels=levels, replicates=1, seed=seed,
                        training=Training(length=Step(1)), controls=("random_mask",))
