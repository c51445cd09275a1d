"""The sentence that a person sees for an error.

Out-of-memory errors of libraries that the page does not import are recognized by the name of their class.
"""

from __future__ import annotations

import errno

from demo.i18n import language
from osprey_core.errors import OspreyError, is_out_of_memory


def sentence_of(error: BaseException | None) -> str | None:
    """The sentence for this error in the current language; None for unexpected errors."""
    osprey_error = error_to_tell(error)
    return None if osprey_error is None else osprey_error.render(language.current())


def is_disk_full(error: BaseException | None) -> bool:
    """Whether a file could not be written because the disk, or what the program may use of it, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def error_to_tell(error: BaseException | None) -> OspreyError | None:
    """The OspreyError to show for this error: the error itself or a substitute; None for unexpected errors."""
    if isinstance(error, OspreyError):
        return error
    if error is not None and is_out_of_memory(error):
        return OspreyError("page.out_of_memory")
    if is_disk_full(error):
        return OspreyError("page.disk_full")
    return None
