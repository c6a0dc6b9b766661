"""From a file that was read to a ticket search of the lab: its clean copy kept, and the question that points to it."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from typing import cast

from lth_engine.core.clean_files import clean_path
from lth_engine.core.errors import BadInput
from lth_engine.core.spec import from_dict
from lth_engine.specs.data import DataSpec
from lth_engine.specs.imported import LONGEST, File, Imported
from lth_engine.specs.models import ModelSpec
from lth_engine.specs.questions import TicketSearch
from pages.ui.upload_card import Card, number, part
from pages.ui.upload_headline import DENSE


def search_of(card: Card, sha256: str, name: str, data: DataSpec) -> TicketSearch:
    """The question that reports the network of a file: level 1 for a ticket, level 0 for a dense network.

    Args:
        card: of the file.
        sha256: of its clean copy.
        name: of the file, for lists.
        data: the images that it is looked at with.

    Raises:
        BadInput: no network of the lab fits the file.
    """
    model = from_dict("model", dict(part(part(card, "architecture"), "spec")))
    density = number(card, "density") or 0.0
    level = int(density < DENSE)
    brought = File(level, 0, density if level else 1.0, sha256)
    return TicketSearch(model=cast(ModelSpec, model), data=data, levels=level, replicates=1, controls=(),
                        search=Imported(files=(str(brought),), label=label(name)))


def label(name: str) -> str:
    """A file's name as a list shows it."""
    return "".join(c if c.isprintable() else "?" for c in name)[:LONGEST]


def keep(clean: Path, sha256: str, data_root: Path) -> None:
    """Copy a clean file to where the lab keeps such files.

    Raises:
        BadInput: it cannot be written there.
    """
    target = clean_path(data_root, sha256)
    if target.is_file():
        return
    part = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(clean, part)
        os.replace(part, target)
    except OSError as error:
        raise BadInput(f"The copy cannot be kept in {target.parent} ({error.strerror or error}). Free some space "
                       "there, or set LTH_DATA to a folder that can be written and restart.") from error
    finally:
        part.unlink(missing_ok=True)
