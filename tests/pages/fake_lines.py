"""Stored answers about lines, stability and pairs of networks, made of invented numbers: no torch, no training."""

import numpy as np

from lth_engine.core.artifact import Answer, text_array
from lth_engine.core.connected import connected
from lth_engine.specs.comparing_networks import NetworkComparison
from lth_engine.specs.connecting import Connectivity, LevelPath, Siblings
from lth_engine.specs.stability import FirstStablePoint
from lth_engine.specs.tickets import DenseTicket
from tests.pages.fake_search import PROVENANCE, SEARCH

LINE = Connectivity(first=SEARCH.run(0, 0), second=SEARCH.run(2, 0), points=11)
PATH = LevelPath(of=SEARCH, points=5)
SIBLINGS = Siblings(of=SEARCH.run(2, 0), points=5)
POINT = FirstStablePoint(start=DenseTicket(training=SEARCH.training, init_seed=7, order_seed=7), points=3)
COMPARISON = NetworkComparison(first=SEARCH.run(1, 0), second=SEARCH.run(2, 0))


def put(store, question, arrays, summary):
    store.put(question, Answer(arrays, summary), parents={}, provenance=PROVENANCE)


def put_line(store, question=LINE, height=0.3, interval=0.05, **said):
    """A line whose test error rises by `height` in the middle, from 4% at both ends; the interval is +- `interval`;
    the summary says more, or otherwise, as told."""
    alpha = np.arange(question.points) / (question.points - 1)
    bump = np.sin(np.pi * alpha)
    middle = float(bump.max())
    arrays = {"alpha": alpha, "test_error": 0.04 + height * bump / middle, "test_loss": 0.1 + height * bump}
    summary = {"barrier_test": height, "barrier_alpha": 0.5, "first_test_error": 0.04,
               "second_test_error": 0.04, "loss_barrier_test": height * middle, "density_first": 1.0,
               "density_second": 0.64, "mask_overlap": 0.64, "evaluations": question.points, "test_images": 450}
    ends = (None, None) if interval is None else (height - interval, height + interval)
    summary["verdict"] = connected(height, *ends)
    if interval is not None:
        summary |= {"barrier_test_low": ends[0], "barrier_test_high": ends[1]}
    if question.training_images:
        arrays |= {"train_error": height * bump / 2, "train_loss": height * bump / 2}
        summary |= {"barrier_train": height / 2, "barrier_alpha_train": 0.5, "loss_barrier_train": height / 2}
    put(store, question, arrays, summary | said)


def put_siblings(store, question=SIBLINGS, heights=(0.01, 0.02, 0.06), lines=True, interval=None):
    """Siblings with these barriers between the pairs, and the lines themselves."""
    heights = np.resize(np.array(heights), len(question.lines()))
    spread = {} if interval is None else {"pair/barrier_test_low": heights - interval,
                                          "pair/barrier_test_high": heights + interval}
    ends = (None, None) if interval is None or len(heights) > 1 else (heights[0] - interval, heights[0] + interval)
    if lines:
        for line, height in zip(question.lines(), heights, strict=True):
            put_line(store, line, float(height))
    pairs = [(a, b) for a in range(question.count) for b in range(a + 1, question.count)]
    put(store, question, {
        "pair/first": np.array([a for a, _ in pairs]), "pair/second": np.array([b for _, b in pairs]),
        "pair/key": text_array([line.key for line in question.lines()]), "pair/barrier_test": heights} | spread,
        {"pairs": len(pairs), "barrier_mean": float(heights.mean()),
         "barrier_std": float(heights.std(ddof=1)) if len(pairs) > 1 else None,
         "barrier_highest": float(heights.max()), "verdict": connected(float(heights.mean()), *ends)})


def put_path(store, question=PATH, heights=(0.01, 0.2)):
    """The lines from level to level, and the answer that gathers them."""
    for line, height in zip(question.lines(), heights, strict=True):
        put_line(store, line, height)
    height = np.array(heights)
    put(store, question, {
        "step/level": np.arange(len(height)), "step/key": text_array([q.key for q in question.lines()]),
        "step/barrier_test": height, "step/barrier_test_low": height - 0.01, "step/barrier_test_high": height + 0.01},
        {"steps": len(height), "barrier_mean": float(height.mean()), "barrier_highest": float(height.max()),
         "highest_from_level": int(height.argmax()), "stable_steps": int((height < 0.02).sum())})


def put_point(store, question=POINT, points=(10, 5, 2, 3, 1, 6), found=3, monotone=True, interval=None):
    """A first stable point found with these tries (the last two look for contradictions), and their lines."""
    barriers = np.array([0.1 * (p < found) + 0.001 * p for p in points])
    if not monotone:
        barriers[-1] = 0.05
    for point, height in zip(points, barriers, strict=True):
        put_line(store, question.at(point), float(height))
    length, half = question.start.training.length, np.nan if interval is None else interval
    put(store, question, {
        "trail/point": np.array(points), "trail/barrier": barriers, "trail/stable": barriers < 0.02,
        "trail/key": text_array([question.at(p).key for p in points]),
        "trail/low": barriers - half, "trail/high": barriers + half},
        {"point": found, "unit": length.unit, "length": length.count, "share": found / length.count,
         "before_end": found < length.count, "tries": len(points) - 2, "most_tries": length.count.bit_length(),
         "threshold": question.threshold, "monotone": monotone, "contradictions": "" if monotone else str(points[-1])})


def put_comparison(store, question=COMPARISON, both=150):
    """Two networks that share `both` of 298 weights, 120 being expected and 100 to 140 the band of chance."""
    layers = {"distance": [1.0, 2.0], "kept_first": [200, 40], "kept_second": [150, 40], "both": [both - 30, 30],
              "size": [258, 40], "expected": [95.0, 25.0], "low": [80, 20], "high": [110, 30],
              "signs_agree": [0.9, np.nan], "dead_first": [0, 1], "dead_second": [2, 0]}
    put(store, question, {"layers/name": text_array(["fc1.weight", "fc2.weight"])}
        | {f"layers/{name}": np.array(values) for name, values in layers.items()},
        {"distance": 2.2, "distance_all": 2.4, "signs_agree": 0.9, "signs_by_chance": 0.5, "overlap": 0.6,
         "both": both, "both_expected": 120.0, "both_expected_low": 100, "both_expected_high": 140,
         "density_first": 0.8, "density_second": 0.64, "effective_density_first": 0.79,
         "effective_density_second": 0.6, "dead_units_first": 1, "dead_units_second": 2})
