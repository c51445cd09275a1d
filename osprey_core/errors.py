"""Errors that a person can act on.

An error is a code of the catalogues with the values for its placeholders, so that it can be rendered in every language;
`str(error)` is the English sentence. It is one or two plain sentences: what is wrong, and what to do. The page shows it
unchanged, so it names no internals. Programming mistakes are not reported through these classes.
"""

from __future__ import annotations

from typing import Any

from osprey_core.i18n import ENGLISH, Message, Param


class OspreyError(Exception):
    """Base of every error whose message is meant for the person using the program.

    Raised as `InputError("mask.size_mismatch", width=…)`. It can be pickled and copied. Values may be errors or
    messages themselves: they are rendered in the language of the whole.
    """

    def __init__(self, code: str, /, **params: Param) -> None:
        super().__init__(code)
        self.message = Message(code, params)

    @classmethod
    def of(cls, message: Message) -> OspreyError:
        """The error with this message."""
        return cls(message.code, **message.params)

    @property
    def code(self) -> str:
        return self.message.code

    @property
    def params(self) -> dict[str, Param]:
        return dict(self.message.params)

    def render(self, language: str = ENGLISH) -> str:
        """The sentence in a language."""
        return self.message.render(language)

    def __str__(self) -> str:
        return self.render()

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's default uses `args`, which hold only the code.
        return _restored, (type(self), self.message), self.__dict__


def _restored(kind: type[OspreyError], message: Message) -> OspreyError:
    return kind.of(message)


class InputError(OspreyError, ValueError):
    """A picture, mask, question or setting that cannot be used as given."""


class CheckpointError(OspreyError, RuntimeError):
    """A checkpoint whose files exist but do not contain what the model needs."""


class ModelNotFoundError(OspreyError, FileNotFoundError):
    """A model name, folder or file that exists neither locally nor on a reachable Hub."""


class ContextOverflowError(InputError):
    """A question that does not fit into the language model's context, even without its history."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the computer or its GPU ran out of memory; torch's error is recognized by the name of its class."""
    return any(kind.__name__ in ("OutOfMemoryError", "MemoryError") for kind in type(error).__mro__)
