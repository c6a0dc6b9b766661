"""The real supervisor with workers that run fake_answer.py: `python fake_supervisor.py STORE --data DIR`.

FAKE_IDLE_SECONDS and LTH_SLOTS come from the environment.
"""

import os
import sys
from pathlib import Path

from lth_engine.jobs.supervisor import Supervisor, slots

WORKER = (sys.executable, str(Path(__file__).with_name("fake_answer.py")))

if __name__ == "__main__":
    idle = float(os.environ.get("FAKE_IDLE_SECONDS", "60")) / 60
    sys.exit(Supervisor(Path(sys.argv[1]), Path(sys.argv[3]), idle_minutes=idle, worker=WORKER,
                        long_jobs=slots()).run())
