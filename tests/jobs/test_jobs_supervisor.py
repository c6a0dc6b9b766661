"""The supervisor: starts, adopts, requeues, gives up, cancels, and leaves when nothing is left to do."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest
from jobs_lab import SUPERVISE, kill, long_question, quick_question, search, until

from lth_engine.core.errors import BadInput, NewerStore, StoreError
from lth_engine.jobs import supervisor as module
from lth_engine.jobs.local import ensure_supervisor, supervisor_pid
from lth_engine.jobs.supervisor import Supervisor, environment, slots
from lth_engine.store.store import Store

FAKE_WORKER = (sys.executable, str(Path(__file__).with_name("fake_answer.py")))


def test_a_job_is_started_soon_after_it_was_submitted(lab):
    lab.start()
    delays = []
    for seed in range(3):
        job = lab.wait(lab.queue.submit(long_question("x", seed)).id)
        assert job.state == "done"
        delays.append(job.started - job.submitted)
    assert min(delays) <= 0.3


def test_one_long_job_at_a_time_and_a_quick_one_besides(lab):
    lab.start()
    first = lab.queue.submit(long_question("delay=30"))
    lab.wait(first.id, "running")
    second = lab.queue.submit(long_question("", 1))
    quick = lab.queue.submit(quick_question())
    assert lab.wait(quick.id).state == "done"
    assert lab.queue.get(second.id).state == "queued"
    lab.queue.cancel(first.id)
    assert lab.wait(first.id).state == "cancelled"
    assert lab.wait(second.id).state == "done"


def test_more_slots_run_more_long_jobs(lab):
    lab.start(LTH_SLOTS="2")
    ids = [lab.queue.submit(long_question("delay=30", seed)).id for seed in range(3)]
    until(lambda: [lab.queue.get(id).state for id in ids] == ["running", "running", "queued"])
    time.sleep(0.3)
    assert lab.queue.get(ids[2]).state == "queued"


@pytest.mark.parametrize("text", ["0", "two", "-1", "1.5", ""])
def test_slots_must_be_a_number(monkeypatch, text):
    monkeypatch.setenv("LTH_SLOTS", text)
    with pytest.raises(BadInput, match="LTH_SLOTS must be a whole number of at least 1"):
        slots()


def test_cancel_is_asked_politely(lab):
    lab.start()
    job = lab.queue.submit(search("delay=2", levels=3))
    until(lambda: lab.queue.get(job.id).progress.total > 0)
    asked = time.monotonic()
    lab.queue.cancel(job.id)
    assert lab.wait(job.id).error == ""
    assert time.monotonic() - asked < 4.5
    assert "--- stopped; the job is cancelled" in lab.queue.log_path(job.id).read_text()


def test_a_worker_that_does_not_listen_is_killed(lab, monkeypatch):
    monkeypatch.setattr(module, "CANCEL_SECONDS", 0.5)
    supervisor = Supervisor(lab.root, lab.data, worker=FAKE_WORKER)
    job = lab.queue.submit(long_question("deaf"))
    supervisor.look_once()
    until(lambda: "data folder" in lab.queue.log_path(job.id).read_text())
    pid = lab.worker_pid(job.id)
    lab.queue.cancel(job.id)
    supervisor.look_once()
    time.sleep(0.6)
    assert lab.worker_pid(job.id) == pid
    supervisor.look_once()
    until(lambda: lab.worker_pid(job.id) is None)
    supervisor.look_once()
    assert lab.queue.get(job.id).state == "cancelled"
    assert "did not stop within" in lab.queue.log_path(job.id).read_text()


def test_a_job_goes_on_while_its_supervisor_is_killed_and_is_adopted(lab):
    supervisor = lab.start()
    question = search("delay=0.15", levels=3)
    job = lab.queue.submit(question)
    until(lambda: lab.queue.get(job.id).pid is not None)
    pid = lab.worker_pid(job.id)
    supervisor.kill()
    supervisor.wait()
    assert lab.worker_pid(job.id) == pid
    lab.start()
    time.sleep(0.3)
    lab.queue.submit(long_question())
    done = lab.wait(job.id)
    assert (done.state, done.attempt, done.pid) == ("done", 1, pid)
    assert Store(lab.root).has([question.key])


def test_an_adopted_job_can_be_cancelled(lab):
    supervisor = lab.start()
    job = lab.queue.submit(long_question("delay=30"))
    until(lambda: lab.queue.get(job.id).progress.total > 0)
    supervisor.kill()
    supervisor.wait()
    lab.start()
    lab.queue.cancel(job.id)
    assert lab.wait(job.id).state == "cancelled"
    until(lambda: lab.worker_pid(job.id) is None)


def test_a_job_whose_worker_was_lost_while_nobody_watched_is_queued_again(lab):
    supervisor = lab.start()
    job = lab.queue.submit(search("delay=0.1", levels=2))
    until(lambda: lab.queue.get(job.id).pid is not None)
    supervisor.kill()
    supervisor.wait()
    kill(lab.worker_pid(job.id))
    lab.start()
    done = lab.wait(job.id)
    assert (done.state, done.attempt) == ("done", 2)


def test_a_job_whose_worker_never_began_is_nobodys_loss(lab):
    job = lab.queue.claim(lab.queue.submit(long_question()).id)
    supervisor = Supervisor(lab.root, lab.data, worker=("true",))
    lab.queue.log_path(job.id).parent.mkdir()
    supervisor.look_once()
    assert lab.queue.get(job.id).state == "queued"


def test_three_silent_deaths_end_a_job_with_a_sentence(lab):
    lab.start()
    job = lab.wait(lab.queue.submit(long_question("die")).id)
    assert (job.state, job.attempt) == ("failed", 3)
    assert job.error == ("The worker ended without a word three times and stored nothing new in between; most often "
                         "the machine ran out of memory; see the log.")
    assert lab.queue.log_path(job.id).read_text().count("is gone (exit status -9)") == 3


def test_a_worker_that_cannot_even_start_is_given_up_too(lab):
    supervisor = Supervisor(lab.root, lab.data, worker=("false",))
    job = lab.queue.submit(long_question())
    while lab.queue.get(job.id).live:
        supervisor.look_once()
        time.sleep(0.02)
    assert (lab.queue.get(job.id).state, lab.queue.get(job.id).attempt) == ("failed", 3)


def test_a_job_that_stores_something_between_its_deaths_goes_on(lab):
    lab.start()
    question = search("die_after=3", levels=2)
    job = lab.wait(lab.queue.submit(question).id)
    assert job.state == "done"
    assert job.attempt > 3


def test_the_signs_of_a_finished_child_are_forgotten(lab):
    supervisor = Supervisor(lab.root, lab.data, worker=("true",))
    job = lab.queue.submit(long_question())
    while lab.queue.get(job.id).live or supervisor._children:
        supervisor.look_once()
        time.sleep(0.02)
    assert not supervisor._children
    assert not supervisor._told


def test_no_job_is_started_on_a_full_disk(lab, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12, 30_000_000))
    job = lab.queue.submit(long_question())
    Supervisor(lab.root, lab.data, worker=("false",)).look_once()
    assert lab.queue.get(job.id).state == "failed"
    assert lab.queue.get(job.id).error == ("The disk of the store has 30 MB left; a job needs 200 MB to start. "
                                           "Free some space and resume the job.")


def test_it_leaves_when_idle_and_starts_again_when_asked(lab, monkeypatch):
    monkeypatch.setenv("LAB_IDLE_SECONDS", "0.5")
    first = ensure_supervisor(lab.root, lab.data, command=SUPERVISE)
    job = lab.wait(lab.queue.submit(long_question("delay=1")).id)
    assert (job.state, job.attempt) == ("done", 1)
    until(lambda: supervisor_pid(lab.root) is None)
    second = ensure_supervisor(lab.root, lab.data, command=SUPERVISE)
    assert second != first
    assert "idle for" in (lab.root / "logs" / "supervisor.log").read_text()


def test_a_job_submitted_as_it_leaves_is_done(lab, monkeypatch):
    """Between its last look and its end the supervisor still seems alive to ensure_supervisor."""
    supervisor = Supervisor(lab.root, lab.data, idle_minutes=0,
                            worker=FAKE_WORKER)
    release, jobs = supervisor.lock.release, []

    def submit_then_release():
        if not jobs:
            jobs.append(lab.queue.submit(long_question()))
        release()
    monkeypatch.setattr(supervisor.lock, "release", submit_then_release)
    assert supervisor.run() == 0
    for child in supervisor._children.values():
        child.wait()
    assert lab.queue.get(jobs[0].id).state == "done"


def test_only_one_starts_however_many_ask(lab):
    code = ("import sys; from pathlib import Path; from lth_engine.jobs.local import ensure_supervisor; "
            "print(ensure_supervisor(Path(sys.argv[1]), Path('data'), command=sys.argv[2:]))")
    children = [subprocess.Popen([sys.executable, "-c", code, str(lab.root), *SUPERVISE], text=True,
                                 stdout=subprocess.PIPE, env=environment()) for _ in range(3)]
    pids = []
    threads = [threading.Thread(target=lambda: pids.append(
        ensure_supervisor(lab.root, lab.data, command=SUPERVISE))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pids += [int(child.communicate()[0]) for child in children]
    assert len(pids) == 11
    assert len(set(pids)) == 1
    assert (lab.root / "logs" / "supervisor.log").read_text().count("long job(s) at once") == 1
    again = lab.start()
    assert again.wait(10) == 0
    assert supervisor_pid(lab.root) == pids[0]
    assert os.getsid(pids[0]) == pids[0]


def test_asking_for_a_living_supervisor_costs_next_to_nothing(lab):
    lab.start()
    began = time.thread_time()
    for _ in range(100):
        ensure_supervisor(lab.root, lab.data)
    assert (time.thread_time() - began) / 100 < 0.002


def test_a_supervisor_that_does_not_start_is_told_in_words(lab):
    with pytest.raises(StoreError, match=r"did not start\. .*supervisor\.log says why"):
        ensure_supervisor(lab.root, lab.data, command=("false",))


def test_an_idle_supervisor_uses_next_to_no_cpu(lab):
    child = lab.start()
    lab.wait(lab.queue.submit(long_question()).id)
    time.sleep(0.5)

    def cpu_seconds():
        return int(Path(f"/proc/{child.pid}/schedstat").read_text().split()[0]) / 1e9
    if not Path(f"/proc/{child.pid}/schedstat").exists():
        pytest.skip("no /proc/PID/schedstat on this system")
    before = cpu_seconds()
    time.sleep(3)
    assert (cpu_seconds() - before) / 3 < 0.01


def test_a_deleted_lock_file_makes_no_second_supervisor_and_loses_no_job(lab):
    first = lab.start()
    job = lab.queue.submit(search("delay=0.2", levels=2))
    until(lambda: lab.queue.get(job.id).pid is not None)
    for lock in (lab.root / "locks").iterdir():
        lock.unlink()
    until(lambda: supervisor_pid(lab.root) == first.pid, 5)
    until(lambda: lab.worker_pid(job.id) == lab.queue.get(job.id).pid, 5)
    done = lab.wait(job.id)
    assert (done.state, done.attempt) == ("done", 1)


def test_a_deleted_store_leaves_no_process_behind(lab):
    child = lab.start()
    job = lab.queue.submit(search("delay=1", levels=5))
    until(lambda: lab.queue.get(job.id).progress.total > 0)
    pid = lab.worker_pid(job.id)
    lab.root.rename(lab.root.with_name("gone"))
    assert child.wait(10) == 0
    until(lambda: not _runs(pid))
    assert not lab.root.exists()


def test_a_deleted_queue_loses_no_running_job(lab):
    lab.start()
    job = lab.queue.submit(search("delay=0.2", levels=3))
    until(lambda: lab.queue.get(job.id).progress.total > 0)
    lab.queue.database.path.unlink()
    until(lambda: [j.id for j in lab.queue.list()] == [job.id])
    done = lab.wait(job.id)
    assert (done.state, done.attempt) == ("done", 1)
    assert "was missing" in lab.queue.notice()


def test_the_supervisor_outlives_who_started_it(lab):
    code = ("import os, sys; from pathlib import Path; from lth_engine.jobs.local import ensure_supervisor; "
            "print(ensure_supervisor(Path(sys.argv[1]), Path('data'), command=sys.argv[2:]), flush=True); "
            "os.kill(os.getpid(), 9)")
    done = subprocess.run([sys.executable, "-c", code, str(lab.root), *SUPERVISE], capture_output=True,
                          text=True, env=environment(), check=False)
    assert done.returncode == -signal.SIGKILL
    assert supervisor_pid(lab.root) == int(done.stdout)
    assert lab.wait(lab.queue.submit(long_question()).id).state == "done"


def test_the_true_command_starts_and_leaves(lab):
    done = subprocess.run([sys.executable, "-m", "lth_engine.jobs.local", str(lab.root), "--data", "x",
                           "--idle-minutes", "0"], capture_output=True, text=True, env=environment(), check=True)
    assert "1 long job(s) at once" in done.stdout
    done = subprocess.run([sys.executable, "-m", "lth_engine.jobs.local", str(lab.root), "--data", "x"],
                          capture_output=True, text=True, env=environment() | {"LTH_SLOTS": "no"}, check=False)
    assert (done.returncode, done.stderr) == (1, "LTH_SLOTS must be a whole number of at least 1. Got 'no'.\n")


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_damaged_rows_fail_in_words_and_the_others_are_done(lab):
    waiting, lost = lab.queue.submit(long_question("x", 1)), lab.queue.submit(long_question("x", 2))
    good = lab.queue.submit(long_question("x", 3))
    lab.queue.claim(lost.id)
    lab.queue.database.write(lambda c: c.execute("UPDATE job SET spec = '{' WHERE id <> ?", (good.id,)))
    child = lab.start()
    assert lab.wait(good.id).state == "done"
    for id in (waiting.id, lost.id):
        job = lab.wait(id)
        assert (job.state, job.error) == ("failed", "This row of the queue is damaged; take it off the list.")
    assert child.poll() is None


def test_a_queue_of_a_later_version_ends_the_supervisor(lab):
    lab.queue.submit(long_question())
    one = Supervisor(lab.root, lab.data, worker=FAKE_WORKER)
    with closing(sqlite3.connect(lab.root / "queue.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 9")
    for use in (one.run, one._guarded_pass):
        with pytest.raises(NewerStore, match="later version"):
            use()


def test_a_worker_that_cannot_be_started_fails_its_job_in_words(lab):
    lab.root.mkdir()
    (lab.root / "logs").write_text("mine")
    job = lab.queue.submit(long_question())
    Supervisor(lab.root, lab.data, worker=FAKE_WORKER).look_once()
    job = lab.queue.get(job.id)
    assert job.state == "failed"
    assert job.error.endswith("logs must be a folder and is a file. Move it away and try again.")
    with pytest.raises(StoreError, match="logs must be a folder and is a file"):
        ensure_supervisor(lab.root, lab.data)


def test_sigterm_leaves_a_line_in_the_log(lab):
    pid = ensure_supervisor(lab.root, lab.data)
    os.kill(pid, signal.SIGTERM)
    until(lambda: supervisor_pid(lab.root) is None)
    assert f"supervisor {pid}: ended by SIGTERM" in (lab.root / "logs" / "supervisor.log").read_text()


def test_a_data_folder_that_is_a_file_is_refused(lab, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInput, match=r"The data folder .*file is a file\. Name a folder"):
        ensure_supervisor(lab.root, tmp_path / "file")


@pytest.mark.parametrize("minutes", [float("nan"), -1])
def test_idle_minutes_are_a_number_from_zero(lab, minutes):
    with pytest.raises(BadInput, match="--idle-minutes must be a number from 0"):
        Supervisor(lab.root, lab.data, idle_minutes=minutes)
