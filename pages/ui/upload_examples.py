"""Files to play with, for who has none at hand: two trained by this lab, one untrained, one damaged, one hostile."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lth_engine.specs.examples import FOLDER, search

Arrays = dict[str, np.ndarray]

_SIZES = (784, 300, 100, 10)
"""LeNet-300-100 on images of 28 x 28 pixels, 10 classes."""


@dataclass(frozen=True)
class Example:
    """A file that the lab makes.

    Attributes:
        title: what it is.
        file: its name.
        why: what there is to see.
        write: writes it to a path.
    """

    title: str
    file: str
    why: str
    write: Callable[[Path], None]


def write(name: str, path: Path) -> None:
    """Write an example to a path."""
    EXAMPLES[name].write(path)


def _stored(level: int, path: Path) -> None:
    shutil.copyfile(FOLDER / f"{search().run(level, 0).key}.h5", path)


def lenet(seed: int = 0) -> Arrays:
    """LeNet-300-100 as PyTorch would draw it: weights and biases uniform within 1 / sqrt(inputs)."""
    draw, found = np.random.default_rng(seed), {}
    for place, name in enumerate(("fc1", "fc2", "fc")):
        inputs, outputs = _SIZES[place:place + 2]
        end = 1 / np.sqrt(inputs)
        found[f"{name}.weight"] = draw.uniform(-end, end, (outputs, inputs)).astype(np.float32)
        found[f"{name}.bias"] = draw.uniform(-end, end, outputs).astype(np.float32)
    return found


def _untrained(path: Path) -> None:
    _save(path, lenet())


def _damaged(path: Path) -> None:
    """Units that died, a layer pruned to nothing but a few weights, and numbers that overflowed."""
    found = lenet(1)
    found["fc1.weight"][:90] = 0
    found["fc1.bias"][:90] = 0
    found["fc2.weight"][np.random.default_rng(2).random(found["fc2.weight"].shape) > 0.01] = 0
    found["fc.weight"][3, :2] = np.nan
    found["fc.bias"][7] = np.inf
    _save(path, found)


def _hostile(path: Path) -> None:
    """A pickle that asks for a command to be run; all that it would do is to print a word."""
    path.write_bytes(b"\x80\x02cposix\nsystem\nX\x0b\x00\x00\x00echo hacked\x85R.")


def _save(path: Path, found: Arrays) -> None:
    with path.open("wb") as out:
        np.savez(out, **found)


EXAMPLES = {
    "ticket": Example("A ticket that this lab found", "ticket.h5",
                      "A small LeNet that recognises digits with 12.9 % of its weights.",
                      functools.partial(_stored, 5)),
    "dense": Example("The dense network that the ticket was cut from", "dense.h5",
                     "The same network before any weight was pruned: bring it as the second file to compare them.",
                     functools.partial(_stored, 0)),
    "untrained": Example("LeNet-300-100, never trained", "untrained.npz",
                         "What a network looks like at initialization: every layer uniform, nothing learned.",
                         _untrained),
    "damaged": Example("A damaged network", "damaged.npz",
                       "Dead units, a layer pruned almost away, and numbers that are none.", _damaged),
    "hostile": Example("A hostile file", "model.pt",
                       "It asks Python to run a command (a harmless one). See what happens.", _hostile),
}
"""By name, in the order of the list."""
