"""Where temporary files go: a folder that can be written to, whatever the environment names.

The one that it names may belong to somebody else, be read-only, or be missing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from osprey_core.errors import InputError

log = logging.getLogger(__name__)

VARIABLE = "GRADIO_TEMP_DIR"


def settle_temporary_folder(environment: MutableMapping[str, str] = os.environ) -> None:
    """Leave the person's own choice in Gradio's variable only if it can be written to; else see to a folder for all.

    Call before Gradio is imported. Raises InputError if there is no folder on this machine that can be written to.
    """
    wanted = environment.get(VARIABLE)
    if wanted and _can_be_written(Path(wanted)):
        tempfile.tempdir = wanted  # open pictures lie there too
        return
    if wanted is not None:
        log.warning("The folder “%s” of %s cannot be written to; another is used.", wanted, VARIABLE)
        del environment[VARIABLE]
    for folder in _candidates():
        if _can_be_written(folder):
            tempfile.tempdir = str(folder)
            return
    raise InputError("options.no_temporary_folder", variable=VARIABLE)


def _candidates() -> Iterator[Path]:
    """Folders by preference."""
    with contextlib.suppress(OSError):  # the system has none
        yield Path(tempfile.gettempdir())
    with contextlib.suppress(RuntimeError):  # no home
        yield Path.home() / ".cache" / "osprey" / "uploads"


def _can_be_written(folder: Path) -> bool:
    """Whether a file in a new folder within can be made, which is what an upload does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as inner:
            (Path(inner) / "file").write_bytes(b"0")
    except OSError:
        return False
    return True
