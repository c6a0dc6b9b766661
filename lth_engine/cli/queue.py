"""The verbs of the job queue: submit, jobs, cancel, resume, worker."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from lth_engine.cli.words import columns, duration, when
from lth_engine.core.errors import BadInput, LotteryError, StoreError
from lth_engine.jobs.local import check_data_root, ensure_supervisor, supervisor_pid
from lth_engine.jobs.queue import Job, Queue
from lth_engine.jobs.supervisor import Supervisor, slots
from lth_engine.specs.question import Question
from lth_engine.store.store import Store


def submit(given: argparse.Namespace, question: Question) -> int:
    """Queue a question and see to it that the queue is worked on; print the job's id."""
    check_data_root(given.data_root)
    Store(given.store)
    job = Queue(given.store).submit(question)
    print(json.dumps(_plain(job)) if given.json else job.id, flush=True)
    try:
        ensure_supervisor(given.store, given.data_root)
    except LotteryError as error:
        kind = BadInput if isinstance(error, BadInput) else StoreError
        raise kind(f"The job {job.id} is queued, but nobody works on it yet: {error}") from error
    return 0


def jobs(given: argparse.Namespace) -> int:
    """List the jobs, newest first."""
    queue = _queue(given)
    if queue.live():
        _wake(given)
    found = queue.list(given.limit)
    if given.json:
        print(json.dumps([_plain(job) for job in found]))
    elif found:
        head = ["job", "state", "question", "key", "submitted", "done", "left", "now"]
        print(columns(head, [_row(job) for job in found], left=len(head)))
    else:
        print("No jobs.")
    return 0


def cancel(given: argparse.Namespace) -> int:
    """Stop jobs; what they stored stays."""
    queue, stopping = _queue(given), False
    try:
        for id in given.job:
            job = queue.cancel(id)
            stopping |= job.live
            print(f"{job.id} {job.state}", flush=True)
    finally:
        if stopping:
            ensure_supervisor(given.store, given.data_root)
    return 0


def resume(given: argparse.Namespace) -> int:
    """Queue failed or cancelled jobs again; they go on from what is stored."""
    queue, resumed = _queue(given), False
    try:
        for id in given.job:
            job = queue.resume(id)
            resumed = True
            print(f"{job.id} {job.state}", flush=True)
    finally:
        if resumed:
            ensure_supervisor(given.store, given.data_root)
    return 0


def worker(given: argparse.Namespace) -> int:
    """Work on this store's queue in the foreground, until nothing is left for some minutes."""
    check_data_root(given.data_root)
    supervisor = Supervisor(given.store, given.data_root, idle_minutes=given.idle_minutes, long_jobs=slots())
    Store(given.store)
    if supervisor_pid(given.store) is not None:
        print("Another process works on this queue already.", file=sys.stderr)
        return 0
    return supervisor.run()


def _queue(given: argparse.Namespace) -> Queue:
    """The queue of a store that exists and that this version can read."""
    if not given.store.is_dir():
        raise BadInput(f"There is no store at {given.store}. Name one with --store or LTH_STORE.")
    return Queue(Store(given.store, create=False).root)


def _wake(given: argparse.Namespace) -> None:
    """If jobs are left and nobody works on them, say so and start somebody."""
    try:
        if supervisor_pid(given.store) is not None:
            return
        if ensure_supervisor(given.store, given.data_root) is None:
            told = ("Nobody works on this queue, and nobody can be started because the store cannot be written to "
                    "here: its jobs stay as they are.")
        else:
            told = "Nobody worked on this queue; a process that does was started just now."
    except LotteryError as error:
        told = f"Nobody works on this queue: {error}"
    print(told, file=sys.stderr)


def _row(job: Job) -> list[str]:
    now = job.error or (job.progress.message if job.live else "")
    return [job.id, job.state, job.kind, job.key[:12], when(job.submitted), f"{100 * job.fraction:.0f}%",
            duration(job.eta_seconds) if job.live else "", now]


def _plain(job: Job) -> dict[str, object]:
    values = {field.name: getattr(job, field.name) for field in dataclasses.fields(job)}
    progress = {f.name: getattr(job.progress, f.name) for f in dataclasses.fields(job.progress)}
    return values | {"spec": dict(job.spec), "progress": progress | {"metrics": dict(job.progress.metrics)}}
