"""The verbs of the job queue: submit, jobs, cancel, resume, worker."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from lth_engine.cli.words import columns, duration, when
from lth_engine.core.errors import BadInput
from lth_engine.jobs.local import ensure_supervisor, supervisor_pid
from lth_engine.jobs.queue import Job, Queue
from lth_engine.jobs.supervisor import Supervisor, slots
from lth_engine.specs.questions import Question
from lth_engine.store.store import Store


def submit(given: argparse.Namespace, question: Question) -> int:
    """Queue a question and see to it that the queue is worked on; print the job's id."""
    Store(given.store)
    job = Queue(given.store).submit(question)
    ensure_supervisor(given.store, given.data_root)
    print(json.dumps(_plain(job)) if given.json else job.id)
    return 0


def jobs(given: argparse.Namespace) -> int:
    """List the jobs, newest first."""
    found = _queue(given).list(given.limit)
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
    for id in given.job:
        job = _queue(given).cancel(id)
        print(f"{job.id} {job.state}")
    return 0


def resume(given: argparse.Namespace) -> int:
    """Queue failed or cancelled jobs again; they go on from what is stored."""
    for id in given.job:
        job = _queue(given).resume(id)
        print(f"{job.id} {job.state}")
    ensure_supervisor(given.store, given.data_root)
    return 0


def worker(given: argparse.Namespace) -> int:
    """Work on this store's queue in the foreground, until nothing is left for some minutes."""
    Store(given.store)
    if supervisor_pid(given.store) is not None:
        print("Another process works on this queue already.", file=sys.stderr)
        return 0
    return Supervisor(given.store, given.data_root, idle_minutes=given.idle_minutes, long_jobs=slots()).run()


def _queue(given: argparse.Namespace) -> Queue:
    if not given.store.is_dir():
        raise BadInput(f"There is no store at {given.store}. Name one with --store or LTH_STORE.")
    return Queue(given.store)


def _row(job: Job) -> list[str]:
    now = job.error or (job.progress.message if job.live else "")
    return [job.id, job.state, job.kind, job.key[:12], when(job.submitted), f"{100 * job.fraction:.0f}%",
            duration(job.eta_seconds) if job.live else "", now]


def _plain(job: Job) -> dict[str, object]:
    values = {field.name: getattr(job, field.name) for field in dataclasses.fields(job)}
    progress = {f.name: getattr(job.progress, f.name) for f in dataclasses.fields(job.progress)}
    return values | {"spec": dict(job.spec), "progress": progress | {"metrics": dict(job.progress.metrics)}}
