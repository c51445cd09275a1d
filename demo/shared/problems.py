"""What a person is told when something went wrong: one sentence, whatever was raised.

Knows no component. Exceptions of libraries that the page does not import are told by the name of their class.
"""

from __future__ import annotations

from demo.i18n import language
from osprey_core.errors import OspreyError, is_out_of_memory


def sentence_of(error: BaseException | None) -> str | None:
    """What to say about this error in the current language; None if it is one that nobody foresaw."""
    told = error_to_tell(error)
    return None if told is None else told.render(language.current())


def error_to_tell(error: BaseException | None) -> OspreyError | None:
    """The error whose sentence tells what went wrong: itself, or another in its place; None if nobody foresaw it."""
    if isinstance(error, OspreyError):
        return error
    if error is not None and is_out_of_memory(error):
        return OspreyError("page.out_of_memory")
    return None
