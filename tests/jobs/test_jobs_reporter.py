"""The worker's line to the queue: few writes, honest remaining time, and a way to be stopped."""

import itertools
import os
import shutil
import time

import pytest
from jobs_lab import long_question, until

from lth_engine.core.errors import Cancelled, StoreError
from lth_engine.core.workbench import Progress
from lth_engine.jobs.lock import RecordLock
from lth_engine.jobs.queue import Queue
from lth_engine.jobs.reporter import Reporter


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def parts(tmp_path):
    queue = Queue(tmp_path / "store")
    job = queue.claim(queue.submit(long_question()).id)
    lock = RecordLock(queue.lock_path(job.id))
    assert lock.acquire()
    yield queue, queue.begin(job.id, 1, os.getpid()), lock
    lock.release()


def stops(reporter, seconds=5):
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            reporter.report(Progress(1, 2, "working"))
            time.sleep(0.02)
    except Cancelled:
        return True
    return False


def test_at_most_two_writes_a_second_and_the_last_report_is_written(parts, monkeypatch):
    queue, job, lock = parts
    times = []
    write = queue.report
    monkeypatch.setattr(queue, "report", lambda *a: (times.append(time.monotonic()), write(*a)))
    with Reporter(queue, job, lock) as reporter:
        for step in range(110):
            reporter.report(Progress(step, 110, f"step {step}"))
            time.sleep(0.01)
    assert queue.get(job.id).progress.message == "step 109"
    assert 3 <= len(times) <= 4
    assert all(b - a >= 0.45 for a, b in itertools.pairwise(times[:-1]))


def test_nothing_is_written_while_nothing_is_new(parts):
    queue, job, lock = parts
    with Reporter(queue, job, lock) as reporter:
        reporter.report(Progress(1, 2, "long step"))
        until(lambda: queue.get(job.id).progress.message == "long step")
        stamp = queue.change_stamp()
        time.sleep(1.2)
        assert queue.change_stamp() == stamp


def test_the_remaining_time_counts_only_the_work_of_this_attempt(parts):
    queue, job, lock = parts
    clock = Clock()
    reporter = Reporter(queue, job, lock, clock)
    assert reporter.eta_seconds(Progress(0, 0, "loading")) is None
    reporter.report(Progress(0, 0, "loading"))
    clock.now += 50  # does not count: the amount of work was not known yet
    reporter.report(Progress(60, 100, "resumed"))
    assert reporter.eta_seconds(Progress(60, 100, "resumed")) is None
    clock.now += 20
    assert reporter.eta_seconds(Progress(70, 100, "")) == pytest.approx(60)  # 10 in 20 s, 30 left
    assert reporter.eta_seconds(Progress(100, 100, "")) == 0


def test_no_remaining_time_from_the_first_moments(parts):
    queue, job, lock = parts
    clock = Clock()
    reporter = Reporter(queue, job, lock, clock)
    reporter.report(Progress(0, 100, ""))
    clock.now += 2
    assert reporter.eta_seconds(Progress(0.02, 100, "")) is None
    assert reporter.eta_seconds(Progress(2, 100, "")) == pytest.approx(98)
    clock.now += 18
    assert reporter.eta_seconds(Progress(0.2, 100, "")) == pytest.approx(99.8 * 100)


def test_a_cancelled_job_stops_even_if_no_signal_comes(parts):
    queue, job, lock = parts
    with Reporter(queue, job, lock) as reporter:
        assert not stops(reporter, 0.7)
        queue.cancel(job.id)
        assert stops(reporter)


def test_an_attempt_that_was_given_up_stops(parts):
    queue, job, lock = parts
    queue.lost(job.id, 1, 0, 3, "")
    with Reporter(queue, job, lock) as reporter:
        assert stops(reporter)


def test_a_deleted_store_stops_the_worker_and_is_not_made_again(parts):
    queue, job, lock = parts
    with Reporter(queue, job, lock) as reporter:
        shutil.rmtree(queue.root)
        assert stops(reporter)
    assert not queue.root.exists()


def test_a_deleted_queue_and_lock_do_not_stop_it(parts):
    queue, job, lock = parts
    with Reporter(queue, job, lock) as reporter:
        queue.database.path.unlink()
        lock.path.unlink()
        assert not stops(reporter, 1.2)
        assert queue.get(job.id).state == "running"
        assert lock.path.exists()


def test_trouble_with_the_queue_is_logged_once_and_the_work_goes_on(parts, monkeypatch, capsys):
    queue, job, lock = parts

    def refuse(*args):
        raise StoreError("The disk is full.")
    monkeypatch.setattr(queue, "report", refuse)
    with Reporter(queue, job, lock) as reporter:
        assert not stops(reporter, 1.2)
    assert capsys.readouterr().err == "Progress could not be written: The disk is full.\n"
