"""answer(question) is the only way to compute anything.

What the store holds is returned; what it does not hold is computed, inputs first, and stored the moment it is done.
Caching, resuming a killed search at the first missing level, and two searches sharing runs are this one look-up.
"""

from __future__ import annotations

import contextlib
import importlib
import platform
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import cast

import torch

from lth_engine.core.artifact import Answer, Artifact, Provenance, Scalar
from lth_engine.core.errors import BadInput, LotteryError
from lth_engine.core.workbench import Progress, Workbench
from lth_engine.specs.question import Question
from lth_engine.specs.questions import TicketSearch
from lth_engine.specs.tickets import DenseTicket, Run
from lth_engine.store.checkpoint import StoreCheckpoint
from lth_engine.store.store import Store
from lth_engine.training.fitting import DoesNotFit
from lth_engine.training.repeatable import set_deterministic
from lth_engine.training.room import room
from lth_engine.training.run import answer_together
from lth_engine.training.workplace import clear, held

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
    work, done = _work(pending), 0.0
    if pending:
        scaled = _scaled(report, 0.0, 0.0, _total(work, pending, store), "")
        _look_ahead(question, Workbench(data_root, device, scaled))
    while pending:
        needs = needed(pending, store) if side_by_side(device) else None
        group = next_group(pending, needs)
        found = [q for one in group for q in plan(one, store)[:-1]]
        if found:  # further questions, that the answers of others led to
            pending = list({q.key: q for q in (*found, *pending)}.values())
            work |= _work(found)
            continue
        if len(group) > 1:
            group = group[:room(cast(Run, group[0]), Workbench(data_root, device))]
        cost, total = sum(work[q.key] for q in group), _total(work, pending, store)
        number = len(work) - len(pending) + 1
        scaled = _scaled(report, done, cost, total, f"{number} of {len(work)}: ")
        scaled(Progress(0, 0, group[0].title.lower()))
        benches = [Workbench(data_root, device, scaled, store.checkpoint(q.key), checkpoint_seconds) for q in group]
        try:
            _answer_group(group, benches, store)
        except DoesNotFit as error:
            raise _named(error, question, group[0]) from error
        answered = {q.key for q in group}
        pending = [q for q in pending if q.key not in answered]
        done += cost
    total = sum(work.values())
    report(Progress(total, total, "done"))
    return store.get(question.key)


def _named(error: DoesNotFit, question: Question, failed: Question) -> DoesNotFit:
    """The error with the name under which the user sets the batch size of the training that failed."""
    if not (isinstance(question, TicketSearch) and isinstance(failed, Run | DenseTicket)):
        return error
    return DoesNotFit(str(error).replace("training.batch_size", f"{question.setting_of(failed.training)}.batch_size"))


def side_by_side(device: str) -> bool:
    """Whether runs of a kind are trained beside one another there."""
    return device == "cuda"


def needed(pending: Sequence[Question], store: Store) -> dict[str, set[str]]:
    """Keys of what each question needs, as far as the answers that are there tell, by its key."""
    return {q.key: {i.key for i in q.needs(store.summary)} for q in pending}


def next_group(pending: Sequence[Question], needs: Mapping[str, set[str]] | None) -> list[Question]:
    """The questions to answer next: the first one, or one that is ready and all runs that can be trained beside it.

    Everything but runs then goes first, so that more runs are ready at a time.

    Args:
        pending: unanswered questions in order, inputs first.
        needs: keys of what each needs, by its key; None if runs are not trained side by side.
    """
    if needs is None:
        return [pending[0]]
    unanswered = {q.key for q in pending}
    ready = [q for q in pending if not needs[q.key] & unanswered]
    quick = next((q for q in ready if not (isinstance(q, Run) and q.trains)), None)
    if quick is not None:
        return [quick]
    first, *others = (q for q in ready if isinstance(q, Run))
    return [first, *(q for q in others if first.joins(q))]


def _answer_group(group: Sequence[Question], benches: Sequence[Workbench], store: Store) -> None:
    """Answer questions that need nothing of one another, each unless another process has done so meanwhile.

    Claims are taken in the order of the keys, so that two processes never wait for each other.
    """
    with contextlib.ExitStack() as claims:
        for q in sorted(group, key=lambda q: q.key):
            claims.enter_context(store.claim(q.key, lambda: benches[0].report(
                Progress(0, 0, "waiting for another process"))))
        left = [(q, bench) for q, bench in zip(group, benches, strict=True) if not store.has([q.key])]
        if len(left) == 1:
            _solve(*left[0], store)
        elif left:
            _solve_together([cast(Run, q) for q, _ in left], [bench for _, bench in left], store)
        for bench in benches:
            cast(StoreCheckpoint, bench.checkpoint).discard()


def plan(question: Question, store: Store) -> list[Question]:
    """The questions without an answer in the order in which they must be answered, `question` last.

    What lies behind an answer that is there already is not asked again. Further questions (see
    :meth:`Question.further`) are those known by now.
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
        stack.extend((cast(Question, q), False) for q in reversed(current.needs(store.summary)))
    return list(order.values())


def _work(questions: Sequence[Question]) -> dict[str, float]:
    """How much of the progress bar each answer is worth, by key, in epochs."""
    return {q.key: max(OVERHEAD_EPOCHS, q.epochs) for q in questions}


def _total(work: Mapping[str, float], pending: Sequence[Question], store: Store) -> float:
    """The work that is known, and what the questions that are not named yet cost at least."""
    return sum(work.values()) + sum(q.ahead(store.summary) for q in pending)


def _look_ahead(question: Question, bench: Workbench) -> None:
    """Let the solver refuse the question before its inputs are computed, if it has a function `before`."""
    module = importlib.import_module(f"{question.package}.{question.name}")
    if hasattr(module, "before"):
        module.before(question, bench)


def _solve(question: Question, bench: Workbench, store: Store) -> None:
    module = importlib.import_module(f"{question.package}.{question.name}")
    began = time.perf_counter()
    found = _attempt(module, question, bench, store)
    if found is None:
        clear()
        found = cast(Answer, module.answer(question, StoredInputs(store), bench))
    _put(question, found, bench.device, time.perf_counter() - began, store)


def _attempt(module: ModuleType, question: Question, bench: Workbench, store: Store) -> Answer | None:
    """The answer; None if a GPU ran out of memory while trainings that are over still held some."""
    set_deterministic(False)  # whatever was trained before; a training sets its own
    crowded = held()
    try:
        return cast(Answer, module.answer(question, StoredInputs(store), bench))
    except (DoesNotFit, torch.OutOfMemoryError):
        if not crowded:
            raise
    return None


def _solve_together(runs: Sequence[Run], benches: Sequence[Workbench], store: Store) -> None:
    """Train runs together; those that finish are stored, then the first failure is raised.

    A run that found no room on the device beside the others is trained once more, alone.
    """
    began = time.perf_counter()
    found = answer_together(runs, StoredInputs(store), benches)
    seconds = (time.perf_counter() - began) / len(runs)
    for question, result in zip(runs, found, strict=True):
        if isinstance(result, Answer):
            _put(question, result, benches[0].device, seconds, store)
    for question, bench, result in zip(runs, benches, found, strict=True):
        if isinstance(result, DoesNotFit):
            clear()
            _solve(question, bench, store)
        elif isinstance(result, LotteryError):
            raise result


def _put(question: Question, found: Answer, device: str, seconds: float, store: Store) -> None:
    parents = {q.key: store.head(q.key).content_sha256 for q in question.needs(store.summary)}
    store.put(question, found, parents=parents, provenance=_provenance(device, seconds))


class StoredInputs:
    """The inputs of a question, read from the store when a solver asks for them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getitem__(self, key: str) -> Artifact:
        return self._store.get(key)

    def summary(self, key: str) -> Mapping[str, Scalar]:
        """The summary alone; the arrays stay on the disk."""
        return self._store.head(key).summary

    def summary_if_there(self, key: str) -> Mapping[str, Scalar] | None:
        """The summary, None if the store has no such answer."""
        return self._store.summary(key)


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
