"""The fingerprint of images that a user brings: equal content, equal fingerprint, wherever it stands."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

from lth_engine.core.errors import BadInput, clipped

_SYSTEM_FILES = {"__MACOSX", "Thumbs.db", "desktop.ini"}


def hidden(name: str) -> bool:
    """Whether a relative name ("a/.b/c") is what operating systems leave about: hidden, __MACOSX, Thumbs.db."""
    return any((part.startswith(".") and part != ".") or part in _SYSTEM_FILES for part in name.split("/"))


def visible_files(folder: Path) -> list[str]:
    """Names, relative to `folder` and with "/", of all regular files that are not hidden; sorted.

    Linked files count as files, linked folders are not entered.

    Raises:
        BadInput: a folder may not be read.
    """
    names = []
    try:
        for where, folders, files in os.walk(folder, onerror=_raise):
            folders[:] = [name for name in folders if not hidden(name)]
            above = Path(where).relative_to(folder)
            names += [(above / name).as_posix() for name in files
                      if not hidden(name) and (Path(where) / name).is_file()]
    except OSError as error:
        raise BadInput(f"{error.filename} cannot be read ({error.strerror}): give the lab the right to read it, "
                       "or remove it.") from error
    return sorted(names)


def fingerprint(path: Path) -> str:
    """SHA-256 of images: of a file's bytes, or of a folder's sorted names with the content of each.

    Hidden files do not count (see :func:`visible_files`), so that looking at a folder in a file
    manager does not change it.

    Returns:
        64 hex digits.

    Raises:
        BadInput: there is nothing at `path`, nothing in it, or it may not be read.
    """
    if path == Path():
        raise BadInput("own_images.path is empty: name the folder, .zip or .npz that holds your images.")
    try:
        path = path.expanduser()
        if path.is_dir():
            return _of_folder(path)
        if not path.is_file():
            raise BadInput(f"There is no folder or file {path}: check own_images.path, which is a place on the "
                           "machine that runs the lab.")
        if path.stat().st_size == 0:
            raise BadInput(f"{path} is empty: name the folder, .zip or .npz that holds your images.")
        return _of_file(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise BadInput(f"{clipped(str(path))} is no path ({error.strerror}): check own_images.path.") from error
        raise BadInput(f"{error.filename or path} cannot be read ({error.strerror}): give the lab the right to "
                       "read it.") from error
    except (RuntimeError, ValueError) as error:  # ~ of an unknown user, or a name that the system cannot have
        raise BadInput(f"{clipped(str(path))} is no path ({error}): check own_images.path, which is a place on the "
                       "machine that runs the lab.") from error


def _of_folder(folder: Path) -> str:
    names = visible_files(folder)
    if not names:
        raise BadInput(f"{folder} holds no files: put one folder of images for each class into it.")
    total = hashlib.sha256()
    for name in names:
        # A name cannot hold "\0", and a content hash has 32 bytes: no two folders give the same stream.
        total.update(os.fsencode(name) + b"\0" + bytes.fromhex(_of_file(folder / name)))
    return total.hexdigest()


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _raise(error: OSError) -> None:
    raise error
