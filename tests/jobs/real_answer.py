"""A worker that truly trains, and saves its checkpoint several times a second.

Otherwise as `python -m lth_engine.jobs.worker STORE JOB_ID ATTEMPT --data DIR`.
"""

import functools
import sys
from pathlib import Path

import torch

from lth_engine.answer import answer
from lth_engine.jobs import worker

if __name__ == "__main__":
    torch.set_num_threads(1)  # two would wait for each other on a busy machine
    store, job, attempt, _, data = sys.argv[1:]
    sys.exit(worker.run(Path(store), job, int(attempt), Path(data),
                        answer=functools.partial(answer, device="cpu", checkpoint_seconds=0.2)))
