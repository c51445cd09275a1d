"""Memory of the process: what the C library keeps of freed memory is given back to the system.

glibc keeps freed blocks for later, in up to eight arenas a core, one of which each thread uses. Many threads that
decode pictures leave gigabytes there. On other systems these functions do nothing.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from functools import lru_cache
from typing import Any

ARENAS = 2
"""Most arenas, as with the environment variable MALLOC_ARENA_MAX."""
_M_ARENA_MAX = -8
"""The parameter's number in glibc's malloc.h."""
_SECONDS_BETWEEN = 2.0

_lock = threading.Lock()
_last = float("-inf")


def limit_arenas() -> bool:
    """Let the C library use few arenas; call it before threads are started. Whether the library can."""
    library = _glibc()
    return library is not None and bool(library.mallopt(_M_ARENA_MAX, ARENAS))


def give_back(is_urgent: bool = False) -> bool:
    """Give freed memory back to the system, at most every few seconds unless it is urgent; whether it was tried."""
    global _last
    library = _glibc()
    with _lock:
        if library is None or (not is_urgent and time.monotonic() - _last < _SECONDS_BETWEEN):
            return False
        _last = time.monotonic()
    library.malloc_trim(0)
    return True


def resident_bytes() -> int:
    """Bytes of this process in main memory; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    import resource

    return pages * resource.getpagesize()


@lru_cache(maxsize=1)
def _glibc() -> Any:
    """The C library if it is glibc; None otherwise."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
        return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
    except OSError:
        return None
