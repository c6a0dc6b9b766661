"""The engine of the lottery-ticket lab: trains, prunes, stores and analyses sparse tickets."""

import os

__version__ = "0.1.0"

# Threads that wait for one another spin for some microseconds and then sleep. By default they spin for milliseconds,
# which on a machine that does anything else (two jobs, a browser, a class) made a LeNet step 4 to 40 times slower; to
# sleep at once makes it 3 times slower on a quiet one (tests/benchmarks/contention.py). It must be set before torch
# loads its OpenMP (GNU's; others ignore it).
os.environ.setdefault("GOMP_SPINCOUNT", "3000")

# The knob training.deterministic needs this on a GPU, and it must be set before cuBLAS starts.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
