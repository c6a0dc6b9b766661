"""A worker with a stand-in for the answer: real sleeping, real artifacts, no training.

    python fake_answer.py STORE JOB_ID ATTEMPT --data DIR

uses the hook of :func:`lth_engine.jobs.worker.run`. What it does is told by the question itself:
the path of its own images, "delay=0.01" and one of "raise=KIND", "deaf" (reports nothing and
ignores SIGTERM), "die" (SIGKILLs itself at once), "die_after=N" (after N new artifacts).
"""

import argparse
import hashlib
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from lth_engine.core.artifact import Answer, Provenance
from lth_engine.core.errors import NonFinite
from lth_engine.core.workbench import Progress
from lth_engine.jobs import worker

STEPS = 5
PAUSE = float(os.environ.get("LAB_PAUSE", "0"))
"""Seconds added to the delay of every artifact, without a change of the question."""


class OutOfMemoryError(RuntimeError):
    """Named like torch's."""


FAILURES = {
    "lottery": NonFinite("The loss became NaN in step 3. Lower the learning rate."),
    "value": ValueError("two\nlines"),
    "memory": MemoryError(),
    "cuda": OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    "alloc": RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
    "disk": OSError(28, "No space left on device"),
}


def in_order(question, seen):
    """The question's inputs, then the question, each once."""
    if question.key in seen:
        return
    seen.add(question.key)
    for needed in question.inputs():
        yield from in_order(needed, seen)
    yield question


def told(question):
    """The words of the question's data path."""
    path = question.of.data.path if hasattr(question, "of") else question.data.path
    return dict((*word.split("="), "")[:2] for word in path.split())


def fake(question, store, *, data_root, report):
    """Compute every unanswered input, then the question."""
    words = told(question)
    print("data folder", data_root)
    if "raise" in words:
        raise FAILURES[words["raise"]]
    if "deaf" in words:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
    if "die" in words:
        os.kill(os.getpid(), signal.SIGKILL)
    pending = [q for q in in_order(question, set()) if not store.has([q.key])]
    for number, current in enumerate(pending):
        if number == int(words.get("die_after", 1_000_000)):
            os.kill(os.getpid(), signal.SIGKILL)
        with store.claim(current.key, lambda: None):
            one(current, number, len(pending), store, float(words.get("delay", 0)) + PAUSE, report)
    return store.get(question.key)


def one(question, number, total, store, delay, report):
    """An artifact whose content depends on the question alone, resumed from its checkpoint."""
    checkpoint = store.checkpoint(question.key)
    found = checkpoint.load()
    digest = found[0]["digest"].tobytes() if found else question.key.encode()
    for step in range(int(found[1]["step"]) if found else 0, STEPS):
        until = time.monotonic() + delay / STEPS
        report(Progress(number + step / STEPS, total, f"step {step}", 100.0, {"accuracy": 0.5}))
        while time.monotonic() < until:
            time.sleep(min(0.05, delay / STEPS))
            report(Progress(number + step / STEPS, total, f"step {step}", 100.0, {"accuracy": 0.5}))
        digest = hashlib.sha256(digest).digest()
        checkpoint.save({"digest": np.frombuffer(digest, np.uint8)}, {"step": step + 1})
    provenance = Provenance({}, "", "here", "cpu", 1, delay, time.time())
    store.put(question, Answer({"digest": np.frombuffer(digest, np.uint8)}, {"level": 0}), parents={},
              provenance=provenance)
    checkpoint.discard()


if __name__ == "__main__":
    declared = argparse.ArgumentParser()
    declared.add_argument("store", type=Path)
    declared.add_argument("job")
    declared.add_argument("attempt", type=int)
    declared.add_argument("--data", type=Path)
    given = declared.parse_args()
    sys.exit(worker.run(given.store, given.job, given.attempt, given.data, answer=fake))
