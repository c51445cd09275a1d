"""The folder for uploads: Gradio's own if it can be written to, else another one.

Gradio's lies in the system's temporary folder under a fixed name, so that it may belong to somebody else.
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


def settle_temporary_folder(environment: MutableMapping[str, str] = os.environ) -> Path:
    """Name a folder that can be written to in Gradio's variable; call before Gradio is imported.

    Raises InputError if there is none on this machine.
    """
    wanted = environment.get(VARIABLE)
    usual = _usual()
    first = Path(wanted) if wanted else usual
    for folder in _candidates(first, usual):
        if _can_be_written(folder):
            if folder != first:
                log.warning("The temporary folder %s cannot be written to; %s is used.", first, folder)
            environment[VARIABLE] = str(folder)
            if usual is None:
                tempfile.tempdir = str(folder)  # libraries would fail to find one, as this has
            return folder
    raise InputError("options.no_temporary_folder", variable=VARIABLE)


def _candidates(first: Path | None, usual: Path | None) -> Iterator[Path]:
    """Folders by preference."""
    if first is not None:
        yield first
    if usual is not None and usual != first:
        yield usual
    with contextlib.suppress(OSError):
        yield Path(tempfile.mkdtemp(prefix="osprey-"))
    with contextlib.suppress(RuntimeError):  # no home
        yield Path.home() / ".cache" / "osprey" / "uploads"


def _usual() -> Path | None:
    """Gradio's own choice; None where the system has no temporary folder."""
    try:
        return Path(tempfile.gettempdir()) / "gradio"
    except OSError:
        return None


def _can_be_written(folder: Path) -> bool:
    """Whether a file in a new folder within can be made, which is what an upload does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as inner:
            (Path(inner) / "file").write_bytes(b"0")
    except OSError:
        return False
    return True
