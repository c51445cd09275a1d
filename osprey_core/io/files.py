"""Files in and out, safely: reading within bounds, writing whole or not at all, JSON that came from anywhere.

Every failure is an InputError in one sentence. Knows nothing of what the files hold.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from osprey_core.errors import InputError

MAX_JSON_PARTS = 10_000_000
"""Most lists and objects of a JSON text: empty ones take twenty times the memory that their text does."""


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
    """Write beside and then move: whoever looks sees the old file or the new one, never half of it."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError("file.unwritable", path=str(path), reason=reason) from None


def parse_json(text: str | bytes, max_parts: int = MAX_JSON_PARTS) -> Any:
    """Parsed JSON. Raises InputError if it is none, or has more lists and objects than `max_parts`."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    if data.count(b"[") + data.count(b"{") > max_parts:
        raise InputError("json.parts_too_many")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):  # ValueError: bad JSON, bad UTF-8, numbers of too many digits
        raise InputError("json.unreadable") from None


def plain_json(values: dict[str, Any]) -> str:
    """Values as readable JSON that can always be written as UTF-8: half a surrogate pair, no text, becomes "?"."""
    text = json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8") + "\n"
