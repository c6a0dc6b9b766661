"""Runs the benchmarks that are named, or all of them, and prints their tables."""

from __future__ import annotations

import importlib
import sys

import lth_engine  # noqa: F401  (sets how threads wait, before torch is loaded)

NAMES = ("training_step", "pruning", "memory", "contention", "store", "pages", "connectivity", "curvature",
         "pac_bayes", "drawing", "ticket_search", "gate", "gpu")

for name in sys.argv[1:] or NAMES:
    module = importlib.import_module(f"tests.benchmarks.{name}")
    print(f"\n{module.__doc__.splitlines()[0]}\n")
    module.main()
