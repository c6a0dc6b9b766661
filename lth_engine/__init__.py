"""The engine of the lottery-ticket lab: trains, prunes, stores and analyses sparse tickets."""

import os

__version__ = "0.1.0"

# Threads that wait for one another sleep instead of spinning. On a machine that does anything else at the same time
# (two jobs, a browser, a class), spinning made a LeNet step up to 40 times slower (tests/benchmarks/contention.py).
# It must be set before torch loads its OpenMP.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
