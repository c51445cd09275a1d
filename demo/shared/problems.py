"""What a person is told when something went wrong: one sentence, whatever was raised.

Knows no component. Exceptions of libraries that the page does not import are told by the name of their class.
"""

from __future__ import annotations

from demo.i18n import language, words
from osprey_core.errors import OspreyError


def sentence_of(error: BaseException) -> str | None:
    """What to say about this error; None if it is one that nobody foresaw."""
    if isinstance(error, OspreyError):
        told = error.render(language.current())
        return language.translated(told) if told == error.code else told
    if is_out_of_memory(error):
        return words.OUT_OF_MEMORY
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the computer or its GPU has no memory left for what was asked."""
    return any(kind.__name__ in ("OutOfMemoryError", "MemoryError") for kind in type(error).__mro__)
