"""Cards as the gate hands them over, in every state, and a gate that hands them over without a child."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future
from pathlib import Path

import numpy as np

from lth_engine.core.artifact import text_array
from lth_engine.gate.ask import Reading

SHA = "ab" * 32

CLEAN = hashlib.sha256(b"clean").hexdigest()
"""Of the clean copies that the gate writes."""

EVIL = ("<img src=x onerror=alert(1)>", "$$x^2$$", "[x](javascript:alert(1))", ":red[x]", "![i](http://evil.example/i.png)",
        "**bold**", "`code`", "<script>alert(1)</script>", "http://evil.example/ www.evil.example", ":material/home:")
"""Names of tensors that a page must show as they are."""


def layer(name, shape, density=1.0, prunable=True):
    weights = 1
    for n in shape:
        weights *= n
    return {"name": name, "shape": list(shape), "weights": weights, "kept": round(density * weights),
            "density": density, "prunable": prunable}


def finding(code, severity, text, layer=None, about=""):
    return {"code": code, "severity": severity, "text": text, "layer": layer, "about": about}


def card(**more):
    """A ticket: ResNet-20 at 10.7 %, trained, in a DataParallel checkpoint."""
    layers = [layer("conv1.weight", (16, 3, 3, 3), 0.52), layer("layer1.0.conv1.weight", (16, 16, 3, 3), 0.21),
              layer("layer3.2.conv2.weight", (64, 64, 3, 3), 0.08), layer("linear.weight", (10, 64), 0.3),
              layer("embed.weight", (4, 4), 1.0, prunable=False)]
    return {
        "status": "read", "reason": "", "name": "resnet20.pt", "bytes": 1_120_000, "sha256": SHA,
        "format": "torch zip",
        "wrappers": ["state_dict", "module."], "beside": ["optimizer state (62 tensors)"],
        "ignored": ["argparse.Namespace (1)"],
        "notes": ["This file holds Python objects besides tensors (argparse.Namespace). I read the 62 tensors and "
                  "ignored the rest; nothing in the file was run."],
        "epoch": 160, "facts": {"epoch": 160, "args/lr": 0.1, "best_acc": 91.2, "arch": "resnet20"}, "tensors": 124,
        "parameters": 269_722, "precision": {"float32": 269_722, "int64": 19},
        "architecture": {"name": "ResNet-20",
                         "variant": "option A shortcuts, CIFAR stem, width 16, batch normalisation",
                         "spec": {"name": "cifar_resnet", "depth": 20}, "input": [3, 32, 32], "size_known": False,
                         "renaming": {"linear.weight": "fc.weight"}},
        "classes": 10, "nearest": None, "masks": "weight_orig and weight_mask", "density": 0.107, "prunable": 268_336,
        "kept": 28_712, "layers": layers,
        "findings": [
            finding("stale", "note", "Under the masks lie 239,624 weights that are not 0.", None, "density"),
            finding("dead_units", "warning", "14 of 64 filters of layer3.2.conv2.weight are 0.",
                    "layer3.2.conv2.weight", "dead_units"),
            finding("norm_variance", "problem", "linear.bias has 1 value NaN of 10.", "linear.bias", "no_such_text"),
            finding("signs", "good", "The signs of the weights are far from balanced: 48% are negative.")],
    } | more


def unknown(**more):
    """A file that no network fits; one is near."""
    return card(architecture=None, nearest={
        "name": "ResNet-20", "variant": "option B shortcuts", "missing": ["fc.bias"], "unexpected": ["head.0.weight"],
        "shapes": [["conv1.weight", [64, 3, 7, 7], [16, 3, 3, 3]]], "renaming": {"head.weight": "fc.weight"},
        "applies": False}, **more)


def nearly(**more):
    """A file where only the names differ."""
    return card(architecture=None, nearest={
        "name": "ResNet-20", "variant": "option A shortcuts", "missing": [], "unexpected": [], "shapes": [],
        "renaming": {"stem.weight": "conv1.weight"}, "applies": True}, **more)


def hostile_names():
    """Names that would be markup anywhere but in plain text."""
    layers = [layer(name, (3, 3), 0.5) for name in EVIL]
    return card(name=EVIL[0] + EVIL[4] + ".pt", layers=layers, wrappers=list(EVIL), beside=list(EVIL),
                ignored=[f"{name} (1)" for name in EVIL], notes=list(EVIL), masks=EVIL[2], format=EVIL[5],
                facts={name: name for name in EVIL}, precision={EVIL[4]: 12},
                architecture={"name": EVIL[0], "variant": EVIL[4], "spec": {}, "input": [1, 2, 3], "size_known": True,
                              "renaming": {EVIL[4]: EVIL[4]}},
                findings=[finding("x", "warning", f"The tensor {name} is dead.", name, "../../README")
                          for name in EVIL])


def huge(count):
    """So many layers."""
    return card(layers=[layer(f"blocks.{index}.weight", (3, 3), 0.5) for index in range(count)])


def nothing_known():
    """Every value missing or of another kind than it should be."""
    return {"status": "read", "name": 7, "bytes": "many", "layers": [None, 3, {"name": None, "shape": "x"}],
            "findings": [None, {"severity": "terrible"}], "facts": [1], "density": float("nan"), "precision": None,
            "architecture": [], "nearest": {"shapes": [[1]], "missing": 3}, "epoch": 1e400, "kept": True}


REFUSED = {"status": "refused", "name": "model.pt", "bytes": 43, "sha256": SHA,
           "reason": "Refused: this file asks Python to run `posix.system`. It was not run. Do not load it elsewhere."}
UNREADABLE = {"status": "unreadable", "name": "half.pt", "bytes": 1_200_000, "sha256": SHA,
              "reason": "The file stops early (1.2 of 4.8 MB)."}
DIED = {"status": "refused", "name": "slow.h5", "bytes": 9, "sha256": SHA,
        "reason": "Reading stopped at the time limit (20 s)."}
DIRECTORY = card(name="lottery_1", last=card(), directory={"kind": "open_lth", "notes": [], "members": [
    {"experiment": "lottery_1", "level": level, "replicate": 1, "branch": "main", "density": 0.8**level,
     "accuracy": 0.9, "notes": [], "clean": {"final": f"{level}f" * 32, "rewind": f"{level}e" * 32},
     "files": {"final": f"level_{level}/main/model_ep160_it0.pth", "mask": f"level_{level}/main/mask.pth"}}
    for level in (-1, 0, 1, 2)]})


def passport():
    """A ticket's passport: its bits give layers, and its recipe a network, but no weights."""
    return card(name="ticket.passport", format="ticket passport", masks="packed bits", epoch=None, findings=[
        finding("passport", "note", "The passport of a ticket that keeps 28,712 of 268,336 prunable weights.")])


class FakeGate:
    """Answers from cards; `hold` keeps readings under way until `release`."""

    def __init__(self, monkeypatch):
        self.cards, self.answers, self.asked, self.read_paths = [card()], {}, [], []
        self.held, self.copies = None, {}
        monkeypatch.setattr("pages.ui.upload_gate.read", self.read)
        monkeypatch.setattr("pages.ui.upload_gate.rename", self.rename)
        monkeypatch.setattr("pages.ui.upload_gate.ask", self.ask)
        monkeypatch.setattr("pages.ui.upload_gate.warm", lambda: None)
        monkeypatch.setattr("pages.ui.upload_work.SOON", 0.1)

    def hold(self):
        self.held = Future()

    def read(self, path, name, clean, room, heard):
        if self.held is not None:
            self.held.result(timeout=20)
            heard({"stage": "reading"})
        self.read_paths.append((path, name, path.read_bytes() if path.is_file() else b""))
        found = self.cards[0] if len(self.cards) == 1 else self.cards.pop(0)
        if found.get("status") == "read":
            Path(clean).write_bytes(b"clean")
            for sha256, content in self.copies.items():
                (clean.parent / f"{sha256}.safetensors").write_bytes(content)
            return Reading(found, Path(clean), CLEAN)
        return Reading(found)

    def rename(self, path, name, clean, renaming, heard):
        return Reading(self.ask("rename", [path], renaming, heard), clean, "ef" * 32)

    def ask(self, entry, files, arguments, heard):
        self.asked.append((entry, [path.name for path in files], dict(arguments)))
        answer = self.answers[entry]
        return answer(arguments) if callable(answer) else answer


def spectrum(name, *, heavy):
    """A layer of the answer to "spectra"."""
    tail = {"applies": True, "reason": "", "alpha": 2.41, "error": 0.2, "lowest": 1.0, "count": 40, "distance": 0.05,
            "p": 0.4} if heavy else {"applies": False, "reason": "It has 10 eigenvalues above 0."}
    return {"name": name, "shape": [64, 64, 3, 3], "rows": 64, "columns": 576, "spectral_norm": 9.0,
            "stable_rank": 4.2,
            "eigenvalues": [0.1 * 1.08**i for i in range(64)], "tail": tail,
            "bulk": {"variance": 0.4, "lower": 0.1, "upper": 0.7, "limit": 0.8, "spikes": 3, "distance": 0.2},
            "text": "Its 40 largest follow a power law." if heavy else "No exponent is told."}


SPECTRA = {"layers": [spectrum(EVIL[0], heavy=False), spectrum("layer1.0.conv1.weight", heavy=True)]}


def relation(name):
    """A layer, or the whole, of the answer to "compare"."""
    return {"name": name, "weights": 1000, "distance": 3.1, "relative": 0.4, "cosine": 0.92, "errors": 20.0,
            "sign_pairs": 80, "sign_agreement": 0.98, "sign_chance": 0.5, "density_first": 0.1, "density_second": 0.2,
            "both": 80, "overlap": 80 / 220, "chance": 20.0, "chance_band": [12, 28]}


COMPARED = {
    "same_shape": False, "by": "names", "only_first": ["fc.bias"], "only_second": [EVIL[2]],
    "shapes": [["conv1.weight", [16, 3, 3, 3], [32, 3, 3, 3]]], "layers": [relation("a.weight"), relation(EVIL[1])],
    "whole": relation(""), "kinship": {"code": "related", "text": "One was trained further from the other."},
    "reordered": None, "findings": [finding("kinship", "note", "One was trained further from the other."),
                                    finding("signs", "note", "98% of the 80 have the same sign.")]}

SPEED = {"times": [{"batch": 1, "median": 0.0021, "low": 0.002, "high": 0.0023, "passes": 50,
                    "images_per_second": 476.0}], "threads": 1, "flops_dense": 8e7, "flops_sparse": 8e6,
         "flops_filters": 7e7, "bytes": {"raw": 1_000_000, "zipped": 300_000, "estimated": False, "packed": 130_000,
                                         "sparse_rows": 210_000},
         "sentence": "Zeros at single places do not speed up dense kernels.", "reason": ""}


HEALTH_SUMMARY = {
    "images": 450, "chance": 0.1, "accuracy": 0.956, "accuracy_low": 0.932, "accuracy_high": 0.971, "loss": 0.2,
    "confidence": 0.97, "ece": 0.021, "ece_low": 0.01, "ece_high": 0.04, "ece_by_chance": 0.02,
    "ece_by_chance_high": 0.025, "brier": 0.1, "worst_class": EVIL[0], "worst_accuracy": 0.867, "normalisation": "own",
    "normalisation_best": "unit", "normalisation_text": "It does better with pixels from 0 to 1.", "classes_text": ""}


def health_arrays():
    """Arrays of a Health on images of three classes, one of them without an image."""
    return {"confusion": np.array([[13, 2, 0], [0, 20, 0], [0, 0, 0]]), "class/name": text_array([EVIL[0], "b", "c"]),
            "class/count": np.array([15, 20, 0]), "class/accuracy": np.array([0.867, 1.0, np.nan]),
            "class/low": np.array([0.6, 0.84, np.nan]), "class/high": np.array([0.96, 1.0, np.nan]),
            "reliability/edges": np.linspace(0, 1, 4), "reliability/count": np.array([0, 5, 30]),
            "reliability/confidence": np.array([np.nan, 0.55, 0.97]),
            "reliability/accuracy": np.array([np.nan, 0.4, 0.99])}
