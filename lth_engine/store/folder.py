"""Opening a store's folder: is it one, may it be written, which version wrote it."""

from __future__ import annotations

import json
import os
import secrets

from lth_engine.core.errors import BadInput, NewerStore, StoreError
from lth_engine.store.commit import FULL, replace_file, sweep
from lth_engine.store.layout import SCHEMA_VERSION, Layout


def open_folder(layout: Layout, *, create: bool) -> bool:
    """Prepare the folder of a store; whether it may be written.

    Raises:
        BadInput: no store is there, or the path is a file.
        NewerStore: a later version wrote it.
        StoreError: it cannot be made, or its schema.json is damaged.
    """
    root = layout.root
    if root.exists() and not root.is_dir():
        raise BadInput(f"The store must be a folder. {root} is a file; name another path.")
    if not create and not layout.artifacts.is_dir():
        raise BadInput(f"There is no store at {root}. Name a folder that holds one, or create it.")
    made = _make(layout, create)
    _check_version(layout)
    writable = made and can_write(layout)
    if writable:
        if not layout.schema.exists():
            text = json.dumps({"schema_version": SCHEMA_VERSION})
            replace_file(layout.schema, text.encode(), durable=True)
        for folder in (root, layout.artifacts, layout.checkpoints):
            sweep(folder)
    return writable


def can_write(layout: Layout) -> bool:
    """Whether files can be made in the folder: tried, because permissions do not tell all.

    A full disk is not a reason to call it read-only.
    """
    if not os.access(layout.root, os.W_OK):
        return False
    probe = layout.artifacts / f".probe.{secrets.token_hex(4)}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        return error.errno in FULL
    return True


def _make(layout: Layout, create: bool) -> bool:
    try:
        for folder in (layout.artifacts, layout.checkpoints, layout.locks):
            folder.mkdir(parents=create, exist_ok=True)
    except NotADirectoryError as error:
        raise BadInput(f"The store must be a folder. A part of {layout.root} is a file; name another path.") from error
    except FileExistsError as error:
        raise StoreError(f"{folder} must be a folder and is a file. Move it away and open the store again.") from error
    except OSError as error:
        if not layout.artifacts.is_dir():
            raise StoreError(f"The store {layout.root} could not be made ({error.strerror}). "
                             "Name a folder that you may write to.") from error
        return False
    return True


def _check_version(layout: Layout) -> None:
    try:
        found = int(json.loads(layout.schema.read_text())["schema_version"])
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise StoreError(f"{layout.schema} should say which version wrote the store but is not readable ({error}). "
                         "Remove it: it is written anew.") from error
    if found > SCHEMA_VERSION:
        raise NewerStore(f"The store {layout.root} has the schema {found} and this lab reads up to {SCHEMA_VERSION}. "
                         "Update the lab, or name another store.")
