"""Errors on the page: an error in a handler becomes one sentence in a toast, and the handler continues."""

from __future__ import annotations

import html
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import gradio as gr

from demo.i18n import language
from demo.i18n.catalog import text
from demo.shared.metrics import count_error
from demo.shared.problems import sentence_of
from osprey_core.i18n import Message

log = logging.getLogger(__name__)


@dataclass
class HeldError:
    """A gr.Error that is raised again after the handler has updated the page."""

    error: gr.Error | None = None

    def release(self) -> None:
        """Raise the error, if there was one."""
        if self.error is not None:
            raise self.error


@contextmanager
def errors_as_toasts(held: HeldError | None = None) -> Iterator[None]:
    """Show an error of the `with` block as a toast; the code after the block runs.

    A gr.Error, such as an exhausted quota, is left to Gradio, which shows it: it is raised again, or stored in `held`.
    """
    try:
        yield
    except gr.Error as error:
        if held is None:
            raise
        held.error = error
    except Exception as error:
        count_error(error)
        sentence = sentence_of(error)
        if sentence is None:
            log.error("unexpected error in a handler", exc_info=error)
        gr.Warning(text("page.unexpected") if sentence is None else html.escape(sentence))


def note_as_toast(note: Message) -> None:
    """Tell the person something that is no error, in their language."""
    gr.Info(html.escape(note.render(language.current())))
