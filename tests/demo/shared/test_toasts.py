"""Errors of the page's handlers become one sentence, or go on to Gradio if they are its own."""

from __future__ import annotations

import gradio as gr
import pytest

from demo.shared import toasts
from demo.shared.toasts import HeldError, errors_as_toasts
from osprey_core.errors import InputError


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The toasts that are shown."""
    told: list[str] = []
    monkeypatch.setattr(toasts.gr, "Warning", told.append)
    return told


def test_an_error_is_one_toast_with_its_words_escaped(told: list[str]) -> None:
    with errors_as_toasts():
        raise InputError("page.unknown_region", number="<b>7</b>", numbers="@1")
    assert len(told) == 1
    assert "&lt;b&gt;7&lt;/b&gt;" in told[0]


def test_what_nobody_foresaw_tells_no_internals(told: list[str], caplog: pytest.LogCaptureFixture) -> None:
    with errors_as_toasts():
        raise KeyError("internal")
    assert told == ["Something went wrong on our side; nothing is lost, please try again."]
    assert "internal" in caplog.text


def test_what_ends_a_handler_is_no_error(told: list[str]) -> None:
    with pytest.raises(GeneratorExit), errors_as_toasts():
        raise GeneratorExit
    assert told == []


def test_errors_of_gradio_go_on_at_once_or_once_the_page_is_in_order(told: list[str]) -> None:
    with pytest.raises(gr.Error, match="quota"), errors_as_toasts():
        raise gr.Error("quota")
    held = HeldError()
    held.release()
    with errors_as_toasts(held):
        raise gr.Error("quota")
    with pytest.raises(gr.Error, match="quota"):
        held.release()
    assert told == []
