"""The store: put, get, rows, a part, beside the bare cost of the same bytes on the same disk.

Two bare costs: of the bytes of our file, and of the arrays as they are in memory (what a store without encodings would
write). Writing is numpy's tofile with fsync, reading numpy.fromfile; both sides read from the page cache. Ours also
encodes, hashes all content, checks every byte, and keeps the index. Put and get alternate with their bare costs, and
ratios are medians over rounds.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from lth_engine.core.artifact import Answer, Provenance, text_array
from lth_engine.specs.tickets import DenseTicket
from lth_engine.store.store import Store

LENET = {"fc1.weight": (300, 784), "fc2.weight": (100, 300), "fc.weight": (10, 100)}
TEN_MILLION = {f"layer{i}.weight": (1000, 1000) for i in range(10)}
DENSITY = 0.1
EVALUATIONS = 40
"""Rows of a run's history."""
KEYS = 300
ROUNDS = 7

PROVENANCE = Provenance({"numpy": np.__version__}, "", "host", "cpu", 1, 1.0, 1.0)


def main(rounds: int = ROUNDS) -> None:
    """Print one line an operation."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store(folder / "store")
        print(f"median of {rounds} rounds, density {DENSITY:.0%}; load average {os.getloadavg()[0]:.1f}, "
              f"{os.cpu_count()} cores")
        print(f"{'':30} {'ours ms':>9} {'bare ms':>9} {'ratio':>7} {'arrays ms':>10} {'ratio':>7} {'file':>9} "
              f"{'arrays':>9}")
        for number, (title, shapes) in enumerate((("LeNet-300-100", LENET), ("10 million weights", TEN_MILLION))):
            one_run(title, store, DenseTicket(init_seed=number), run_answer(shapes), folder, rounds)
        many_rows(store, folder, rounds)


def one_run(title: str, store: Store, question: DenseTicket, answer: Answer, folder: Path, rounds: int) -> None:
    """Put, get and read a part of one run."""
    key, raw, whole, part = question.key, folder / "raw", folder / "whole", folder / "part"

    def put() -> None:
        store.put(question, answer, parents={}, provenance=PROVENANCE)
    put()
    file = np.fromfile(store.root / "artifacts" / f"{key}.h5", np.uint8)
    arrays = np.concatenate([array.reshape(-1).view(np.uint8) for array in answer.arrays.values()])
    history = np.concatenate([a.view(np.uint8) for n, a in answer.arrays.items() if n.startswith("history/")])
    history.tofile(part)
    sizes = (file.nbytes, arrays.nbytes)
    line(f"put {title}", times(rounds, put, lambda: write(file, raw), lambda: write(arrays, whole)), sizes)
    line(f"get {title}", times(rounds, lambda: store.get(key), lambda: np.fromfile(raw, np.uint8),
                               lambda: np.fromfile(whole, np.uint8)), sizes)
    line(f"read(history) {title}", times(rounds, lambda: store.read(key, "history"),
                                         lambda: np.fromfile(part, np.uint8)), (history.nbytes,))


def many_rows(store: Store, folder: Path, rounds: int) -> None:
    """The query of a page that polls, first and again, beside sqlite's own answer without any parsing."""
    small = run_answer({"fc.weight": (4, 4)})
    questions = [DenseTicket(init_seed=100 + number) for number in range(KEYS)]
    for question in questions:
        store.put(question, small, parents={}, provenance=PROVENANCE)
    keys = [question.key for question in questions]
    fresh = [Store(store.root) for _ in range(rounds + 1)]
    with closing(sqlite3.connect(store.root / "index.sqlite")) as index:
        query = f"select * from artifact where key in ({','.join('?' * KEYS)})"
        assert len(index.execute(query, keys).fetchall()) == len(store.rows(keys)) == KEYS
        line(f"rows({KEYS} keys), first", times(rounds, lambda: fresh.pop().rows(keys),
                                                lambda: index.execute(query, keys).fetchall()))
        line(f"rows({KEYS} keys), again", times(rounds, lambda: store.rows(keys),
                                                lambda: index.execute(query, keys).fetchall()))


def run_answer(shapes: dict[str, tuple[int, int]]) -> Answer:
    """An answer with the arrays of a trained run."""
    rng = np.random.default_rng(0)
    arrays = {f"mask/{name}": rng.random(shape) < DENSITY for name, shape in shapes.items()}
    for name, shape in shapes.items():
        values = np.where(arrays[f"mask/{name}"], rng.normal(size=shape), 0).astype(np.float32)
        arrays |= {f"final/{name}": values, f"histogram/{name}": np.arange(60),
                   f"histogram_edges/{name}": np.linspace(-1, 1, 61)}
        arrays[f"final/{name.replace('weight', 'bias')}"] = rng.normal(size=shape[0]).astype(np.float32)
    for name in ("step", "epoch", "learning_rate", "train_loss", "validation_accuracy", "validation_loss",
                 "test_accuracy", "test_loss"):
        arrays[f"history/{name}"] = rng.random(EVALUATIONS)
    arrays |= {"layers/name": text_array(list(shapes)), "layers/density": np.full(len(shapes), DENSITY)}
    summary = {f"number_{i}": float(rng.random()) for i in range(25)}
    return Answer(arrays, summary, {f"final/{name}": f"mask/{name}" for name in shapes})


def write(content: np.ndarray, path: Path) -> None:
    """The least that a durable write can do."""
    with path.open("wb") as raw:
        content.tofile(raw)
        raw.flush()
        os.fsync(raw.fileno())


def times(rounds: int, *actions: Callable[[], object]) -> list[list[float]]:
    """Seconds of each action in each round, taken in turns, after one round of warm-up."""
    found: list[list[float]] = [[] for _ in actions]
    for number in range(rounds + 1):
        for action, seconds in zip(actions, found, strict=True):
            began = time.perf_counter()
            action()
            if number:
                seconds.append(time.perf_counter() - began)
    return found


def line(title: str, found: list[list[float]], sizes: tuple[int, ...] = ()) -> None:
    """One line of the table: ours, then each bare cost with the ratio to it."""
    ours, *bare = found
    text = f"{title:30} {1e3 * statistics.median(ours):9.2f}"
    for width, seconds in zip((9, 10), bare, strict=False):
        ratio = statistics.median(a / b for a, b in zip(ours, seconds, strict=True))
        text += f" {1e3 * statistics.median(seconds):{width}.2f} {ratio:7.1f}"
    blank = 0 if len(bare) == 2 else 19
    print(text + " " * blank + "".join(f" {size / 1e6:6.2f} MB" for size in sizes), flush=True)


if __name__ == "__main__":
    main()
