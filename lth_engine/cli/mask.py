"""The verb that draws a mask for a network from a file: one boolean array a prunable parameter."""

from __future__ import annotations

import argparse
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from lth_engine.cli.addresses import settings
from lth_engine.cli.compute import watched
from lth_engine.cli.flags import apply_flags, read_flags
from lth_engine.cli.foreign import clean_copies, is_passport, no_network, only_names_differ
from lth_engine.cli.words import columns
from lth_engine.core.artifact import Array
from lth_engine.core.errors import BadInput, clipped
from lth_engine.core.spec import from_dict
from lth_engine.specs.scorers import ScorerSpec
from lth_engine.store.commit import replace_file, temporary
from lth_engine.store.writer import checkpoint_bytes

FORMS = (".npz", ".h5")

LONGEST = 1000
"""Characters of a parameter's name in a mask; a name in a zip has at most 65,535 bytes."""


def mask(given: argparse.Namespace, rest: Sequence[str]) -> int:
    """Draw a mask, write it, and say what it keeps."""
    scorer = scorer_of(given.scorer, rest)
    _require_out(given)
    with clean_copies(given.file, rename=given.rename) as files:
        from lth_engine.diagnosis.batch_file import read_batch
        from lth_engine.diagnosis.bring import weighed
        from lth_engine.diagnosis.drawn_mask import WEIGHTS_ALONE, draw
        from lth_engine.importing.clean import read_clean
        from lth_engine.importing.understand import understand

        if is_passport(files[0].card):
            raise BadInput(no_network(files[0]))
        batch = None if given.batch is None else read_batch(given.batch)
        weights = weighed(understand(read_clean(files[0].copy)[0]), str(given.file))
        if only_names_differ(files[0].card) and not isinstance(scorer, WEIGHTS_ALONE):
            raise BadInput(f"The scorer {scorer.name} looks at the network. {no_network(files[0])}")
        if batch is not None and weights.network is not None:
            weights.network.require(batch)
        with watched("Stopped. No mask was written.") as report:
            require_names([*files[0].renaming, *(weights.names.get(name, name) for name in weights.values)],
                          given.file)
            found = draw(weights, scorer, given.density, batch, given.scope, given.seed, report)
        theirs = {ours: name for name, ours in files[0].renaming.items()}
        found = {theirs.get(name, name): kept for name, kept in found.items()}
        facts = {"scorer": json.dumps(scorer.to_dict()), "density": given.density, "scope": given.scope,
                 "seed": given.seed, "sha256": files[0].card["sha256"]}
    write_mask(given.out, found, facts)
    print(json.dumps(as_json(found, given, scorer), allow_nan=False) if given.json else as_text(found, given, scorer))
    return 0


def scorer_of(name: str, rest: Sequence[str]) -> ScorerSpec:
    """The scorer of this name with its own settings from flags.

    Raises:
        BadInput: no such scorer, or a flag that is no setting of it.
    """
    spec = cast(ScorerSpec, from_dict("scorer", name))
    flags = read_flags(rest)
    known = settings(spec)
    if flags and not known:
        raise BadInput(f"Unknown flag --{flags[0].name}: the scorer {name} has no settings.")
    return apply_flags(spec, flags)


def require_names(names: Iterable[str], path: Path) -> None:
    """Refuse names of a foreign file that would lead out of the file they are written to, or cannot stand in it.

    Raises:
        BadInput: the text says which.
    """
    odd = [name for name in names if not name.isprintable() or len(name) > LONGEST or {"..", ""} & set(
        name.replace("\\", "/").split("/")) or name[1:2] == ":"]
    if odd:
        raise BadInput(f"The parameter {clipped(odd[0])} of {path} cannot be written under its name: rename it in the "
                       "checkpoint.")


def write_mask(path: Path, kept: Mapping[str, Array], facts: Mapping[str, float | int | str]) -> None:
    """Write boolean arrays by parameter name, as .npz or in the store's own form.

    Raises:
        StoreError: the disk is full, or the place cannot be written.
    """
    if path.suffix == ".h5":
        content = checkpoint_bytes({f"mask/{name}": array for name, array in kept.items()}, facts)
        replace_file(path, content, durable=False)
        return
    with temporary(path, sum(array.nbytes for array in kept.values())) as temp:
        with zipfile.ZipFile(temp, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in kept.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
        temp.replace(path)


def as_json(kept: Mapping[str, Array], given: argparse.Namespace, scorer: ScorerSpec) -> dict[str, object]:
    """The mask as one object for programs; the arrays are in the file."""
    count, total = _counts(kept)
    return {"out": str(given.out), "scorer": scorer.to_dict(), "scope": given.scope, "seed": given.seed, "kept": count,
            "prunable": total, "density": count / total, "layers": [
                {"name": name, "shape": list(array.shape), "kept": int(array.sum()), "density": float(array.mean())}
                for name, array in kept.items()]}


def as_text(kept: Mapping[str, Array], given: argparse.Namespace, scorer: ScorerSpec) -> str:
    """The mask in words: what each layer keeps."""
    count, total = _counts(kept)
    rows = [[name, " x ".join(map(str, array.shape)), f"{int(array.sum()):,}", f"{100 * float(array.mean()):.2f}"]
            for name, array in kept.items()]
    return (f"{columns(['parameter', 'shape', 'kept', 'density %'], rows)}\n\n{scorer.title} keeps {count:,} of "
            f"{total:,} prunable weights ({100 * count / total:.4g}%): {given.out}")


def _counts(kept: Mapping[str, Array]) -> tuple[int, int]:
    return sum(int(array.sum()) for array in kept.values()), sum(array.size for array in kept.values())


def _require_out(given: argparse.Namespace) -> None:
    """Refuse a place where no mask can go. Raises BadInput."""
    out: Path = given.out
    if out.suffix not in FORMS:
        raise BadInput(f"A mask is written as {' or '.join(FORMS)}. Got {str(out)!r}.")
    if not out.parent.is_dir() or out.is_dir():
        raise BadInput(f"{out} cannot be written: its folder must exist, and it must not be a folder itself.")
    if any(path is not None and out.resolve() == path.resolve() for path in (given.file, given.batch)):
        raise BadInput(f"{out} is what the mask is drawn from. Choose another name.")
