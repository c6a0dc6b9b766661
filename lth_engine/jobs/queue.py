"""The queue: one row for each job in STORE/queue.sqlite, at most one live job for each question.

Verdicts and progress carry the number of the attempt that they belong to; a worker that was given
up changes nothing. Every method may be called from any thread and process.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lth_engine.core.errors import BadInput
from lth_engine.core.spec import Spec
from lth_engine.core.workbench import Progress
from lth_engine.jobs.database import Database
from lth_engine.jobs.job import DAMAGED, Job, State

__all__ = ["Job", "Queue"]

_LIVE = "('queued', 'running', 'cancelling')"
_STARTED = "('running', 'cancelling')"
_FRESH = "error = '', ended = NULL, started = NULL, pid = NULL, eta_seconds = NULL, images_per_second = 0"


Jobs = list[Job]


class Queue:
    """The jobs of one store.

    Raises (from every method): StoreError if the file cannot be used, ReadOnlyStore when something
    is to be changed in a folder that cannot be written, NewerStore; BadInput if there is no job of
    the given id.
    """

    def __init__(self, store_root: Path) -> None:
        self.root = Path(store_root).absolute()
        self.database = Database(self.root)

    def submit(self, question: Spec) -> Job:
        """Ask for an answer; joins the live job of the same question if there is one."""
        spec, quick = json.dumps(question.to_dict(), sort_keys=True), bool(getattr(question, "in_seconds", False))

        def insert(connection: sqlite3.Connection) -> Job:
            connection.execute(
                "INSERT INTO job (id, key, kind, spec, quick, state, submitted) VALUES (?, ?, ?, ?, ?, 'queued', ?) "
                "ON CONFLICT (key) WHERE state IN ('queued', 'running', 'cancelling') DO NOTHING",
                (secrets.token_hex(4), question.key, question.name, spec, quick, time.time()))
            return _one(connection, f"key = ? AND state IN {_LIVE}", question.key)
        return self.database.write(insert, make_folder=True)

    def get(self, id: str) -> Job:
        """The job as it stands."""
        return self.database.read(lambda c: _one(c, "id = ?", id))

    def find(self, key: str) -> Job | None:
        """The newest job of a question, by the question's key."""
        jobs = self.database.read(lambda c: _many(c, "key = ? ORDER BY seq DESC LIMIT 1", key))
        return jobs[0] if jobs else None

    def list(self, limit: int | None = None) -> Jobs:
        """The jobs, newest first."""
        return self.database.read(lambda c: _many(c, "1 ORDER BY seq DESC LIMIT ?", -1 if limit is None else limit))

    def states(self) -> dict[str, str]:
        """The state of every job by id, newest first: much cheaper than the jobs themselves."""
        return self.database.read(lambda c: {row["id"]: row["state"] for row in c.execute(
            "SELECT id, state FROM job ORDER BY seq DESC")})

    def live(self) -> Jobs:
        """The queued, running and cancelling jobs, oldest first."""
        return self.database.read(lambda c: _many(c, f"state IN {_LIVE} ORDER BY seq"))

    def cancel(self, id: str) -> Job:
        """Stop a job: a queued one at once, a running one as soon as it can (5 s at most); what it
        has stored, its checkpoint included, stays. A job that has ended is left as it is."""
        def change(connection: sqlite3.Connection) -> Job:
            connection.execute("UPDATE job SET state = 'cancelled', ended = ? WHERE id = ? AND state = 'queued'",
                               (time.time(), id))
            connection.execute("UPDATE job SET state = 'cancelling' WHERE id = ? AND state = 'running'", (id,))
            return _one(connection, "id = ?", id)
        return self.database.write(change)

    def resume(self, id: str) -> Job:
        """Queue a failed or cancelled job again; it goes on from what is stored. Returns the live
        job of the same question if there is one.

        Raises:
            BadInput: it is done, still stopping, or damaged.
        """
        def change(connection: sqlite3.Connection) -> Job:
            job = _one(connection, "id = ?", id)
            for other in _many(connection, f"key = ? AND state IN {_LIVE}", job.key):
                if other.state == "cancelling":
                    raise BadInput(f"The job {other.id} is still stopping; resume it in a moment.")
                return other
            if job.state == "done":
                raise BadInput(f"The job {id} is done; there is nothing to resume.")
            if job.damaged:
                raise BadInput(f"The row of the job {id} is damaged; take it off the list and ask its question again.")
            connection.execute(f"UPDATE job SET state = 'queued', losses = 0, {_FRESH} "
                               "WHERE id = ? AND state IN ('failed', 'cancelled')", (id,))
            return _one(connection, "id = ?", id)
        return self.database.write(change)

    def forget(self, id: str) -> None:
        """Take an ended job off the list, and its log off the disk; what it stored stays.

        Raises:
            BadInput: the job has not ended.
        """
        def remove(connection: sqlite3.Connection) -> None:
            job = _one(connection, "id = ?", id)
            if job.live:
                raise BadInput(f"The job {id} is {job.state}. Cancel it before taking it off the list.")
            connection.execute("DELETE FROM job WHERE id = ?", (id,))
        self.database.write(remove)
        self.log_path(id).unlink(missing_ok=True)
        self.lock_path(id).unlink(missing_ok=True)

    def change_stamp(self) -> int:
        """A number that changes whenever any job does."""
        return int(self.database.read(lambda c: c.execute("SELECT stamp FROM about").fetchone()[0]))

    def notice(self) -> str:
        """What befell the list of jobs (it was missing or damaged), in words; empty if nothing did."""
        return str(self.database.read(lambda c: c.execute("SELECT notice FROM about").fetchone()[0]))

    def dismiss_notice(self) -> None:
        """The user has read the notice."""
        self.database.write(lambda c: c.execute("UPDATE about SET notice = ''"))

    def log_path(self, id: str) -> Path:
        """Where the job's output is."""
        return self.root / "logs" / f"{id}.log"

    def lock_path(self, id: str) -> Path:
        """The lock that the job's worker holds for life."""
        return self.root / "locks" / f"job-{id}"

    # ---- for the supervisor and the worker

    def claim(self, id: str) -> Job | None:
        """Take a queued job for a new attempt; None if it is not queued any more."""
        def change(connection: sqlite3.Connection) -> Job | None:
            taken = connection.execute(
                f"UPDATE job SET state = 'running', {_FRESH}, started = ?, attempt = attempt + 1 "
                "WHERE id = ? AND state = 'queued'", (time.time(), id)).rowcount
            return _one(connection, "id = ?", id) if taken else None
        return self.database.write(change)

    def begin(self, id: str, attempt: int, pid: int) -> Job | None:
        """The worker has its lock and starts; None if this attempt is not wanted any more."""
        def change(connection: sqlite3.Connection) -> Job | None:
            begun = connection.execute("UPDATE job SET pid = ? WHERE id = ? AND attempt = ? AND state = 'running'",
                                       (pid, id, attempt)).rowcount
            return _one(connection, "id = ?", id) if begun else None
        return self.database.write(change)

    def report(self, id: str, attempt: int, progress: Progress, eta_seconds: float | None) -> None:
        """Write the progress of an attempt."""
        values = (progress.done, progress.total, progress.message, progress.images_per_second,
                  json.dumps(dict(progress.metrics), default=float), eta_seconds, id, attempt)
        self.database.write(lambda c: c.execute(
            "UPDATE job SET done = ?, total = ?, message = ?, images_per_second = ?, metrics = ?, eta_seconds = ? "
            f"WHERE id = ? AND attempt = ? AND state IN {_STARTED}", values))

    def wanted(self, job: Job) -> bool:
        """Whether this attempt of a running job should go on. A job that the list does not know any
        more (the file was lost) is entered again."""
        def look(connection: sqlite3.Connection) -> Job | None:
            return next(iter(_many(connection, "id = ?", job.id)), None)
        now = self.database.read(look) or self._enter_again(job)
        return now is not None and now.state == "running" and now.attempt == job.attempt

    def finish(self, id: str, attempt: int, state: State, error: str = "") -> bool:
        """The verdict of an attempt; False if it came too late to count."""
        return self.database.write(lambda c: c.execute(
            "UPDATE job SET state = ?, error = ?, ended = ?, eta_seconds = NULL "
            f"WHERE id = ? AND attempt = ? AND state IN {_STARTED}",
            (state, error, time.time(), id, attempt)).rowcount > 0)

    def stopped(self, id: str, attempt: int) -> State | None:
        """The worker stopped when told to: cancelled if the user asked for it, else queued again.
        Returns the new state, None if the attempt does not count any more."""
        def change(connection: sqlite3.Connection) -> State | None:
            job = next(iter(_many(connection, f"id = ? AND attempt = ? AND state IN {_STARTED}", id, attempt)), None)
            if job is None:
                return None
            if job.state == "cancelling":
                connection.execute("UPDATE job SET state = 'cancelled', ended = ?, eta_seconds = NULL WHERE id = ?",
                                   (time.time(), id))
                return "cancelled"
            connection.execute(f"UPDATE job SET state = 'queued', {_FRESH} WHERE id = ?", (id,))
            return "queued"
        return self.database.write(change)

    def lost(self, id: str, attempt: int, stored: int, give_up_after: int, error: str) -> State | None:
        """The worker is gone without a verdict.

        Args:
            id: the job.
            attempt: the attempt that was lost.
            stored: how many of the job's answers are in the store by now.
            give_up_after: fail with `error` at this many losses between which `stored` did not grow.
            error: one sentence.

        Returns:
            the new state, None if the attempt does not count any more.
        """
        def change(connection: sqlite3.Connection) -> State | None:
            row = connection.execute(f"SELECT state, losses, stored FROM job WHERE id = ? AND attempt = ? "
                                     f"AND state IN {_STARTED}", (id, attempt)).fetchone()
            if row is None:
                return None
            losses = 1 if stored > row["stored"] else row["losses"] + 1
            state: State = ("cancelled" if row["state"] == "cancelling" else
                            "failed" if losses >= give_up_after else "queued")
            connection.execute(f"UPDATE job SET {_FRESH}, state = ?, losses = ?, stored = ? WHERE id = ?",
                               (state, losses, stored, id))
            if state != "queued":
                connection.execute("UPDATE job SET ended = ?, error = ? WHERE id = ?",
                                   (time.time(), error if state == "failed" else "", id))
            return state
        return self.database.write(change)

    def _enter_again(self, job: Job) -> Job | None:
        def insert(connection: sqlite3.Connection) -> Job | None:
            connection.execute(
                "INSERT OR IGNORE INTO job (id, key, kind, spec, quick, state, submitted, started, attempt, pid) "
                "VALUES (?, ?, ?, ?, ?, 'running', ?, ?, ?, ?)",
                (job.id, job.key, job.kind, json.dumps(dict(job.spec), sort_keys=True), job.quick, job.submitted,
                 job.started, job.attempt, job.pid))
            return next(iter(_many(connection, "id = ?", job.id)), None)
        return self.database.write(insert)


def _one(connection: sqlite3.Connection, where: str, value: str) -> Job:
    jobs = _many(connection, where, value)
    if not jobs:
        raise BadInput(f"There is no job {value}. It may have been taken off the list; look at the list of jobs.")
    return jobs[0]


def _many(connection: sqlite3.Connection, where: str, *values: Any) -> list[Job]:
    return [_job(row) for row in connection.execute(f"SELECT * FROM job WHERE {where}", values)]


def _job(row: Mapping[str, Any] | sqlite3.Row) -> Job:
    """The job of a row; one that cannot be read keeps its id, key and state and says that it is damaged."""
    try:
        spec, metrics = json.loads(row["spec"]), json.loads(row["metrics"])
        whole = isinstance(spec, dict) and isinstance(metrics, dict)
    except (ValueError, RecursionError):
        whole = False
    if not whole:
        spec, metrics = {}, {}
    progress = Progress(row["done"], row["total"], row["message"], row["images_per_second"], metrics)
    return Job(id=row["id"], key=row["key"], kind=row["kind"], spec=spec, state=row["state"],
               progress=progress, submitted=row["submitted"], started=row["started"], ended=row["ended"],
               error=row["error"] if whole else DAMAGED, attempt=row["attempt"], quick=bool(row["quick"]),
               eta_seconds=row["eta_seconds"], pid=row["pid"])
