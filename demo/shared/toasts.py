"""Errors on the page: a handler's error becomes one sentence in a toast, and the handler goes on behind its block."""

from __future__ import annotations

import html
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import gradio as gr

from demo.i18n.catalog import text
from demo.shared.problems import sentence_of

log = logging.getLogger(__name__)


@dataclass
class HeldError:
    """An error of Gradio's own that is raised again once the page has been put in order."""

    error: gr.Error | None = None

    def release(self) -> None:
        """Raise the error, if there was one."""
        if self.error is not None:
            raise self.error


@contextmanager
def errors_as_toasts(held: HeldError | None = None) -> Iterator[None]:
    """Inside, an error ends the block, is shown as a toast, and the code behind the block runs.

    A gr.Error, such as a used-up quota, is left to Gradio, which shows it: it goes on at once, or waits in `held`.
    """
    try:
        yield
    except gr.Error as error:
        if held is None:
            raise
        held.error = error
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None:
            log.error("unexpected error in a handler", exc_info=error)
        gr.Warning(text("page.unexpected") if sentence is None else html.escape(sentence))
