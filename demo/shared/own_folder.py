"""Folders for the temporary files of this process, which end with it. Uses the standard library only."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

Kind = Literal["uploads", "pictures"]
_PREFIXES: dict[Kind, str] = {"uploads": "osprey-uploads-", "pictures": "osprey-pictures-"}
OWNER_FILE = "process"
"""The file in it that names the process."""


@contextmanager
def own_folder() -> Iterator[Path]:
    """A new folder for the files of this process, removed at the end; those of killed processes go as well."""
    folder = make_own_folder("uploads")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_own_folder(kind: Kind) -> Path:
    """A new folder that only this user may read, for the caller to remove; those of killed processes are removed."""
    remove_abandoned(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=_PREFIXES[kind]))  # its permissions are 0700
    try:
        (folder / OWNER_FILE).write_text(str(os.getpid()), encoding="ascii")
    except BaseException:  # a folder whose process is not named would stay for ever
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def remove_abandoned(parent: Path) -> None:
    """Remove the folders in `parent` whose processes do not run any more."""
    for folder in (found for prefix in _PREFIXES.values() for found in parent.glob(f"{prefix}*")):
        with suppress(OSError, ValueError):
            if not _is_running(int((folder / OWNER_FILE).read_text(encoding="ascii"))):
                shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    if os.name != "posix":  # elsewhere, this signal would end the process
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
