"""Stored answers about features, made of invented numbers: no torch, no training."""

import numpy as np

from lth_engine.core.artifact import Answer, text_array
from lth_engine.specs.features import FewShot, LinearProbe, ProbePanel, TransferPanel
from tests.pages.fake_search import PROVENANCE, SEARCH

PANEL = ProbePanel(of=SEARCH, level=2)
MOVED = TransferPanel(of=SEARCH, level=2, variants=("ticket", "shuffled", "dense", "trained_dense"))
PROBE = LinearProbe(of=SEARCH.run(2, 0))
FEW = FewShot(of=SEARCH, level=2, percents=("10", "50"))

ACCURACY = {"ticket": 0.6, "shuffled": 0.4, "dense": 0.5, "trained_ticket": 0.9, "trained_dense": 0.92}
BESIDE = {"ticket": "", "shuffled": "worse", "dense": "worse", "trained_ticket": "better", "trained_dense": "better"}


def put(store, question, arrays, summary):
    store.put(question, Answer(arrays, summary), parents={}, provenance=PROVENANCE)


def put_probe(store, question=PROBE, accuracy=0.6, **said):
    """One classifier."""
    put(store, question, {"history/epoch": np.array([0.0, 5.0]), "history/train_loss": np.array([np.nan, 1.0]),
                          "history/test_accuracy": np.array([0.1, accuracy])},
        {"test_accuracy": accuracy, "train_accuracy": accuracy + 0.01, "test_loss": 1.1, "features": 100,
         "train_images": 1210, "test_images": 451, "chance": 0.1, "dead_features": 4, "opinion_accuracy": accuracy,
         "opinion_note": ""} | said)


def put_panel(store, question=PANEL, words=None, opinion=0.0):
    """A panel with these words against the ticket; scikit-learn's accuracy lies higher by `opinion`."""
    words = BESIDE | (words or {})
    cells = list(question.asked().items())
    values = np.array([ACCURACY[v] + 0.01 * r for (v, r), _ in cells])
    table = {"variant": text_array([v for (v, _), _ in cells]), "replicate": np.array([r for (_, r), _ in cells]),
             "test_accuracy": values, "key": text_array([q.key for _, q in cells])}
    if isinstance(question, ProbePanel):
        table["opinion_accuracy"] = np.minimum(values + opinion, 1.0)
    names = list(question.variants)
    mean = np.array([ACCURACY[v] + 0.005 for v in names])
    apart = np.where(np.array(names) == "ticket", np.nan, mean - ACCURACY["ticket"] - 0.005)
    variant = {"name": text_array(names), "accuracy": mean, "half_width": np.full(len(names), 0.06),
               "difference": apart, "low": apart - 0.02, "high": apart + 0.02,
               "word": text_array([words[v] for v in names])}
    put(store, question, {f"table/{n}": a for n, a in table.items()} | {f"variant/{n}": a for n, a in variant.items()},
        {"best": "trained_dense", "features": 100, "chance": 0.1, "verdict_text": "The ticket reaches 60.5% (n = 2)."})


def put_few(store, question=FEW, words=("better", "better")):
    """Few-shot trainings: the words of the ticket against its shuffled mask and the dense network, at every size."""
    base = {"ticket": 0.6, "shuffled_mask": 0.3, "dense": 0.5}
    cells = list(question.runs().items())
    rows = [(int(p), v) for p in question.percents for v in base]
    beside = dict(zip(("shuffled_mask", "dense"), words, strict=True)) | {"ticket": ""}
    apart = np.array([np.nan if v == "ticket" else base["ticket"] - base[v] for _, v in rows])
    arrays = {
        "table/percent": np.array([int(p) for (p, _, _), _ in cells]),
        "table/variant": text_array([v for (_, v, _), _ in cells]),
        "table/replicate": np.array([r for (_, _, r), _ in cells]),
        "table/test_accuracy": np.array([base[v] + int(p) / 1000 + 0.01 * r for (p, v, r), _ in cells]),
        "table/train_images": np.array([12 * int(p) for (p, _, _), _ in cells]),
        "table/key": text_array([q.key for _, q in cells]),
        "row/percent": np.array([p for p, _ in rows]), "row/variant": text_array([v for _, v in rows]),
        "row/accuracy": np.array([base[v] + p / 1000 for p, v in rows]), "row/half_width": np.full(len(rows), 0.05),
        "row/difference": apart, "row/low": apart - 0.03, "row/high": apart + 0.03,
        "row/word": text_array([beside[v] for _, v in rows])}
    put(store, question, arrays, {"verdict_text": "With 10% of the images 60.0%.", "chance": 0.1, "density": 0.64})
