"""Checked values of endpoints' inputs: a value of another type is refused in one sentence, and never converted.

Gradio's components convert what they can ("7" or 6.6 become 7), and its own errors do not reach the caller.
"""

from __future__ import annotations

import json
import logging
import math
from typing import Any

import gradio as gr
from gradio.exceptions import InvalidPathError

from demo.i18n.catalog import text
from demo.i18n.switching import Page
from demo.jobs.decoding import Decode
from demo.session.services import Services
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings

log = logging.getLogger(__name__)


class CheckedPage(Page):
    """A page on which inputs that Gradio cannot read are a sentence for the caller."""

    services: Services
    """What all persons on this page share."""
    decode: Decode
    """How requests to the model are carried out."""
    is_ending: bool = False
    """Whether the program ends: answers are stopped, and new requests should go elsewhere."""

    async def preprocess_data(
        self, block_fn: Any, inputs: Any, state: Any = None, *args: Any, **options: Any
    ) -> list[Any]:
        """As `gr.Blocks.preprocess_data`. Raises gr.Error for inputs of a wrong number or type, and forged files."""
        try:
            prepared: list[Any] = await super().preprocess_data(block_fn, inputs, state, *args, **options)
        except gr.Error:
            raise
        except InvalidPathError as error:
            raise gr.Error(text("page.upload_missing"), print_exception=False) from error
        except Exception as error:
            log.info("inputs of %s were refused: %s", getattr(block_fn, "api_name", ""), type(error).__name__)
            raise gr.Error(text("page.bad_inputs"), print_exception=False) from error
        for block in block_fn.inputs if state is not None else ():
            # Gradio keeps the last inputs of each session for its deep links, which this page does not have. A list of
            # points takes megabytes.
            if isinstance(block, gr.JSON):
                state._update_value_in_config(block._id, None)
        return prepared


def number(value: Any, name: str) -> float:
    """The value as a finite number. Raises InputError for anything else, texts of numbers among it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError("page.not_a_number", name=name, value=_shown(value))
    return value


def whole(value: Any, name: str) -> int:
    """The value as a whole number. Raises InputError for anything else; 2.0 is 2, 1.5 is refused."""
    checked = number(value, name)
    if checked != int(checked):
        raise InputError("page.not_whole", name=name, value=_shown(value))
    return int(checked)


def words(value: Any, name: str) -> str:
    """The value as text; nothing is an empty text. Raises InputError for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError("page.not_text", name=name, value=_shown(value))
    return value


def switch(value: Any, name: str) -> bool:
    """The value as true or false; nothing is false. Raises InputError for anything else."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InputError("page.not_a_switch", name=name, value=_shown(value))
    return value


def sampling(temperature: Any, top_p: Any, max_new_tokens: Any, seed: Any) -> SamplingSettings:
    """The settings of an answer; without a seed, one is drawn. Raises InputError for anything but numbers in range."""
    return SamplingSettings.read(
        number(temperature, "temperature"),
        number(top_p, "top_p"),
        whole(max_new_tokens, "max_new_tokens"),
        None if seed is None else whole(seed, "seed"),
    )


def uploaded(path: Any) -> str:
    """The path of an uploaded file. Raises InputError without one."""
    if not isinstance(path, str) or not path:
        raise InputError("page.upload_missing")
    return path


def _shown(value: Any) -> str:
    """The value as JSON writes it, cut to a readable length."""
    written = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return written if len(written) <= 40 else f"{written[:39]}…"
