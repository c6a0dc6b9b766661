"""answer(question) is the only way to compute anything.

What the store holds is returned; what it does not hold is computed, inputs first, and stored the moment it is done.
Caching, resuming a killed search at the first missing level, and two searches sharing runs are this one look-up.
"""

from __future__ import annotations

import importlib
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import cast

import torch

from lth_engine.core.artifact import Answer, Artifact, Provenance, Scalar
from lth_engine.core.errors import BadInput
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.question import Question
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.store.store import Store

Report = Callable[[Progress], None]

_SOFTWARE = ("torch", "torchvision", "numpy", "h5py")

OVERHEAD_EPOCHS = 0.02
"""Weight of an answer that trains nothing, in epochs, so that progress moves through masks and tables too."""


def answer(question: Question, store: Store, *, data_root: Path, device: str = "auto",
           report: Report = lambda progress: None, checkpoint_seconds: float = 20.0) -> Artifact:
    """The answer to `question`, computed if the store does not hold it.

    Args:
        question: any question.
        store: where answers are looked up and kept.
        data_root: folder of the image sets.
        device: "cpu", "cuda" or "auto" (a GPU if there is one).
        report: called a few times a second with the progress of the whole; raises Cancelled to stop.
        checkpoint_seconds: time between two saves of an unfinished training.

    Raises:
        LotteryError: one of its kinds; everything finished before is in the store.
    """
    device = _device(device)
    torch.set_flush_denormal(True)  # denormals slow a CPU down several times and change nothing that is reported
    torch.backends.cudnn.allow_tf32 = False  # float32 means float32, on a GPU too
    pending = plan(question, store)
    work = [max(OVERHEAD_EPOCHS, _epochs(q)) for q in pending]
    done = 0.0
    if pending:
        _look_ahead(question, Workbench(data_root, device, _scaled(report, 0.0, 0.0, sum(work), "")))
    for number, (step, cost) in enumerate(zip(pending, work, strict=True)):
        scaled = _scaled(report, done, cost, sum(work), f"{number + 1} of {len(pending)}: ")
        scaled(Progress(0, 0, step.title.lower()))
        checkpoint = store.checkpoint(step.key)
        bench = Workbench(data_root, device, scaled, checkpoint, checkpoint_seconds)
        with store.claim(step.key, lambda waiting=scaled: waiting(Progress(0, 0, "waiting for another process"))):
            if not store.has([step.key]):
                _solve(step, store, bench)
            checkpoint.discard()
        done += cost
    report(Progress(sum(work), sum(work), "done"))
    return store.get(question.key)


def plan(question: Question, store: Store) -> list[Question]:
    """The questions without an answer in the order in which they must be answered, `question` last.

    What lies behind an answer that is there already is not asked again.
    """
    order: dict[str, Question] = {}
    seen: set[str] = set()
    stack: list[tuple[Question, bool]] = [(question, False)]
    while stack:
        current, inputs_done = stack.pop()
        key = current.key
        if inputs_done:
            order.setdefault(key, current)
            continue
        if key in seen or store.has([key]):
            continue
        seen.add(key)
        stack.append((current, True))
        stack.extend((cast(Question, q), False) for q in reversed(current.inputs()))
    return list(order.values())


def _look_ahead(question: Question, bench: Workbench) -> None:
    """Let the solver refuse the question before its inputs are computed, if it has a function `before`."""
    module = importlib.import_module(f"{question.package}.{question.name}")
    if hasattr(module, "before"):
        module.before(question, bench)


def _solve(question: Question, store: Store, bench: Workbench) -> None:
    inputs = StoredInputs(store)
    module = importlib.import_module(f"{question.package}.{question.name}")
    began = time.perf_counter()
    found: Answer = module.answer(question, inputs, bench)
    provenance = _provenance(bench.device, time.perf_counter() - began)
    parents = {q.key: store.head(q.key).content_sha256 for q in question.inputs()}
    store.put(question, found, parents=parents, provenance=provenance)


class StoredInputs:
    """The inputs of a question, read from the store when a solver asks for them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getitem__(self, key: str) -> Artifact:
        return self._store.get(key)

    def summary(self, key: str) -> Mapping[str, Scalar]:
        """The summary alone; the arrays stay on the disk."""
        return self._store.head(key).summary


def _epochs(question: Question) -> float:
    """Epochs that an answer trains for, to weigh progress; steps count as a hundredth of an epoch."""
    if not isinstance(question, Run | DenseTicket):
        return 0.0
    length = question.rewind if isinstance(question, DenseTicket) else question.training.length
    count = length.count if length.unit == "ep" else length.count / 100
    return count * question.training.flatness.passes


def _scaled(report: Report, before: float, cost: float, total: float, prefix: str) -> Report:
    """Turns the progress of one answer into that of the whole plan."""
    def inner(progress: Progress) -> None:
        share = progress.done / progress.total if progress.total else 0.0
        report(replace(progress, done=before + share * cost, total=total, message=prefix + progress.message))
    return inner


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name not in ("cpu", "cuda"):
        raise BadInput(f"The device must be auto, cpu or cuda. Got {name!r}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise BadInput("No NVIDIA GPU is usable here. Choose cpu, or check the driver with nvidia-smi.")
    return name


def _provenance(device: str, seconds: float) -> Provenance:
    software: Mapping[str, str] = {"python": platform.python_version()} | {name: version(name) for name in _SOFTWARE}
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    return Provenance(software=software, commit=_commit(), host=platform.node(), device=name,
                      threads=torch.get_num_threads(), seconds=seconds, created=time.time())


_COMMIT: list[str] = []


def _commit() -> str:
    """Commit of the lab's own checkout, with "+" if it was changed; empty outside a checkout. Asked once."""
    if not _COMMIT:
        _COMMIT.append(_ask_git())
    return _COMMIT[0]


def _ask_git() -> str:
    folder = Path(__file__).parent.parent
    if not (folder / ".git").exists():
        return ""
    try:
        head = subprocess.run(["git", "-C", folder, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True,
                              timeout=5, check=True).stdout.strip()
        changed = subprocess.run(["git", "-C", folder, "status", "--porcelain", "--untracked-files=no"],
                                 capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
    return head + ("+" if changed else "")
