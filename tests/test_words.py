"""All words in all languages: nothing lacks, nothing is left over, placeholders agree, and none hides in the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from demo import language, words, words_ko, words_zh

TRANSLATIONS = {"ko": words_ko, "zh": words_zh}


def constants(module: Any) -> dict[str, Any]:
    """Constants of a module as they are written there."""
    with language.speaking("en"):
        return {name: getattr(module, name) for name in vars(module) if name.isupper()}


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text inside a constant, with the way to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, f"{path}.{key}")
    else:
        for place, inner in enumerate(value):
            yield from texts(inner, f"{path}[{place}]")


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"\{[^{}]*\}", text))


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_a_translation_has_no_name_or_entry_that_english_lacks(code: str) -> None:
    english = dict(texts(constants(words)))
    left_over = [path for path, _ in texts(constants(TRANSLATIONS[code])) if path not in english]
    assert [path for path in left_over if not path.startswith(".CORE.")] == []


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_a_translation_has_the_placeholders_of_its_original(code: str) -> None:
    english = dict(texts(constants(words)))
    for path, text in texts(constants(TRANSLATIONS[code])):
        original = path.removeprefix(".CORE.") if path.startswith(".CORE.") else english[path]
        assert placeholders(text) == placeholders(original), path


def test_words_are_read_in_the_language_of_whoever_they_are_for() -> None:
    assert words.SEND == "Ask"
    with language.speaking("ko"):
        assert words.SEND == words_ko.SEND != "Ask"
        assert words.CANVAS["point"] == words_ko.CANVAS["point"]
        with language.speaking("zh"):
            assert words.SEND == words_zh.SEND
        assert words.SEND == words_ko.SEND
    with language.speaking("xx"):
        assert words.SEND == "Ask"


def test_what_a_translation_lacks_stays_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(words_ko, "SEND")
    monkeypatch.setattr(words_ko, "CANVAS", {"point": "여기"})
    with language.speaking("ko"):
        assert words.SEND == "Ask"
        assert words.CANVAS["point"] == "여기"
        assert words.CANVAS["box"] == "Box"


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("", "en"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8", "ko"),
        ("de-DE,de;q=0.9,zh-CN;q=0.5,ko;q=0.7", "ko"),
        ("fr, en;q=0.5, zh-Hans;q=0.4", "en"),
        ("zh;q=0, ko", "ko"),
        ("ko;q=nonsense, zh", "zh"),
        (";;,,=", "en"),
    ],
)
def test_the_browsers_first_language_that_we_have(accepted: str, code: str) -> None:
    assert language.preferred(accepted) == code


def test_a_choice_beats_the_cookie_and_the_cookie_the_browser() -> None:
    headers = {"accept-language": "zh"}
    browser = SimpleNamespace(headers=headers, cookies={}, session_hash="tab of a test")
    assert language.of_request(None) is None
    assert language.of_request(browser) == "zh"
    browser.cookies = {language.COOKIE: "en"}
    assert language.of_request(browser) == "en"
    browser.cookies = {language.COOKIE: "../../etc"}
    assert language.of_request(browser) == "zh"
    language.choose(browser.session_hash, "ko")
    assert language.of_request(browser) == "ko"
    language.choose(browser.session_hash, ["no", "language"])
    assert language.of_request(browser) == "ko"


def test_sentences_of_threads_that_know_no_language_are_recognised() -> None:
    sentence = words.NO_PICTURE
    assert language.translated(sentence) == sentence
    with language.speaking("ko"):
        assert language.translated(sentence) == words_ko.NO_PICTURE
        assert language.translated(words_ko.NO_PICTURE) == words_ko.NO_PICTURE
        assert language.translated("A sentence of somebody else.") == "A sentence of somebody else."
