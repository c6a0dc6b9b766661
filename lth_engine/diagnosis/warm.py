"""What the server of children does once before it forks: it reads a network of its own, from memory to its card.

Modules that are loaded on first use and tables that torch fills on first use are then there in every child.
"""

from __future__ import annotations

import io

import numpy as np
import torch

from lth_engine.diagnosis.card import card
from lth_engine.importing import clean, hdf5_file
from lth_engine.importing.read import read
from lth_engine.importing.understand import understand
from lth_engine.models.build import build
from lth_engine.specs.models import CifarResnet


def warm() -> None:
    """Save a small network in memory, read it and write its card; nothing from outside is touched."""
    state = build(CifarResnet(depth=8), 3, 32, 32, 10, init_seed=0).state_dict()
    new, old, npz, copy = (io.BytesIO() for _ in range(4))
    torch.save({"state_dict": state}, new)
    torch.save(state, old, _use_new_zipfile_serialization=False)
    np.savez_compressed(npz, **{name: tensor.numpy() for name, tensor in state.items()})
    contents = read(new, "torch zip")
    card(understand(contents), {"name": "", "bytes": 0, "sha256": ""})
    clean.write(contents, copy)
    for kind, saved in {"torch legacy": old, "npz": npz, "safetensors": copy}.items():
        read(saved, kind)
    hdf5_file.warm()
