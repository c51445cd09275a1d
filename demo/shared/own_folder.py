"""Folders for the temporary files of this process, which end with it. Uses the standard library only.

A process holds a lock on a file in its folder for as long as it runs, which the system releases however it ends. So
processes in different containers, whose numbers say nothing to each other, can share a folder for temporary files.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

Kind = Literal["uploads", "pictures"]
_PREFIXES: dict[Kind, str] = {"uploads": "osprey-uploads-", "pictures": "osprey-pictures-"}
OWNER_FILE = "process"
"""The file in it that its process has locked; it names the process, for people who look."""

_held: dict[Path, int] = {}
"""Of each folder of this process: the descriptor that holds the lock."""


@contextmanager
def own_folder() -> Iterator[Path]:
    """A new folder for the files of this process, removed at the end; those of killed processes go as well."""
    folder = make_own_folder("uploads")
    try:
        yield folder
    finally:
        remove_own_folder(folder)


def make_own_folder(kind: Kind) -> Path:
    """A new folder that only this user may read, for `remove_own_folder`; those of killed processes are removed."""
    remove_abandoned(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=_PREFIXES[kind]))  # its permissions are 0700
    try:
        _held[folder] = _locked(folder)
    except BaseException:  # a folder without this file would stay for ever
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def remove_own_folder(folder: Path) -> None:
    """Remove a folder that `make_own_folder` has made, with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    descriptor = _held.pop(folder, None)
    if descriptor is not None:
        os.close(descriptor)


def remove_abandoned(parent: Path) -> None:
    """Remove the folders in `parent` whose processes do not run any more."""
    for folder in (found for prefix in _PREFIXES.values() for found in parent.glob(f"{prefix}*")):
        with suppress(OSError):
            if not _is_in_use(folder / OWNER_FILE):
                shutil.rmtree(folder, ignore_errors=True)


def _locked(folder: Path) -> int:
    """Write the folder's file; the descriptor that holds its lock until it is closed or the process has ended."""
    unlocked = folder / "new"
    descriptor = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, str(os.getpid()).encode("ascii"))
        if fcntl is None:
            os.close(descriptor)
            descriptor = os.open(os.devnull, os.O_RDONLY)  # Windows renames no open file
        else:
            with suppress(OSError):  # a file system without locks: nobody can take the folder for abandoned
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlocked.rename(folder / OWNER_FILE)  # under its name it has always been locked
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_in_use(file: Path) -> bool:
    """Whether a process holds the lock on this file, or could hold it where there are none. Raises OSError."""
    if fcntl is None:
        return True
    descriptor = os.open(file, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
