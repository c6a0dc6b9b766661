"""The verb export: answers as one HDF5 file, or a network of the store as a file that other programs load."""

from __future__ import annotations

import argparse
from pathlib import Path

from lth_engine.cli.pointing import run_at
from lth_engine.cli.shelf import export as export_answers
from lth_engine.core.artifact import Artifact
from lth_engine.core.errors import BadInput
from lth_engine.core.mask import Mask
from lth_engine.core.sizes import size
from lth_engine.specs.presets import presets
from lth_engine.store.commit import replace_file
from lth_engine.store.store import Store


def export(given: argparse.Namespace) -> int:
    """Copy answers into one HDF5 file, or one network into a file of another form."""
    return export_answers(given) if given.form == "hdf5" else export_network(given)


def export_network(given: argparse.Namespace) -> int:
    """Write the one network that is named, at the end of its run or where it starts."""
    if len(given.key) != 1:
        raise BadInput(f"Exported as {given.form}, a file holds one network. Got {len(given.key)} keys.")
    artifact, group = stored(given.key[0], given.store, given.at)
    from lth_engine.importing.exports import exported

    mask = Mask(artifact.group("mask"))
    facts = {"key": artifact.key, "kind": artifact.kind, "density": f"{mask.density:.6g}"}
    write_new(given.to, exported(given.form, artifact.group(group), mask, facts))
    print(f"{given.key[0]} at its {'end' if group == 'final' else 'start'}, {mask.kept:,} of {mask.size:,} prunable "
          f"weights, in {given.to} ({size(given.to.stat().st_size)})")
    return 0


def stored(address: str, root: Path, at: str) -> tuple[Artifact, str]:
    """The answer that holds a network, and the group of its weights in it.

    Args:
        address: key of a run, or SEARCH/LEVEL/REPLICATE, or SEARCH/LEVEL/REPLICATE/CONTROL.
        root: folder of the store.
        at: "end" of the run, or "start".

    Raises:
        BadInput: nothing is meant, or it is not in the store.
    """
    require_store(root, address)
    run, store = run_at(address, root), Store(root, create=False)
    key = run.key if at == "end" else run.ticket.key
    if not store.has([key]):
        what = "run has not been trained" if at == "end" else "ticket is not there"
        raise BadInput(f"Nothing of {address} is in the store {root}: its {what}. Answer its search first.")
    return store.get(key), "final" if at == "end" else "start"


def require_store(root: Path, address: str) -> None:
    """Refuse an address where there is no store yet. Raises BadInput."""
    if not root.is_dir():
        search = address.partition("/")[0]
        how = f"python -m lth_engine answer --preset {search}" if search in presets() else "the verb answer"
        raise BadInput(f"There is no store at {root}, so nothing of {address}: answer its search first ({how}), or "
                       "name the store with --store.")


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet.

    Raises:
        BadInput: it is there, or there is no folder for it.
        StoreError: the disk is full, or the place cannot be written.
    """
    if path.exists():
        raise BadInput(f"{path} exists already. Choose another name.")
    if not path.parent.is_dir():
        raise BadInput(f"The folder {path.parent} does not exist. Make it, or choose another.")
    replace_file(path, content, durable=False)
