"""Small questions and answers that the store's tests put."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lth_engine.core.artifact import Answer, Artifact, Provenance, text_array
from lth_engine.specs.tickets import DenseTicket
from lth_engine.store.store import Store

REPO = Path(__file__).parents[2]


def question(number: int = 0) -> DenseTicket:
    return DenseTicket(init_seed=number)


def provenance(created: float = 1.0) -> Provenance:
    return Provenance(software={"h5py": "3"}, commit="abc+", host="hôst", device="cpu", threads=2, seconds=1.5,
                      created=created)


def answer(seed: int = 0) -> Answer:
    """Every encoding, small and chunked."""
    rng = np.random.default_rng(seed)
    big, small = rng.random((300, 200)) < 0.3, rng.random((7, 5)) < 0.5
    arrays = {
        "mask/big.weight": big,
        "mask/small.weight": small,
        "final/big.weight": np.where(big, rng.normal(size=big.shape), 0).astype(np.float32),
        "final/small.weight": np.where(small, rng.normal(size=small.shape), 0),
        "final/bias": rng.normal(size=200).astype(np.float16),
        "history/step": np.arange(2000),
        "history/deep/loss": np.array([1.0, np.nan, -0.0, np.inf]),
        "layers/name": text_array(["conv1", "fc.wéight"]),
        "scalar": np.array(3.5),
        "flag": np.array(True),
        "none": np.zeros((0, 3), np.float32),
        "no_mask": np.zeros((4, 0), np.bool_),
        "spectrum": rng.normal(size=4) + 1j,
    }
    sparse = {"final/big.weight": "mask/big.weight", "final/small.weight": "mask/small.weight"}
    return Answer(arrays, {"test_accuracy": 0.9 + seed, "finite": True, "name": "é", "none": None}, sparse)


def put(store: Store, number: int = 0, given: Answer | None = None, created: float = 1.0) -> Artifact:
    return store.put(question(number), answer(number) if given is None else given, parents={"a" * 24: "f" * 64},
                     provenance=provenance(created))


def same(left: Artifact, right: Artifact) -> bool:
    """Equal to the last bit, provenance and parents included."""
    plain = all(getattr(left, name) == getattr(right, name) for name in
                ("key", "kind", "spec", "summary", "parents", "provenance", "content_sha256"))
    return plain and left.arrays.keys() == right.arrays.keys() and all(
        a.dtype == right.arrays[n].dtype and a.shape == right.arrays[n].shape
        and a.tobytes() == right.arrays[n].tobytes() for n, a in left.arrays.items())


def artifact_file(store: Store, key: str) -> Path:
    return store.root / "artifacts" / f"{key}.h5"


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own that runs `code` with the repository on its path."""
    path = os.pathsep.join([str(REPO), str(Path(__file__).parent)])
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True,
                            env={**os.environ, "PYTHONPATH": path})


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[bool]:
    """A file system mounted at `folder` for the block; False where this user may not mount."""
    folder.mkdir(exist_ok=True)
    mount = shutil.which("mount")
    done = mount is not None and os.geteuid() == 0 and subprocess.run(
        [mount, *options, str(folder)], capture_output=True, check=False).returncode == 0
    try:
        yield done
    finally:
        if done:
            subprocess.run(["umount", "-l", str(folder)], check=True)
