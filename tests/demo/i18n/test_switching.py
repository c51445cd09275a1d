"""One page in several languages: what a browser is sent at first, and what a choice of language changes."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from demo.i18n import language
from demo.i18n.catalog import group, text
from demo.i18n.switching import Page, in_words


@pytest.fixture
def page() -> Page:
    """A button, a box and a component with a script; one component without words."""
    with Page() as page:
        in_words(gr.Button(elem_id="send"), value="chat.send")
        in_words(gr.Textbox("mine", elem_id="seed"), label="settings.seed", info=lambda: language.current() * 2)
        in_words(gr.HTML(elem_id="all", captions=[1]), value=lambda: f"<b>{text('chat.stop')}</b>", words="everything")
        gr.Button("Osprey", elem_id="name")
    return page


def sent(page: Page) -> dict[str, dict[str, Any]]:
    """Properties of components by their elem_id, as the current person's browser is sent them."""
    return {component["props"].get("elem_id"): component["props"] for component in page.config["components"]}


@pytest.mark.parametrize("code", ["en", "ko", "zh"])
def test_a_browser_is_sent_the_words_of_its_language(page: Page, code: str) -> None:
    with language.speaking(code):
        shown = sent(page)
        assert shown["send"]["value"] == text("chat.send")
        assert shown["seed"]["label"] == text("settings.seed")
        assert shown["all"]["value"] == f"<b>{text('chat.stop')}</b>"
        assert shown["all"]["props"]["words"] == group("everything")
    assert shown["seed"]["info"] == code * 2
    assert shown["seed"]["value"] == "mine"
    assert shown["all"]["props"]["captions"] == [1]
    assert shown["name"]["value"] == "Osprey"


def test_languages_do_not_mix(page: Page) -> None:
    with language.speaking("ko"):
        korean = sent(page)["send"]["value"]
        with language.speaking("zh"):
            assert sent(page)["send"]["value"] == text("chat.send") != korean
        assert sent(page)["send"]["value"] == korean
    assert sent(page)["send"]["value"] == "Ask"


def test_a_choice_updates_all_words_and_keeps_what_is_shown(page: Page) -> None:
    send, seed, everything = page.spoken
    with language.speaking("ko"):
        updates = page.switch({everything: {"value": "now", "captions": [2]}})
        assert list(updates) == [send, seed, everything]
        assert updates[send] == gr.update(value=text("chat.send"))
        assert updates[seed] == gr.update(label=text("settings.seed"), info="koko")
        assert updates[everything] == gr.update(value="now", captions=[2], words=group("everything"))


def test_a_component_has_its_words_in_any_page() -> None:
    with gr.Blocks(), language.speaking("zh"):
        button = in_words(gr.Button(), value="chat.send")
        table = in_words(gr.HTML(), words="everything")
        assert button.value == text("chat.send")
        assert table.props["words"] == group("everything")
