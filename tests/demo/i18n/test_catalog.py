"""The page's words in all languages: none lacks, none is left over, placeholders agree, none hides in the code."""

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

from demo.i18n import catalog, language
from demo.i18n.catalog import group, text
from demo.shared.problems import sentence_of
from demo.shared.scripts import linked, text_of
from osprey_core import i18n
from osprey_core.errors import OspreyError
from osprey_core.io import export, mask_files, pictures, web_fetch

DEMO = Path(__file__).resolve().parents[3] / "demo"
CATALOGUES = {code: i18n.read_catalogue(catalog.FOLDER, code) for code in i18n.LANGUAGES}
ENGLISH, *_ = FLAT = [dict(i18n.flattened(catalogue)) for catalogue in CATALOGUES.values()]
TRANSLATIONS = dict(zip(i18n.LANGUAGES[1:], FLAT[1:], strict=True))
ALL = set(i18n.texts("en"))
"""Codes of the page and of the core."""
SAME_IN_ALL = {"header.title", "note.full_command", "analysis.labelsExample"}
"""Names, commands, and what the model itself would say."""
FOR_THE_MODEL = "for_the_model."
"""Questions that the page writes: the model speaks English."""
MAY_BE_ALIKE = re.compile(r"\W*|PageUp PageDown|Top-p|@|Shift|Enter|.*\+.*|[^a-z]*|Delete|Tab|Escape|Space")


def placeholders(template: str) -> list[str]:
    return sorted(re.findall(r"\{[^{}]*\}", template))


# --- the languages agree ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_a_translation_has_the_texts_of_english_and_no_others(code: str) -> None:
    wanted = {key for key in ENGLISH if not key.startswith(FOR_THE_MODEL)}
    assert set(TRANSLATIONS[code]) == wanted


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_a_translation_has_the_placeholders_of_its_original(code: str) -> None:
    for key, theirs in TRANSLATIONS[code].items():
        assert placeholders(theirs) == placeholders(ENGLISH[key]), key


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_every_word_is_translated(code: str) -> None:
    alike = [
        key
        for key, theirs in TRANSLATIONS[code].items()
        if key not in SAME_IN_ALL and theirs == ENGLISH[key] and not MAY_BE_ALIKE.fullmatch(theirs)
    ]
    assert alike == []


@pytest.mark.parametrize("code", TRANSLATIONS)
def test_keys_of_the_help_sheet_are_the_same_in_all_languages(code: str) -> None:
    theirs, english = CATALOGUES[code]["help"]["keys"], CATALOGUES["en"]["help"]["keys"]
    assert [[keys for keys, _ in lines] for _, lines in theirs] == [[keys for keys, _ in lines] for _, lines in english]


def test_the_page_and_the_core_share_no_code() -> None:
    core = dict(i18n.flattened(i18n.read_catalogue(Path(i18n.__file__).parent, "en")))
    assert {code.split(".")[0] for code in core} & {key.split(".")[0] for key in ENGLISH} == set()


# --- a word is found in the language of whoever it is for ------------------------------------------------------------


def test_words_are_read_in_the_language_of_whoever_they_are_for() -> None:
    korean, chinese = (CATALOGUES[code] for code in ("ko", "zh"))
    assert text("chat.send") == "Ask"
    with language.speaking("ko"):
        assert text("chat.send") == korean["chat"]["send"] != "Ask"
        assert text("canvas.point") == group("canvas")["point"] == korean["canvas"]["point"]
        with language.speaking("zh"):
            assert text("chat.send") == chinese["chat"]["send"]
        assert text("chat.send") == korean["chat"]["send"]
    with language.speaking("xx"):
        assert text("chat.send") == "Ask"


def test_placeholders_are_filled_in() -> None:
    assert text("stats.first_after", seconds=1.234) == "after 1.23 s"
    with language.speaking("ko"):
        assert text("stats.first_after", seconds=1.234) == "1.23초 후"
        assert text("for_the_model.around", region="@1") == "What is around @1?"


def test_there_is_no_word_without_a_key() -> None:
    for wrong in (lambda: text("chat.sent"), lambda: group("chat.sent"), lambda: group("chatter")):
        with pytest.raises(KeyError):
            wrong()


def test_what_a_translation_lacks_stays_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = {"canvas": {"point": "여기"}}
    for code in i18n.LANGUAGES:
        catalogue = CATALOGUES["en"] if code == "en" else lacking
        (tmp_path / f"{code}.json").write_text(json.dumps(catalogue), encoding="utf-8")
    monkeypatch.setattr(i18n, "_folders", [tmp_path])
    monkeypatch.setattr(catalog, "FOLDER", tmp_path)
    try:
        i18n.texts.cache_clear()
        catalog._group.cache_clear()
        with language.speaking("ko"):
            assert text("chat.send") == "Ask"
            assert text("canvas.point") == group("canvas")["point"] == "여기"
            assert text("canvas.box") == group("canvas")["box"] == "Box"
    finally:
        i18n.texts.cache_clear()
        catalog._group.cache_clear()


# --- whose language --------------------------------------------------------------------------------------------------


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


# --- every use has a word, every word a use --------------------------------------------------------------------------


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in [*sorted(DEMO.rglob("*.py")), DEMO.parent / "app.py"]:
        yield path.name, ast.parse(path.read_text(encoding="utf-8"))


def calls_of(*functions: str) -> Iterator[tuple[str, ast.Call]]:
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
                yield f"{name}:{node.lineno}", node


def keys_by_call(*functions: str) -> Iterator[tuple[str, ast.Call, str]]:
    """Calls of these functions whose first argument is a text, with it."""
    for place, call in calls_of(*functions):
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
            yield place, call, call.args[0].value


def is_group(key: str) -> bool:
    return any(each.startswith(f"{key}.") for each in ENGLISH)


def test_no_word_is_missing() -> None:
    """Neither of those that the code names, nor the values that their placeholders need."""
    for place, call, key in keys_by_call("text", "InputError", "OspreyError"):
        assert key in ALL, f"{place}: {key}"
        given = {keyword.arg for keyword in call.keywords}
        needed = {hole.strip("{}").split(":")[0] for hole in placeholders(i18n.texts("en")[key])}
        assert given == needed, f"{place}: {key}"
    assert [f"{place}: {key}" for place, _, key in keys_by_call("group") if not is_group(key)] == []
    for place, call in calls_of("in_words"):
        for keyword in call.keywords:
            key = str(keyword.value.value) if isinstance(keyword.value, ast.Constant) else "chat.send"
            assert key in ENGLISH or is_group(key), f"{place}: {key}"
    errors = {key for key in texts_in_python() if re.fullmatch(r"(page|options)\.[a-z_]+", key)}
    assert errors - set(ENGLISH) == {"page.css"}


def texts_in_python() -> set[str]:
    return {
        node.value.rstrip(".")  # f"presets.{style}" names a group
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


SCRIPTS = {
    "analysis/analysis.js": "analysis",
    "canvas/canvas.js": "canvas",
    "chat/about.js": "conversation",
    "chat/chat.js": "conversation",
    "chat/presets.js": "own_questions",
    "everything/everything.js": "everything",
    "find/find.js": "search",
    "header/header.js": "help.sheet",
    "keeping/keeping.js": "keeping",
}
"""The scripts that components mount, and the group that each is sent as its `words`."""
WHOLE_GROUPS = {"examples", "presets", "help.steps", "help.keys", "language"}
"""Used one and all, by Python or by a script that walks them."""


def test_these_are_the_scripts_of_the_page() -> None:
    mounted = {key for key in texts_in_python() if key.endswith(".js") and (DEMO / key).is_file()}
    assert mounted == set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_sent_the_words_that_it_reads(script: str) -> None:
    given, source = group(SCRIPTS[script]), linked(script, text_of)
    read = set(re.findall(r"\bwords\.(\w+)", source))
    if not re.search(r"const \{[^}]*\bchip\b[^}]*\} = scripts", source):
        read.discard("chip")  # a function of the shared elements that this script does not use
    assert read
    assert read - set(given) == set()


def test_no_word_is_left_over() -> None:
    """Each is named in Python or in a script that is sent it, or belongs to a group that is used as a whole."""
    named = texts_in_python()
    texts = dict.fromkeys(SCRIPTS.values(), "")
    for script, whole in SCRIPTS.items():
        texts[whole] += linked(script, text_of)
    left_over = []
    for key in ENGLISH.keys() - named:
        if any(key.startswith(f"{whole}.") and whole in named for whole in WHOLE_GROUPS):
            continue
        group_of = next((each for each in texts if key.startswith(f"{each}.")), None)
        name = key.removeprefix(f"{group_of}.").split(".")[0].removesuffix("Tip")  # a button's tip goes by its name
        if group_of not in named or not re.search(rf"\b{name}\b", texts[str(group_of)]):
            left_over.append(key)
    assert left_over == []


def test_words_are_read_where_they_are_used_and_not_once_for_all() -> None:
    """At import time, and as the default of a parameter, nobody's language is known."""
    early = []
    for name, tree in trees():
        inside = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for statement in (node.body if isinstance(node.body, list) else [node.body])
            for inner in ast.walk(statement)
        }
        for node in ast.walk(tree):
            is_word = (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("text", "group")
            )
            if isinstance(node, ast.Call) and is_word and id(node) not in inside:
                early.append(f"{name}:{node.lineno}")
    assert early == []


SHOWN_BY_GRADIO = {"label", "placeholder", "info", "title", "description", "submit_btn", "stop_btn"}


def test_no_word_hides_in_the_python_of_the_page() -> None:
    """What components, toasts and refusals are given comes from catalogues; endpoints for programs speak English."""
    hidden = []
    for path in DEMO.rglob("*.py"):
        if path.parent.name == "api" or path.name == "options.py":
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
            by_key = name in ("InputError", "OspreyError", "in_words")
            for value in shown:
                if by_key and (literal(value) in ALL or is_group(literal(value))):
                    continue
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
            for written in re.findall(r'"([^"\\]*)"', code):
                if re.fullmatch(r"[A-Z][a-z]+(,? [a-z]+)+[.?!…:]?|[A-Z][a-z]+ …", written):
                    hidden.append(f"{path.name}:{number}: {written}")
            for written in re.findall(r'(?:title|alt|placeholder|"aria-label"|textContent)\s*[:=]\s*"([^"]*)"', code):
                if re.search(r"[A-Za-z]{2}", written):
                    hidden.append(f"{path.name}:{number}: {written}")
    assert hidden == []


# --- sentences of the core -------------------------------------------------------------------------------------------


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
