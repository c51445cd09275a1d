"""The page in each language: at first as the browser prefers, then as chosen, with what is on the page kept."""

from __future__ import annotations

import re
from typing import Any

import pytest

from demo.i18n import catalog, language
from osprey_core import i18n
from tests import fakes

TRANSLATIONS = {
    code: dict(i18n.flattened(i18n.read_catalogue(catalog.FOLDER, code))) for code in i18n.LANGUAGES if code != "en"
}
ENGLISH = dict(i18n.flattened(i18n.read_catalogue(catalog.FOLDER, "en")))
PREFERRED = {"ko": "ko-KR", "zh": "zh-CN"}


def shown_english(page: Any) -> list[str]:
    """Words of our English table that stand on the page: as text, as a tip or for a screen reader."""
    found = page.evaluate(
        """() => {
            const all = new Set();
            const skip = (node) => node.closest("script, style, footer, .osp-languages, .osp-turn .message");
            for (const node of document.querySelectorAll("body *")) {
                if (skip(node) || node.matches("code")) continue;
                for (const name of ["title", "aria-label", "placeholder"])
                    if (node.hasAttribute(name)) all.add(node.getAttribute(name));
                for (const child of node.childNodes) if (child.nodeType === 3) all.add(child.data.trim());
            }
            return [...all];
        }"""
    )
    # Gradio's sliders name their parts in English themselves.
    found = [text for text in found if not re.match(r"(number input|range slider) for|Reset to default", text)]
    return [text for text in found if re.search(r"[A-Za-z]{2,} [a-z]{2,}", text) or text in english_labels()]


def english_labels() -> set[str]:
    same = {text for theirs in TRANSLATIONS.values() for text in theirs.values()}
    labels = {text for text in ENGLISH.values() if re.search("[A-Za-z]{2}", text)}
    return labels - same - {ENGLISH["header.title"], ENGLISH["note.full_command"]}


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_the_first_paint_is_in_the_language_of_the_browser(visit: Any, address: str, code: str) -> None:
    page = visit(address, locale=PREFERRED[code]).page
    theirs = TRANSLATIONS[code]
    assert page.inner_text(".osp-tagline") == theirs["header.tagline"]
    assert page.inner_text("#send") == theirs["chat.send"]
    assert page.inner_text(".osp-toolbar .osp-point") == theirs["canvas.point"]
    assert page.get_attribute("#question textarea", "placeholder") == theirs["chat.question_placeholder"]
    assert page.get_attribute("html", "lang") == language.HTML_NAMES[code]
    assert page.get_attribute(f"[data-language={code}]", "aria-pressed") == "true"
    page.click("#settings button")
    page.get_by_text(theirs["settings.temperature"]).first.wait_for()
    assert shown_english(page) == []


def test_switching_shows_it_everywhere_and_loses_nothing(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    page = person.page
    assert page.get_attribute("html", "lang") == "en"
    person.open_example()
    person.click(90, 90)
    person.wait_regions(1)
    person.ask("What is this?")
    said = person.wait_answer(1)
    page.fill("#question textarea", "half a quest")
    areas = person.region_texts()
    for code, theirs in TRANSLATIONS.items():
        page.click(f"[data-language={code}]")
        page.get_by_text(theirs["chat.about_selected"]).wait_for()
        page.locator(f".osp-toolbar .osp-point[title='{theirs['canvas.pointTip']}']").wait_for()
        page.locator(f"#chatbot [aria-label='{theirs['conversation.copyAnswer']}']").wait_for()
        assert page.get_attribute("html", "lang") == language.HTML_NAMES[code]
        assert page.inner_text("#retry") == theirs["chat.retry"]
        assert shown_english(page) == []
        page.click(".osp-help-open")
        page.get_by_role("dialog", name=theirs["help.sheet.title"]).wait_for()
        page.keyboard.press("Escape")
        # All is as it was, once each, and goes on working.
        assert person.region_texts() == areas
        assert person.wait_answer(1) == said
        assert page.input_value("#question textarea") == "half a quest"
        assert page.locator(".osp-help").count() == page.locator(".osp-pop").count() == 1
    page.fill("#question textarea", "")
    page.click("#send")
    person.wait_toast(TRANSLATIONS["zh"]["page.no_question"])
    assert person.region_texts() == areas
    person.close_toasts()
    person.click(250, 90)
    person.wait_regions(2)
    person.ask("And this?")
    person.wait_answer(2)
    assert len(model.calls) == 2


def test_descriptions_of_everything_stay_when_the_language_changes(visit: Any, address: str) -> None:
    person = visit(address)
    page = person.page
    person.open_example()
    person.tool("everything")
    page.click("#everything .osp-describe")
    page.wait_for_function("document.querySelector('#everything .osp-describe').offsetParent")
    texts = "[...document.querySelectorAll('#everything tbody td button')].map((button) => button.textContent)"
    page.wait_for_function(f"{texts}.length && {texts}.every((text) => text !== '…')")
    said = page.evaluate(texts)
    page.click("[data-language=ko]")
    page.get_by_text(TRANSLATIONS["ko"]["everything.title"]).wait_for()
    page.get_by_role("button", name=TRANSLATIONS["ko"]["everything.again"]).wait_for()
    page.wait_for_function(f"{texts}.length === {len(said)}")
    assert page.evaluate(texts) == said


def test_the_choice_is_remembered_and_beats_the_browsers_own(visit: Any, address: str) -> None:
    page = visit(address, locale="zh-CN").page
    page.click("[data-language=ko]")
    page.wait_for_function("document.documentElement.lang === 'ko'")
    page.wait_for_timeout(1500)  # a reload that cuts an event off is an error in the console
    page.reload(wait_until="domcontentloaded")
    page.wait_for_selector(".osp-root .osp-toolbar")
    assert page.inner_text("#send") == TRANSLATIONS["ko"]["chat.send"]
    # Where cookies get lost, the browser's own store brings the choice back.
    page.context.clear_cookies()
    page.wait_for_timeout(1500)
    page.reload(wait_until="domcontentloaded")
    page.wait_for_function(
        "send => document.querySelector('#send')?.innerText === send", arg=TRANSLATIONS["ko"]["chat.send"]
    )
    page.wait_for_function("document.documentElement.lang === 'ko'")


def test_two_people_do_not_mix_their_languages(visit: Any, address: str) -> None:
    korean, english = visit(address, locale="ko-KR"), visit(address)
    for person, theirs in ((korean, TRANSLATIONS["ko"]["page.no_picture"]), (english, ENGLISH["page.no_picture"])):
        person.page.click("#send")
        person.wait_toast(theirs)


def test_an_error_of_the_core_is_told_in_the_persons_language(visit: Any, address: str) -> None:
    person = visit(address, locale="ko-KR")
    person.open_example()
    file = {"name": "notes.png", "mimeType": "image/png", "buffer": b"no picture at all"}
    person.page.set_input_files("input.osp-file >> nth=0", file)
    person.wait_toast("읽을 수 있는 이미지가 아닙니다.")
    assert person.has_picture()
