"""Computes the examples that a new store comes with: `python -m tests.make_examples` writes assets/examples."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from lth_engine.answer import answer
from lth_engine.specs.examples import FOLDER, examples
from lth_engine.store.store import Store


def main() -> None:
    """Answer every question in an empty store and take its files over."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "lab")
        for question in examples():
            answer(question, store, data_root=Path(folder) / "data", device="cpu")
            print(question.name, question.key, flush=True)
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        for file in sorted((store.root / "artifacts").glob("*.h5")):
            shutil.copyfile(file, FOLDER / file.name)


if __name__ == "__main__":
    main()
