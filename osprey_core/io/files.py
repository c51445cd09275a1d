"""Safe file access: bounded reads, atomic writes, parsing of untrusted JSON. Every failure is an InputError."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from osprey_core.errors import InputError

MAX_JSON_PARTS = 10_000_000
"""Largest number of lists and objects in a JSON text: empty ones take twenty times the memory of their text."""


def read_file(path: Path, max_bytes: int) -> bytes:
    """The bytes of a file. Raises InputError if it is not there, cannot be read or is larger than `max_bytes`."""
    try:
        if path.stat().st_size > max_bytes:
            raise InputError("file.too_large", name=path.name, limit=max_bytes // 2**20)
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError("file.missing", path=str(path)) from None
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError("file.unreadable", path=str(path), reason=reason) from None


def write_file(path: Path, data: bytes) -> None:
    """Write to a temporary file and rename it, so that readers see the old or the new file, never a partial one."""
    partial: Path | None = None
    try:
        partial = path.with_name(path.name + ".partial")
        partial.write_bytes(data)
        partial.replace(path)
    except (OSError, ValueError) as error:
        if partial is not None:
            with contextlib.suppress(OSError, ValueError):
                partial.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError("file.unwritable", path=str(path), reason=reason) from None


def check_file_writable(path: Path) -> None:
    """Raises InputError if `write_file` could not write to this path now; leaves a file that is there as it is."""
    if path.is_dir():
        raise InputError("file.is_folder", path=str(path))
    try:
        trial = path.with_name(path.name + ".partial")
        trial.write_bytes(b"")
        trial.unlink()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError("file.unwritable", path=str(path), reason=reason) from None


def parse_json(text: str | bytes, max_parts: int = MAX_JSON_PARTS) -> Any:
    """Parsed JSON. Raises InputError if it is invalid, or has more lists and objects than `max_parts`."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    if data.count(b"[") + data.count(b"{") > max_parts:
        raise InputError("json.parts_too_many")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):  # ValueError: bad JSON, bad UTF-8, numbers of too many digits
        raise InputError("json.unreadable") from None


def plain_json(values: dict[str, Any]) -> str:
    """Values as indented JSON that can always be encoded as UTF-8: a lone surrogate becomes "?"."""
    text = json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8") + "\n"
