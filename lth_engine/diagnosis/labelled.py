"""Labelled images that somebody brings to a network of their own: an .npz, or a folder with one folder a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lth_engine.core.errors import BadInput
from lth_engine.data.class_folders import arrange
from lth_engine.data.decoding import decode
from lth_engine.data.image_source import folder_source
from lth_engine.data.raw import Report, silent
from lth_engine.data.stacking import stack
from lth_engine.diagnosis.batch_file import Batch, read_parts
from lth_engine.importing.checkpoint import Architecture

GUESSED_ON = 2000
"""Images of the part for training that are decoded, to try normalisations on."""


@dataclass(frozen=True)
class Labelled:
    """Images for a network.

    Attributes:
        judged: on which it is judged: the part for tests where there is one, else all.
        aside: of the part for training, where there are both; nothing is reported of them.
        names: of the classes.
    """

    judged: Batch
    aside: Batch | None
    names: tuple[str, ...]


def labelled(path: Path, network: Architecture, report: Report = silent) -> Labelled:
    """The images that somebody brings. Images of a folder take size and colour of the network's input.

    Args:
        path: .npz or folder.
        network: what they are for.
        report: told how many images are decoded.

    Raises:
        BadInput: they cannot be read, do not fit the network, or have other classes than it.
    """
    found = _folder(path, network, report) if path.is_dir() else \
        Labelled(*read_parts(path), tuple(map(str, range(network.classes))))
    for batch in (found.judged, found.aside):
        if batch is not None:
            batch.require(network.channels, network.height, network.width, network.classes, network.size_known)
    return found


def _folder(path: Path, network: Architecture, report: Report) -> Labelled:
    source = folder_source(path)
    layout = arrange(source.names, path)
    if len(layout.classes) != network.classes:
        raise BadInput(f"The network has {network.classes} classes, but {path} has {len(layout.classes)} class "
                       "folders: give it one folder a class, in the order of their names.")
    index = {label: number for number, label in enumerate(layout.classes)}
    colour = {1: "gray", 3: "rgb"}.get(network.channels, "as is")
    size = network.height if network.size_known else 0

    def decoded(part: Sequence[tuple[str, str]]) -> Batch:
        x = stack([name for name, _ in part], lambda name: decode(source.read(name), f"{path / name}", size, colour),
                  report)
        return Batch(torch.from_numpy(x), torch.tensor([index[label] for _, label in part]), None, None, str(path))

    if not layout.test:
        return Labelled(decoded(layout.train), None, layout.classes)
    drawn = np.random.default_rng(0).permutation(len(layout.train))[:GUESSED_ON]
    return Labelled(decoded(layout.test), decoded([layout.train[place] for place in drawn]), layout.classes)
