"""One job in one process: `python -m lth_engine.jobs.worker STORE JOB_ID ATTEMPT --data DIR`.

The process holds the job's lock for life, computes the answer, and writes the verdict in words.
"""

from __future__ import annotations

import argparse
import errno
import faulthandler
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from lth_engine.core.artifact import Artifact
from lth_engine.core.errors import Cancelled, LotteryError
from lth_engine.core.workbench import Progress
from lth_engine.jobs.job import Job
from lth_engine.jobs.lock import RecordLock, make_folder
from lth_engine.jobs.needed import needed_keys
from lth_engine.jobs.queue import Queue
from lth_engine.jobs.reporter import Reporter
from lth_engine.specs.question import Question
from lth_engine.specs.questions import question_from_dict
from lth_engine.store.store import Store

LOCK_SECONDS = 10.0
"""How long a worker waits for one of an older attempt that has not ended yet."""


class Answerer(Protocol):
    """The signature of :func:`lth_engine.answer.answer`, as far as a worker uses it."""

    def __call__(self, question: Question, store: Store, *, data_root: Path,
                 report: Callable[[Progress], None]) -> Artifact:
        """Compute the answer and store it."""


def run(store_root: Path, job_id: str, attempt: int, data_root: Path, answer: Answerer | None = None) -> int:
    """Do one attempt of a job in this process, which must do nothing else.

    Args:
        store_root: folder of the store and the queue.
        job_id: the job.
        attempt: number of the attempt; one that is not wanted any more ends at once.
        data_root: folder of the data sets.
        answer: stands in for :func:`lth_engine.answer.answer` in tests of the queue.

    Returns:
        exit status: 0 if there was nothing to do or it was done or stopped, 1 if it failed.
    """
    faulthandler.enable()
    queue = Queue(store_root)
    lock = RecordLock(queue.lock_path(job_id))
    make_folder(lock.path.parent)
    if not lock.acquire(LOCK_SECONDS):
        print(f"Attempt {attempt}: another worker still has this job.", file=sys.stderr)
        return 1
    job = queue.begin(job_id, attempt, os.getpid())
    if job is None:
        print(f"Attempt {attempt}: not wanted any more.", file=sys.stderr)
        return 0
    print(f"--- attempt {attempt}, process {os.getpid()}, {time.strftime('%Y-%m-%d %H:%M:%S')}", flush=True)
    return _attempt(queue, job, lock, data_root, answer)


def _attempt(queue: Queue, job: Job, lock: RecordLock, data_root: Path, answer: Answerer | None) -> int:
    with Reporter(queue, job, lock) as reporter:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: reporter.stop())
        try:
            _compute(queue, job, data_root, reporter, answer)
            error = ""
        except Cancelled as stop:
            print(stop, flush=True)
            return _stopped(queue, job)
        except Exception as failure:
            error = in_words(failure)
            if not isinstance(failure, LotteryError):
                traceback.print_exc()
            print(error, file=sys.stderr, flush=True)
    return _ended(queue, job, error)


def _stopped(queue: Queue, job: Job) -> int:
    try:
        state = queue.stopped(job.id, job.attempt)
    except LotteryError as trouble:
        print(trouble, file=sys.stderr, flush=True)
        return 1
    print(f"--- stopped; the job is {state or 'not this attempt’s any more'}", flush=True)
    return 0


def _ended(queue: Queue, job: Job, error: str) -> int:
    try:
        counted = queue.finish(job.id, job.attempt, "failed" if error else "done", error)
    except LotteryError as trouble:
        print(trouble, file=sys.stderr, flush=True)
        return 1
    print(f"--- {'failed' if error else 'done'}{'' if counted else ' (too late to count)'}", flush=True)
    return 1 if error else 0


def _compute(queue: Queue, job: Job, data_root: Path, reporter: Reporter, answer: Answerer | None) -> None:
    if answer is None:
        from lth_engine.answer import answer as computed  # loads torch, hence only here

        answer = computed
    question, store = question_from_dict(dict(job.spec)), Store(queue.root)
    if job.attempt > 1:
        # An attempt that was killed just after it stored an answer has left the checkpoint behind.
        for key in store.has(needed_keys(question, store.summary)):
            store.checkpoint(key).discard()
    answer(question, store, data_root=data_root, report=reporter.report)


def in_words(failure: Exception) -> str:
    """One sentence for the job's row: what happened and what to do next."""
    text = " ".join(str(failure).split())
    if isinstance(failure, LotteryError):
        return text
    if type(failure).__name__ == "OutOfMemoryError":
        return ("The accelerator ran out of memory. Lower the batch size or the size of the network, or end what "
                "else uses the accelerator; the log has the details.")
    if isinstance(failure, MemoryError) or "DefaultCPUAllocator" in text:
        return ("The machine ran out of memory. Lower the batch size or the size of the network, or close other "
                "programs; the log has the details.")
    if isinstance(failure, OSError) and failure.errno == errno.ENOSPC:
        return "The disk is full. Free some space and resume the job: it goes on from what is stored."
    if len(text) > 300:
        text = text[:300] + " ..."
    return f"Unexpected error: {type(failure).__name__}: {text}; the log has the details."


def main(arguments: list[str] | None = None) -> int:
    """Entry of `python -m lth_engine.jobs.worker`."""
    declared = argparse.ArgumentParser(description="Compute one job of a store's queue.")
    declared.add_argument("store", type=Path, help="folder of the store")
    declared.add_argument("job", help="id of the job")
    declared.add_argument("attempt", type=int, help="number of the attempt")
    declared.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    given = declared.parse_args(arguments)
    try:
        return run(given.store, given.job, given.attempt, given.data)
    except LotteryError as error:  # before it began or after it ended, so that no verdict can be written
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
