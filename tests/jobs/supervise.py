"""The real supervisor with workers of a test's choice: `python supervise.py STORE --data DIR`.

From the environment: LAB_WORKER (a script beside this one that calls worker.run), LAB_IDLE_SECONDS,
and LTH_SLOTS as always.
"""

import os
import sys
from pathlib import Path

from lth_engine.jobs.supervisor import Supervisor, slots

if __name__ == "__main__":
    worker = Path(__file__).with_name(os.environ.get("LAB_WORKER", "fake_answer.py"))
    idle_seconds = float(os.environ.get("LAB_IDLE_SECONDS", "60"))
    sys.exit(Supervisor(Path(sys.argv[1]), Path(sys.argv[3]), idle_minutes=idle_seconds / 60,
                        worker=(sys.executable, str(worker)), long_jobs=slots()).run())
