"""All words in all languages: nothing lacks, nothing is left over, placeholders agree, and none hides in the code."""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from demo.i18n import language, words, words_ko, words_zh
from demo.shared.problems import sentence_of
from osprey_core import i18n
from osprey_core.errors import OspreyError
from osprey_core.io import export, mask_files, pictures, web_fetch

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


# --- nothing lacks, nothing hides ------------------------------------------------------------------------------------

SAME_IN_ALL = {".TITLE", ".NOTE_FULL_COMMAND", ".CLOSER.oneModelCommand", ".CLOSER.labelsExample"}
"""Names, commands, and what the model itself would say."""
FOR_THE_MODEL = {".ABOUT_REGION", ".QUESTION_AROUND", ".QUESTION_COMPARE", ".LIST_AND"}
"""Questions that the page writes: the model speaks English."""
MAY_BE_ALIKE = re.compile(r"\W*|PageUp PageDown|Top-p|@|Shift|Enter|.*\+.*|[^a-z]*|Delete|Tab|Escape")
DEMO = Path(__file__).resolve().parents[3] / "demo"


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_every_word_is_translated(code: str) -> None:
    theirs = dict(texts(constants(TRANSLATIONS[code])))
    english = dict(texts(constants(words)))
    for path in FOR_THE_MODEL:
        assert path not in theirs
        del english[path]
    assert sorted(english.keys() - theirs.keys() - SAME_IN_ALL) == []
    alike = [
        path
        for path, text in english.items()
        if path not in SAME_IN_ALL and theirs[path] == text and not MAY_BE_ALIKE.fullmatch(text)
    ]
    assert alike == []


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_keys_of_the_help_sheet_are_the_same_in_all_languages(code: str) -> None:
    theirs = constants(TRANSLATIONS[code])["HELP_KEYS"]
    english = constants(words)["HELP_KEYS"]
    assert [[keys for keys, _ in lines] for _, lines in theirs] == [[keys for keys, _ in lines] for _, lines in english]


def test_words_are_read_where_they_are_used_and_not_once_for_all() -> None:
    """At import time, and as the default of a parameter, nobody's language is known."""
    early = []
    for path in DEMO.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for statement in (node.body if isinstance(node.body, list) else [node.body])
            for inner in ast.walk(statement)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("words"):
                early.append(f"{path.name}:{node.lineno}")
            is_word = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "words"
            if is_word and node.attr.isupper() and id(node) not in inside:
                early.append(f"{path.name}:{node.lineno}")
    assert early == []


SHOWN_BY_GRADIO = {"label", "placeholder", "info", "title", "description", "submit_btn", "stop_btn"}


def test_no_word_hides_in_the_python_of_the_page() -> None:
    """What components, toasts and refusals are given comes from words.py; endpoints for programs speak English."""
    hidden = []
    for path in DEMO.rglob("*.py"):
        if path.name in ("endpoints.py", "analysis_endpoints.py", "options.py") or path.name.startswith("words"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            if any(
                each.arg == "visible" and ast.unparse(each.value) in ("False", "'hidden'") for each in node.keywords
            ):
                continue
            shown = [keyword.value for keyword in node.keywords if keyword.arg in SHOWN_BY_GRADIO]
            if name in ("gr.Button", "gr.Accordion", "gr.Tab", "gr.Markdown", "gr.Warning", "gr.Info", "gr.Error"):
                shown += node.args[:1]
            if name in ("InputError", "OspreyError"):
                shown += node.args[:1]
            for value in shown:
                if isinstance(value, ast.Constant | ast.JoinedStr) and re.search(r"[A-Za-z]{2}", literal(value)):
                    hidden.append(f"{path.name}:{node.lineno}: {literal(value)}")
    assert hidden == []


def literal(node: ast.expr) -> str:
    """The fixed text of a string, without what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(literal(part) for part in node.values if isinstance(part, ast.Constant))
    return str(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_no_word_hides_in_the_scripts_of_the_page() -> None:
    """A text with a space between two words, or in a place that is read out, is for a person."""
    hidden = []
    for path in DEMO.rglob("*.js"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = re.sub(r"//.*", "", line)
            for text in re.findall(r'"([^"\\]*)"', code):
                if re.fullmatch(r"[A-Z][a-z]+(,? [a-z]+)+[.?!…:]?|[A-Z][a-z]+ …", text):
                    hidden.append(f"{path.name}:{number}: {text}")
            for text in re.findall(r'(?:title|alt|placeholder|"aria-label"|textContent)\s*[:=]\s*"([^"]*)"', code):
                if re.search(r"[A-Za-z]{2}", text):
                    hidden.append(f"{path.name}:{number}: {text}")
    assert hidden == []


# --- sentences of the core -------------------------------------------------------------------------------------------


def test_both_translations_know_the_same_sentences_of_the_core() -> None:
    assert list(words_ko.CORE) == list(words_zh.CORE)


def test_the_sentences_of_the_core_are_the_cores() -> None:
    """Every fixed run of words of a template stands in the core's catalogue or code just so."""
    core = DEMO.parent / "osprey_core"
    written = list(i18n.texts("en").values())
    for path in core.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                written.append(node.value)
    source = "\n".join(written)
    for template in words_ko.CORE:
        for run in re.split(r"\{\w+\}", template.removeprefix("This file ")):
            assert len(run) < 5 or run in source, f"{run!r} of {template!r}"


def broken_zip() -> bytes:
    return b"PK\x03\x04 nothing more"


REFUSED = (
    lambda: pictures.read_picture(b""),
    lambda: pictures.read_picture(b"no picture"),
    lambda: mask_files.read_masks(b"", (4, 4)),
    lambda: mask_files.read_masks(b"no masks", (4, 4)),
    lambda: mask_files.read_masks(b'{"a": 1}', (4, 4)),
    lambda: mask_files.read_masks(png(Image.new("L", (9, 5), 255)), (4, 4)),
    lambda: mask_files.read_masks(png(Image.new("L", (4, 4), 0)), (4, 4)),
    lambda: mask_files.read_masks(labelme_outside(), (4, 4)),
    lambda: web_fetch.fetch("ftp://example.org/a.png"),
    lambda: export.read_conversation(broken_zip()),
    lambda: export.read_conversation(b'{"a": 1}'),
)


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def labelme_outside() -> bytes:
    shape = {"label": "x", "shape_type": "rectangle", "points": [[50, 50], [60, 60]]}
    return json.dumps({"shapes": [shape], "imageWidth": 4, "imageHeight": 4}).encode()


@pytest.mark.parametrize("refused", REFUSED, ids=range(len(REFUSED)))
@pytest.mark.parametrize(("code", "script"), [("ko", r"[가-힣]"), ("zh", r"[一-鿿]")])
def test_refusals_of_the_core_are_told_in_the_persons_language(refused: Any, code: str, script: str) -> None:
    with pytest.raises(OspreyError) as caught:
        refused()
    english = str(caught.value)
    with language.speaking(code):
        told = sentence_of(caught.value)
    assert told is not None
    assert re.search(script, told), english
    assert set(re.findall(r"\d+", told)) >= set(re.findall(r"\d+", english)), "the same figures"
    assert not re.search(r"[a-z]+ [a-z]+ [a-z]+", told), told
    assert sentence_of(caught.value) == english
