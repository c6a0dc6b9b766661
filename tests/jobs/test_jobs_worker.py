"""One job in one process: verdicts in words, the lock for life, no say once it was given up."""

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from jobs_lab import long_question, search, until

from lth_engine.jobs.lock import RecordLock
from lth_engine.jobs.supervisor import environment
from lth_engine.store.store import Store

FAKE = (sys.executable, str(Path(__file__).with_name("fake_answer.py")))


def start(lab, job):
    log = lab.queue.log_path(job.id)
    log.parent.mkdir(exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen([*FAKE, str(lab.root), job.id, str(job.attempt), "--data", "DATA"], stdout=output,
                                stderr=output, start_new_session=True, env=environment())


def claimed(lab, question):
    return lab.queue.claim(lab.queue.submit(question).id)


def test_an_answer_is_stored_and_the_job_is_done(lab):
    question = search("delay=0.2", levels=1)
    job = claimed(lab, question)
    child = start(lab, job)
    until(lambda: lab.worker_pid(job.id) == child.pid)
    until(lambda: lab.queue.get(job.id).pid == child.pid)
    until(lambda: lab.queue.get(job.id).progress.images_per_second == 100)
    assert lab.queue.get(job.id).progress.metrics == {"accuracy": 0.5}
    assert child.wait() == 0
    done = lab.queue.get(job.id)
    assert (done.state, done.error, done.eta_seconds) == ("done", "", None)
    assert done.submitted <= done.started <= done.ended
    assert lab.worker_pid(job.id) is None
    assert Store(lab.root).get(question.key).kind == "ticket_search"
    assert "data folder DATA" in lab.queue.log_path(job.id).read_text()


@pytest.mark.parametrize(("kind", "words", "traceback"), [
    ("lottery", r"The loss became NaN in step 3\. Lower the learning rate\.", False),
    ("value", r"Unexpected error: ValueError: two lines; the log has the details\.", True),
    ("memory", r"The machine ran out of memory\. Lower .*; the log has the details\.", True),
    ("alloc", r"The machine ran out of memory\. Lower .*; the log has the details\.", True),
    ("cuda", r"The accelerator ran out of memory\. Lower .*; the log has the details\.", True),
    ("disk", r"The disk is full\. Free some space and resume the job: .*", True),
])
def test_a_failure_is_one_sentence_and_the_traceback_is_in_the_log(lab, kind, words, traceback):
    job = claimed(lab, long_question(f"raise={kind}"))
    assert start(lab, job).wait() == 1
    failed = lab.queue.get(job.id)
    assert failed.state == "failed"
    assert re.fullmatch(words, failed.error)
    assert ("Traceback" in lab.queue.log_path(job.id).read_text()) == traceback


def test_sigterm_of_a_cancelled_job_ends_it_and_of_another_one_queues_it_again(lab):
    for cancel, state in ((True, "cancelled"), (False, "queued")):
        job = claimed(lab, search("delay=0.2", levels=5, seed=int(cancel)))
        child = start(lab, job)
        until(lambda job=job: lab.queue.get(job.id).progress.total > 0)
        if cancel:
            lab.queue.cancel(job.id)
        child.send_signal(signal.SIGTERM)
        assert child.wait(5) == 0
        after = lab.queue.get(job.id)
        assert (after.state, after.error) == (state, "")


def test_an_attempt_that_is_not_wanted_computes_nothing(lab):
    job = claimed(lab, long_question())
    lab.queue.lost(job.id, 1, 0, 3, "")
    assert start(lab, job).wait() == 0
    assert lab.queue.get(job.id).state == "queued"
    assert not list(lab.root.glob("artifacts/*"))


def test_a_new_attempt_waits_for_the_old_worker_to_end(lab):
    job = claimed(lab, long_question())
    old = RecordLock(lab.queue.lock_path(job.id))
    assert old.acquire()
    threading.Timer(0.8, old.release).start()
    child = start(lab, job)
    assert child.wait() == 0
    assert lab.queue.get(job.id).state == "done"


def test_the_true_answer_is_imported_in_the_worker_only(lab):
    code = ("import sys, lth_engine.jobs.worker, lth_engine.jobs.local, lth_engine.jobs.server; "
            "print(sorted({'torch', 'lth_engine.answer', 'streamlit'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout == "[]\n"
    code = "import sys, lth_engine.jobs.local; print(sorted({'torch', 'h5py'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout == "[]\n"


def test_the_worker_command_says_how_it_is_used():
    done = subprocess.run([sys.executable, "-m", "lth_engine.jobs.worker", "--help"], capture_output=True, text=True,
                          env=environment(), check=True)
    assert "--data" in done.stdout
