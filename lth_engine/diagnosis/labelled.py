"""Labelled images that somebody brings to a network of their own: an .npz, or a folder with one folder a class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from lth_engine.core.errors import BadInput
from lth_engine.data.class_folders import arrange
from lth_engine.data.decoding import decode
from lth_engine.data.image_source import folder_source
from lth_engine.data.raw import Report, silent
from lth_engine.data.stacking import stack
from lth_engine.diagnosis.batch_file import Batch, read_batch
from lth_engine.importing.checkpoint import Architecture


def labelled(path: Path, network: Architecture, report: Report = silent) -> tuple[Batch, tuple[str, ...]]:
    """Images and the names of their classes. Images of a folder take size and colour of the network's input.

    Where there is a part for tests (test/, x_test), that is taken.

    Args:
        path: .npz or folder.
        network: what they are for.
        report: told how many images are decoded.

    Raises:
        BadInput: they cannot be read, do not fit the network, or have other classes than it.
    """
    if path.is_dir():
        batch, names = _folder(path, network, report)
    else:
        batch, names = read_batch(path, normalised=False), tuple(map(str, range(network.classes)))
    batch.require(network.channels, network.height, network.width, network.classes, network.size_known)
    return batch, names


def _folder(path: Path, network: Architecture, report: Report) -> tuple[Batch, tuple[str, ...]]:
    source = folder_source(path)
    layout = arrange(source.names, path)
    if len(layout.classes) != network.classes:
        raise BadInput(f"The network has {network.classes} classes, but {path} has {len(layout.classes)} class "
                       "folders: give it one folder a class, in the order of their names.")
    part = layout.test or layout.train
    colour = {1: "gray", 3: "rgb"}.get(network.channels, "as is")
    size = network.height if network.size_known else 0
    x = stack([name for name, _ in part], lambda name: decode(source.read(name), f"{path / name}", size, colour),
              report)
    index = {label: number for number, label in enumerate(layout.classes)}
    y = np.array([index[label] for _, label in part], np.int64)
    return Batch(torch.from_numpy(x), torch.from_numpy(y), None, None, str(path)), layout.classes
