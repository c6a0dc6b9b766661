"""SIGKILL at random moments: no finished artifact is lost, no file is broken, and the end is the same."""

import random
import time
from pathlib import Path

import numpy as np
import pytest
from jobs_lab import Lab, kill, search, until

from lth_engine.core.step import Step
from lth_engine.jobs.local import supervisor_pid
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.training import Training
from lth_engine.store.store import Store


def hashes(root: Path) -> dict[str, str]:
    """Content hash of every artifact, each read whole and verified."""
    store = Store(root)
    return {key: store.get(key).content_sha256 for key in store.stored_keys()}


def undisturbed(lab: Lab, question, seconds: float = 120) -> dict[str, str]:
    """The hashes of a search that nobody killed."""
    lab.start()
    job = lab.wait(lab.queue.submit(question).id, seconds=seconds)
    assert (job.state, job.attempt) == ("done", 1), lab.describe(job.id)
    return hashes(lab.root)


class Drill:
    """Kills a worker, the supervisor or both, `kills` times, and looks at the store after each."""

    def __init__(self, lab: Lab, chance: random.Random, targets=("worker", "supervisor", "both")) -> None:
        self.lab, self.chance, self.targets = lab, chance, targets
        self.counts = dict.fromkeys(("worker", "supervisor"), 0)
        self.checked = 0

    def run(self, question, kills: int, longest: float, expected: dict[str, str], seconds: float,
            **variables: str) -> int:
        """Submit a question, strike `kills` times while it is computed, wait until it is done; the number of
        strikes that hit something."""
        lab, deadline = self.lab, time.monotonic() + seconds
        lab.start(**variables)
        job = lab.queue.submit(question)
        rounds = 0
        while lab.queue.get(job.id).state != "done":
            assert time.monotonic() < deadline, lab.describe(job.id)
            if rounds < kills and (lab.queue.get(job.id).pid is not None or supervisor_pid(lab.root) is not None):
                self.wait_for_work(job.id, longest)
                rounds += self.strike(job.id, expected)
            if supervisor_pid(lab.root) is None:
                lab.start(**variables)
            if lab.queue.get(job.id).state == "failed":  # killed three times before it stored anything new
                lab.queue.resume(job.id)
            time.sleep(0.02)
        return rounds

    def wait_for_work(self, job_id: str, longest: float) -> None:
        """A random while, mostly after the worker has begun to work."""
        if self.chance.random() < 0.8:
            before = self.lab.queue.get(job_id).progress
            until = time.monotonic() + 15
            while time.monotonic() < until:
                job = self.lab.queue.get(job_id)
                if not job.live or job.progress != before:
                    break
                time.sleep(0.02)
        time.sleep(self.chance.uniform(0.0, longest))

    def strike(self, job_id: str, expected: dict[str, str]) -> bool:
        """One round: whether anything was killed."""
        lab, target = self.lab, self.chance.choice(self.targets)
        finished = {path.stem for path in lab.root.glob("artifacts/*.h5")}
        struck = False
        if target in ("worker", "both") and (pid := lab.worker_pid(job_id)):
            kill(pid)
            self.counts["worker"] += 1
            struck = True
        if target in ("supervisor", "both") and (pid := supervisor_pid(lab.root)):
            kill(pid)
            self.counts["supervisor"] += 1
            struck = True
        self.look(finished, expected)
        return struck

    def look(self, finished: set[str], expected: dict[str, str]) -> None:
        """Every artifact that was finished before the kill is there, and every one there is right."""
        store = Store(self.lab.root)
        assert finished <= store.stored_keys()
        for key in store.stored_keys():
            assert store.get(key).content_sha256 == expected[key]
        for path in (self.lab.root / "checkpoints").glob("*.h5"):
            store.checkpoint(path.stem).load()
        self.checked += len(finished)
        assert not list(self.lab.root.glob("*/*corrupt*"))


def drill(tmp_path: Path, question, worker: str, *, kills: int, longest: float, pause: float, seed: int,
          seconds: float = 600) -> None:
    """A search killed `kills` times ends with the hashes of one that was left alone."""
    calm, wild = Lab(tmp_path / "calm" / "store", worker), Lab(tmp_path / "wild" / "store", worker)
    for lab in (calm, wild):
        lab.root.parent.mkdir()
    try:
        expected = undisturbed(calm, question, seconds)
        done = Drill(wild, random.Random(seed))
        rounds = done.run(question, kills, longest, expected, seconds, LAB_PAUSE=str(pause))
        assert hashes(wild.root) == expected
        assert rounds == kills, f"only {rounds} of {kills} kills before the search was done"
        assert not list(wild.root.glob("checkpoints/*.h5"))
        print(f"{rounds} rounds: {done.counts}, {done.checked} finished artifacts looked at, "
              f"{len(expected)} in the end, attempt {wild.queue.list()[0].attempt}")
    finally:
        calm.end()
        wild.end()


def trained(levels: int, epochs: int) -> TicketSearch:
    """A search on real images."""
    return TicketSearch(levels=levels, replicates=1, controls=("random_mask",), training=Training(length=Step(epochs)))


def test_kills_of_worker_and_supervisor(tmp_path):
    drill(tmp_path, search(levels=2), "fake_answer.py", kills=5, longest=0.3, pause=0.6, seed=1)


def test_kills_while_it_truly_trains(tmp_path):
    drill(tmp_path, trained(levels=1, epochs=40), "real_answer.py", kills=3, longest=0.5, pause=0.15, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_thirty_kills_of_worker_and_supervisor(tmp_path, seed):
    drill(tmp_path, search(levels=8), "fake_answer.py", kills=30, longest=0.6, pause=1.0, seed=seed)


@pytest.mark.slow
def test_thirty_kills_while_it_truly_trains(tmp_path):
    drill(tmp_path, trained(levels=6, epochs=60), "real_answer.py", kills=30, longest=1.5, pause=0.15, seed=2,
          seconds=1800)


@pytest.mark.parametrize("torn", ["temporary", "checkpoint"])
def test_what_a_kill_leaves_behind_is_no_obstacle(lab, torn):
    """A temporary file of a dead process, or a checkpoint that cannot be read."""
    question, store = search("", levels=1), Store(lab.root)
    if torn == "temporary":
        (lab.root / "artifacts" / f".{question.key}.h5.elsewhere.999999.abcd.tmp").write_bytes(b"half")
    else:
        (lab.root / "checkpoints" / f"{question.key}.h5").write_bytes(b"half")
    assert undisturbed(lab, question)
    assert store.has([question.key])


def test_a_checkpoint_whose_answer_was_stored_before_the_kill_is_discarded(lab):
    question, store = search("die_after=2", levels=1), Store(lab.root)
    lab.start()
    job = lab.queue.submit(question)
    until(lambda: store.stored_keys())
    left = store.checkpoint(min(store.stored_keys()))
    left.save({"x": np.zeros(3)}, {"step": 1})
    assert lab.wait(job.id).attempt > 1
    assert left.load() is None
