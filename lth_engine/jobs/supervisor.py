"""The supervisor of one store: starts queued jobs as processes, and notices how they end.

It keeps nothing that matters in memory: the rows say what should be, the kernel locks say who
lives. So it may be killed at any moment, and the next one adopts the workers that go on. It loads
neither torch nor h5py.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lth_engine.core.errors import BadInput, LotteryError, NewerStore, StoreError
from lth_engine.jobs.job import DAMAGED, Job, State
from lth_engine.jobs.lock import RecordLock, holder, make_folder, refused
from lth_engine.jobs.needed import needed_keys
from lth_engine.jobs.queue import Queue
from lth_engine.specs.questions import question_from_dict

WORKER: tuple[str, ...] = (sys.executable, "-P", "-m", "lth_engine.jobs.worker")
"""Command of a worker, before its arguments."""

POLL_SECONDS = 0.1
PASS_SECONDS = 1.0
IDLE_PASS_SECONDS = 5.0
CANCEL_SECONDS = 5.0
LEAST_FREE_BYTES = 200_000_000
GIVE_UP_AFTER = 3

_GAVE_UP = ("The worker ended without a word three times and stored nothing new in between; most often the machine "
            "ran out of memory; see the log.")


def slots() -> int:
    """Number of long jobs that run at once: LTH_SLOTS, 1 unless it is set.

    Raises:
        BadInput: LTH_SLOTS is not a whole number of at least 1.
    """
    text = os.environ.get("LTH_SLOTS", "1")
    if not text.isdecimal() or int(text) < 1:
        raise BadInput(f"LTH_SLOTS must be a whole number of at least 1. Got {text!r}.")
    return int(text)


def lock_path(store_root: Path) -> Path:
    """The lock that a store's supervisor holds for life."""
    return Path(store_root).absolute() / "locks" / "supervisor"


def environment() -> dict[str, str]:
    """Environment of a process that imports this package, wherever it is started."""
    package = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH", "")
    return dict(os.environ) | {"PYTHONPATH": os.pathsep.join(filter(None, [package, known]))}


class Supervisor:
    """Runs the jobs of one store until nothing is left to do for `idle_minutes`.

    Args:
        store_root: folder of the store.
        data_root: folder of the data sets, handed to the workers.
        idle_minutes: it ends after so many minutes without a live job.
        worker: command of a worker; STORE JOB_ID ATTEMPT --data DIR are appended.
        long_jobs: number of long jobs at once; quick ones have one slot of their own besides.

    Raises:
        BadInput: `idle_minutes` is not a number from 0.
    """

    def __init__(self, store_root: Path, data_root: Path, *, idle_minutes: float = 10.0,
                 worker: Sequence[str] = WORKER, long_jobs: int = 1) -> None:
        if not idle_minutes >= 0:
            raise BadInput(f"--idle-minutes must be a number from 0. Got {idle_minutes:g}.")
        self.queue = Queue(store_root)
        self.data_root = Path(data_root).absolute()
        self.idle_seconds = idle_minutes * 60
        self.worker, self.long_jobs = tuple(worker), long_jobs
        self.lock = RecordLock(lock_path(store_root))
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._told: dict[tuple[str, int], float] = {}

    def run(self) -> int:
        """Supervise until idle; returns at once if another supervisor lives. Returns an exit status.

        Raises:
            StoreError: the queue cannot be used.
        """
        self.queue.live()
        make_folder(self.lock.path.parent)
        while self.lock.acquire():
            self._say(f"supervisor {os.getpid()}: {self.long_jobs} long job(s) at once")
            if not self._until_idle():
                self._say("the store is gone or another supervisor took over")
                return 0
            self.lock.release()
            # A job submitted just now may have seen this supervisor alive.
            if not self.queue.live():
                self._say(f"idle for {self.idle_seconds / 60:g} minutes")
                return 0
        return 0

    def _until_idle(self) -> bool:
        """Pass over the queue whenever it may have changed; False when the lock or store is lost."""
        seen: tuple[int, ...] = ()
        passed = busy = time.monotonic()
        patience = PASS_SECONDS
        while True:
            now, signature = time.monotonic(), self.queue.database.signature()
            ended = any(child.poll() is not None for child in self._children.values())
            if signature != seen or ended or now - passed >= patience:
                if not self.lock.keep():
                    return False
                seen, passed = signature, now
                patience = min(IDLE_PASS_SECONDS, self.idle_seconds)
                if self._guarded_pass():
                    busy, patience = now, PASS_SECONDS
                elif now - busy >= self.idle_seconds:
                    return True
            time.sleep(POLL_SECONDS)

    def _guarded_pass(self) -> bool:
        try:
            return self.look_once()
        except NewerStore:
            raise
        except (LotteryError, OSError) as error:
            self._say(str(error))
            time.sleep(PASS_SECONDS)
            return True

    def look_once(self) -> bool:
        """One pass: settle the jobs whose worker is gone, press those being cancelled, fill the free
        slots. Returns whether there is any live job."""
        ended = {id: child for id, child in self._children.items() if child.poll() is not None}
        jobs = self.queue.live()
        working: list[Job] = []
        for job in jobs:
            if job.state == "queued":
                continue
            if not self._alive(job):
                self._settle(job)
                continue
            working.append(job)
            if job.state == "cancelling":
                self._press(job)
        waiting = [job for job in jobs if job.state == "queued"]
        for quick, limit in ((False, self.long_jobs), (True, 1)):
            free = limit - sum(job.quick == quick for job in working)
            for job in [j for j in waiting if j.quick == quick][:max(0, free)]:
                self._start(job)
        for id, child in ended.items():
            if self._children.get(id) is child:
                del self._children[id]
        return bool(jobs)

    def _alive(self, job: Job) -> bool:
        child = self._children.get(job.id)
        if child is not None and child.poll() is None:
            return True
        return holder(self.queue.lock_path(job.id)) is not None

    def _settle(self, job: Job) -> None:
        """The worker is gone: unless it left a verdict meanwhile, queue the job again or give up."""
        child = self._children.get(job.id)
        state: State | None
        self._told.pop((job.id, job.attempt), None)
        if job.damaged:
            state = "failed" if self.queue.finish(job.id, job.attempt, "failed", DAMAGED) else None
        elif job.pid is None and child is None and job.state == "running":
            # The last supervisor died before its worker began: nobody's loss.
            state = self.queue.stopped(job.id, job.attempt)
        else:
            stored = self._stored(job)
            state = self.queue.lost(job.id, job.attempt, stored, GIVE_UP_AFTER, _GAVE_UP)
        if state is not None:
            how = f"exit status {child.returncode}" if child is not None else "exit status unknown"
            self._note(job, f"--- the worker of attempt {job.attempt} is gone ({how}); the job is {state}")

    def _stored(self, job: Job) -> int:
        """How many of the job's answers, inputs included, are in the store."""
        try:
            question = question_from_dict(dict(job.spec))
        except BadInput:
            return 0
        from lth_engine.store.store import Store  # loads h5py, hence only here

        store = Store(self.queue.root)
        return len(store.has(needed_keys(question, store.summary)))

    def _press(self, job: Job) -> None:
        """SIGTERM first; after CANCEL_SECONDS SIGKILL to the whole process group."""
        pid = self._pid(job)
        if pid is None:
            return
        told = self._told.get((job.id, job.attempt))
        if told is None:
            self._told[job.id, job.attempt] = time.monotonic()
            _signal(pid, signal.SIGTERM)
        elif time.monotonic() - told >= CANCEL_SECONDS:
            self._note(job, f"--- it did not stop within {CANCEL_SECONDS:g} s and was killed")
            _signal(pid, signal.SIGKILL)

    def _pid(self, job: Job) -> int | None:
        """The worker's process, surely alive: our own child, or the holder of the job's lock."""
        child = self._children.get(job.id)
        if child is not None and child.poll() is None:
            return child.pid
        return holder(self.queue.lock_path(job.id)) or None

    def _start(self, waiting: Job) -> None:
        job = self.queue.claim(waiting.id)
        if job is None:
            return
        if job.damaged:
            self.queue.finish(job.id, job.attempt, "failed", DAMAGED)
            return
        free = shutil.disk_usage(self.queue.root).free
        if free < LEAST_FREE_BYTES:
            self.queue.finish(job.id, job.attempt, "failed",
                              f"The disk of the store has {free / 1e6:.0f} MB left; a job needs "
                              f"{LEAST_FREE_BYTES / 1e6:.0f} MB to start. Free some space and resume the job.")
            return
        command = [*self.worker, str(self.queue.root), job.id, str(job.attempt), "--data", str(self.data_root)]
        log = self.queue.log_path(job.id)
        try:
            make_folder(log.parent)
            with log.open("ab") as output:
                self._children[job.id] = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                    env=environment())
        except (StoreError, OSError) as error:
            told = error if isinstance(error, StoreError) else refused(Path(error.filename or log), error)
            self.queue.finish(job.id, job.attempt, "failed", f"The worker could not be started: {told}")

    def _note(self, job: Job, line: str) -> None:
        with self.queue.log_path(job.id).open("a", encoding="utf-8") as log:
            print(line, file=log)
        self._say(f"{job.id}: {line}")

    @staticmethod
    def _say(line: str) -> None:
        print(time.strftime("%Y-%m-%d %H:%M:%S"), line, flush=True)


def _signal(pid: int, number: signal.Signals) -> None:
    """To the process, or for SIGKILL to all of the group that it leads."""
    try:
        if number == signal.SIGKILL and os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return  # it ended by itself meanwhile
