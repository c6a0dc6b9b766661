"""The queue: joins, fences, survives deletion and damage, and speaks in words."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from jobs_lab import long_question, quick_question, search

from lth_engine.core.errors import BadInput, NewerStore, StoreError
from lth_engine.core.workbench import Progress
from lth_engine.jobs.queue import Queue
from lth_engine.jobs.supervisor import environment
from lth_engine.specs.questions import question_from_dict


@pytest.fixture
def queue(tmp_path):
    return Queue(tmp_path / "store")


def running(queue, question=None):
    job = queue.claim(queue.submit(question or long_question()).id)
    return queue.begin(job.id, job.attempt, os.getpid())


def test_a_job_carries_its_question_as_plain_values(queue):
    question = search(levels=3)
    job = queue.submit(question)
    assert (job.key, job.kind, job.state) == (question.key, "ticket_search", "queued")
    assert (job.quick, job.attempt, job.progress.total) == (False, 0, 0)
    assert question_from_dict(dict(job.spec)) == question
    assert queue.get(job.id) == job == queue.find(question.key)
    assert queue.find("0" * 24) is None
    assert queue.submit(quick_question()).quick


def test_submitting_the_same_question_at_once_makes_one_job(queue):
    found = []
    threads = [threading.Thread(target=lambda: found.append(queue.submit(search()).id)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert len(set(found)) == 1
    assert len(queue.list()) == 1


def test_a_question_may_be_asked_again_once_its_job_has_ended(queue):
    first = running(queue)
    assert queue.submit(long_question()).id == first.id
    queue.finish(first.id, 1, "done")
    second = queue.submit(long_question())
    assert second.id != first.id
    assert [job.id for job in queue.list()] == [second.id, first.id]
    assert [job.id for job in queue.list(1)] == [second.id]
    assert queue.find(second.key) == second


def test_late_writers_change_nothing(queue):
    job = running(queue)
    queue.lost(job.id, 1, 0, 3, "")
    assert queue.claim(job.id).attempt == 2
    before = queue.get(job.id)
    queue.report(job.id, 1, Progress(9, 10, "late"), 1.0)
    assert not queue.finish(job.id, 1, "done")
    assert queue.stopped(job.id, 1) is None
    assert queue.lost(job.id, 1, 0, 3, "") is None
    assert queue.begin(job.id, 1, 5) is None
    assert not queue.wanted(job)
    assert queue.get(job.id) == before
    queue.finish(job.id, 2, "failed", "It failed.")
    queue.report(job.id, 2, Progress(9, 10, "late"), 1.0)
    assert not queue.finish(job.id, 2, "done")
    assert (queue.get(job.id).state, queue.get(job.id).error) == ("failed", "It failed.")


def test_states_are_those_of_the_jobs_newest_first(queue):
    assert queue.states() == {}
    first, second = queue.submit(search()), running(queue)
    assert list(queue.states().items()) == [(second.id, "running"), (first.id, "queued")]
    queue.forget(queue.cancel(first.id).id)
    assert queue.states() == {second.id: "running"}


def test_progress_is_read_back(queue):
    job = running(queue)
    queue.report(job.id, 1, Progress(2, 8, "level 2", 1234.5, {"test_accuracy": 0.9}), 60.0)
    now = queue.get(job.id)
    assert now.progress == Progress(2, 8, "level 2", 1234.5, {"test_accuracy": 0.9})
    assert (now.fraction, now.eta_seconds, now.pid) == (0.25, 60.0, os.getpid())


def test_cancel_resume_forget(queue):
    job = queue.submit(long_question())
    assert queue.cancel(job.id).state == "cancelled"
    assert queue.claim(job.id) is None
    assert queue.resume(job.id).state == "queued"
    job = queue.claim(job.id)
    assert queue.resume(job.id).state == "running"
    with pytest.raises(BadInput, match=r"is running\. Cancel it before"):
        queue.forget(job.id)
    assert queue.cancel(job.id).state == "cancelling"
    assert queue.stopped(job.id, job.attempt) == "cancelled"
    assert queue.cancel(job.id).state == "cancelled"
    queue.log_path(job.id).parent.mkdir()
    queue.log_path(job.id).touch()
    queue.forget(job.id)
    assert queue.list() == []
    assert not queue.log_path(job.id).exists()
    for method in (queue.get, queue.cancel, queue.resume, queue.forget):
        with pytest.raises(BadInput, match=f"There is no job {job.id}"):
            method(job.id)


def test_resume_joins_a_live_job_of_the_same_question(queue):
    old = queue.submit(long_question())
    queue.cancel(old.id)
    new = queue.submit(long_question())
    assert queue.resume(old.id).id == new.id
    assert queue.get(old.id).state == "cancelled"


def test_three_losses_without_anything_stored_in_between_end_a_job(queue):
    job = queue.submit(long_question())
    states = []
    for stored in (0, 0, 1, 1, 2, 2, 2):
        attempt = queue.claim(job.id).attempt
        states.append(queue.lost(job.id, attempt, stored, 3, "Gave up."))
    assert states == ["queued"] * 6 + ["failed"]
    assert queue.get(job.id).error == "Gave up."
    queue.resume(job.id)
    assert (queue.get(job.id).error, queue.get(job.id).ended) == ("", None)
    assert queue.lost(job.id, queue.claim(job.id).attempt, 2, 3, "Gave up.") == "queued"


def test_the_stamp_changes_with_every_change_and_only_then(queue):
    stamps = [queue.change_stamp()]
    job = queue.submit(long_question())
    stamps.append(queue.change_stamp())
    queue.submit(long_question())
    assert queue.change_stamp() == stamps[-1]
    queue.claim(job.id)
    stamps.append(queue.change_stamp())
    queue.report(job.id, 1, Progress(1, 2, ""), None)
    stamps.append(queue.change_stamp())
    queue.finish(job.id, 1, "done")
    stamps.append(queue.change_stamp())
    queue.forget(job.id)
    stamps.append(queue.change_stamp())
    assert len(set(stamps)) == len(stamps)


def test_threads_and_processes_write_at_once(queue, tmp_path):
    code = ("import sys; from pathlib import Path; from lth_engine.jobs.queue import Queue; "
            "from lth_engine.specs.tickets import DenseTicket; queue = Queue(Path(sys.argv[1])); "
            "[queue.submit(DenseTicket(init_seed=s)) for s in range(20)]")
    children = [subprocess.Popen([sys.executable, "-c", code, str(queue.root)], env=environment()) for _ in range(3)]
    threads = [threading.Thread(target=lambda: [queue.submit(long_question("x", s)) for s in range(20)])
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [child.wait() for child in children] == [0, 0, 0]
    assert len(queue.list()) == 40


def test_a_deleted_store_is_not_made_again_by_a_verdict(queue):
    job = running(queue)
    shutil.rmtree(queue.root)
    with pytest.raises(StoreError, match="is gone, so none of its jobs can be changed"):
        queue.finish(job.id, 1, "done")
    assert not queue.root.exists()
    assert queue.submit(long_question()).state == "queued"


def test_reading_creates_nothing(queue):
    assert (queue.list(), queue.change_stamp(), queue.notice()) == ([], 0, "")
    assert not queue.root.exists()


@pytest.mark.parametrize("damage", ["overwritten", "truncated", "flipped"])
def test_a_damaged_file_is_kept_aside_and_begun_anew(queue, damage):
    for seed in range(60):
        queue.submit(long_question("x", seed))
    path = queue.database.path
    content = path.read_bytes()
    path.write_bytes({"overwritten": b"not a database" * 1000, "truncated": content[:len(content) // 2],
                      "flipped": content[:4096] + bytes(len(content) - 4096)}[damage])
    assert queue.list() == []
    (aside,) = queue.root.glob("queue.sqlite.corrupt-*")
    assert "was damaged; it was kept as " + aside.name in queue.notice()
    assert queue.submit(long_question()).state == "queued"
    queue.dismiss_notice()
    assert queue.notice() == ""


def test_only_one_of_many_sets_a_damaged_file_aside(queue):
    queue.submit(long_question())
    queue.database.path.write_bytes(b"not a database" * 1000)
    threads = [threading.Thread(target=queue.submit, args=[long_question("x", s)]) for s in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(queue.list()) == 8
    assert len(list(queue.root.glob("queue.sqlite.corrupt-*"))) == 1


def test_a_file_that_another_has_just_begun_anew_is_not_set_aside(queue):
    queue.submit(long_question())
    damaged = queue.database.path.stat().st_ino
    queue.database._set_aside(damaged)
    fresh = queue.submit(long_question())
    queue.database._set_aside(damaged)
    assert queue.list() == [fresh]


def test_a_deleted_file_is_begun_anew_and_a_running_job_enters_itself_again(queue):
    job = running(queue)
    queue.log_path(job.id).parent.mkdir()
    queue.log_path(job.id).touch()
    queue.database.path.unlink()
    assert queue.list() == []
    assert "was missing and was begun anew" in queue.notice()
    assert queue.wanted(job)
    assert queue.get(job.id) == job
    assert "was missing and was begun anew" in queue.notice()
    assert queue.finish(job.id, 1, "done")


def test_a_job_is_not_entered_again_beside_a_new_one_of_its_question(queue):
    job = running(queue)
    queue.database.path.unlink()
    new = queue.submit(long_question())
    assert not queue.wanted(job)
    assert queue.list() == [new]


def test_a_later_schema_is_refused_in_words(queue):
    queue.submit(long_question())
    with closing(sqlite3.connect(queue.database.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerStore, match="schema 99; this one reads up to 1"):
        queue.list()


def test_a_full_disk_is_told_in_words(queue, monkeypatch):
    queue.submit(long_question())
    connect = sqlite3.connect

    def small(*args, **kwargs):
        connection = connect(*args, **kwargs)
        connection.execute("PRAGMA max_page_count = 1")
        return connection
    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(StoreError, match=r"is full, so the list of jobs cannot be changed\. Free some space\."):
        list(map(queue.submit, (long_question("x" * 3000, seed) for seed in range(1000))))


READ_ONLY = """
import json, os, sys
from pathlib import Path
from lth_engine.core.errors import ReadOnlyStore
from lth_engine.jobs.local import ensure_supervisor
from lth_engine.jobs.queue import Queue
from lth_engine.jobs.server import claim_server
from lth_engine.specs.tickets import DenseTicket
if os.geteuid() == 0:  # root may write anywhere
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
root = Path(sys.argv[1])
queue = Queue(root)
told = []
(job,) = queue.list()
for action in (lambda: queue.submit(DenseTicket()), lambda: queue.cancel(job.id), lambda: queue.resume(job.id),
               lambda: queue.forget(job.id)):
    try:
        action()
    except ReadOnlyStore as error:
        told.append(str(error))
names = sorted(path.name for path in root.iterdir())
print(json.dumps([job.id, told, ensure_supervisor(root, root), claim_server(root), names]))
"""


def test_a_store_that_cannot_be_written_is_listed_and_refuses_changes():
    folder = Path(tempfile.mkdtemp())
    try:
        queue = Queue(folder / "store")
        job = queue.submit(long_question())
        names = sorted(p.name for p in queue.root.iterdir())
        folder.chmod(0o755)
        for path in (queue.root, *queue.root.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        done = subprocess.run([sys.executable, "-c", READ_ONLY, str(queue.root)], capture_output=True, text=True,
                              env=environment(), check=False, cwd="/")
        assert done.returncode == 0, done.stderr
        id, told, pid, banner, now = json.loads(done.stdout)
        assert (id, pid, banner, now) == (job.id, None, None, names)
        assert len(told) == 4
        assert all("cannot be written to, so no job can be added or changed" in text for text in told)
    finally:
        for path in (queue.root, *queue.root.rglob("*")):
            path.chmod(0o755)
        shutil.rmtree(folder)


def test_what_is_stopping_done_or_damaged_is_not_resumed(queue):
    job = running(queue)
    queue.cancel(job.id)
    with pytest.raises(BadInput, match=f"The job {job.id} is still stopping; resume it in a moment"):
        queue.resume(job.id)
    assert queue.get(job.id).state == "cancelling"
    queue.stopped(job.id, job.attempt)
    assert queue.resume(job.id).state == "queued"
    job = queue.claim(job.id)
    queue.finish(job.id, job.attempt, "done")
    with pytest.raises(BadInput, match="is done; there is nothing to resume"):
        queue.resume(job.id)


@pytest.mark.parametrize("column", ["spec", "metrics"])
@pytest.mark.parametrize("text", ["{broken", "[1]", "[" * 100_000])
def test_a_damaged_row_is_a_job_that_says_so(queue, column, text):
    whole, broken = queue.submit(long_question("a", 1)), queue.submit(long_question("b", 2))
    damage(queue, broken.id, column, text)
    found = queue.list()
    assert [(job.id, job.state) for job in found] == [(broken.id, "queued"), (whole.id, "queued")]
    assert found[1] == whole
    assert dict(found[0].spec) == {}
    assert found[0].error == "This row of the queue is damaged; take it off the list."
    assert queue.cancel(broken.id).state == "cancelled"
    with pytest.raises(BadInput, match="is damaged; take it off the list"):
        queue.resume(broken.id)
    queue.forget(broken.id)
    assert queue.list() == [whole]


def damage(queue, id, column, text):
    queue.database.write(lambda c: c.execute(f"UPDATE job SET {column} = ? WHERE id = ?", (text, id)))
