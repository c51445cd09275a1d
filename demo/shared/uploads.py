"""Files that the browser has uploaded: their size limit, and the check that a path from the browser is one of them."""

from __future__ import annotations

from pathlib import Path

from osprey_core.errors import InputError

MAX_MEGABYTES = 40


def uploaded_file(file: object) -> Path:
    """The path of an uploaded file. Raises InputError unless it lies in Gradio's upload folder.

    The path comes from the browser; without this check a client could read any file of the computer.
    """
    from gradio import utils  # slow to import; the limit alone is needed without a page

    path = file.get("path") if isinstance(file, dict) else None
    if not isinstance(path, str) or not path:
        raise InputError("page.upload_missing")
    resolved = Path(path).resolve()
    if (
        not utils.is_in_or_equal(str(resolved), str(Path(utils.get_upload_folder()).resolve()))
        or not resolved.is_file()
    ):
        raise InputError("page.upload_missing")
    if resolved.stat().st_size > MAX_MEGABYTES * 1_000_000:
        raise InputError("page.too_large", limit=MAX_MEGABYTES)
    return resolved
