"""A worker that truly trains, and saves its checkpoint several times a second.

Otherwise as `python -m lth_engine.jobs.worker STORE JOB_ID ATTEMPT --data DIR`. At every report it
waits LAB_PAUSE seconds, so that there is time to kill it on a fast machine too.
"""

import os
import sys
import time
from pathlib import Path

import torch

from lth_engine.answer import answer
from lth_engine.jobs import worker

PAUSE = float(os.environ.get("LAB_PAUSE", "0"))


def paced(question, store, *, data_root, report):
    """The true answer, on one thread: two would wait for each other on a busy machine."""
    torch.set_num_threads(1)

    def wait_and_report(progress):
        time.sleep(PAUSE)
        report(progress)
    return answer(question, store, data_root=data_root, device="cpu", report=wait_and_report, checkpoint_seconds=0.2)


if __name__ == "__main__":
    store, job, attempt, _, data = sys.argv[1:]
    sys.exit(worker.run(Path(store), job, int(attempt), Path(data), answer=paced))
