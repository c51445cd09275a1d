"""The core's catalogues: each language has each text, each text has a use, and each use fills its placeholders."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from osprey_core import errors, i18n

CORE = Path(errors.__file__).parent
CATALOGUES = {
    language: dict(i18n.flattened(i18n.read_catalogue(CORE / "i18n", language))) for language in i18n.LANGUAGES
}
ENGLISH = CATALOGUES["en"]
ROOMS = {code.split(".")[0] for code in ENGLISH}
ERRORS = ("OspreyError", "InputError", "CheckpointError", "ModelNotFoundError", "ContextOverflowError", "RefusedError")
SCRIPTS = {"ko": r"[가-힣]", "zh": r"[一-鿿]"}


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(CORE.rglob("*.py")):
        yield str(path.relative_to(CORE)), ast.parse(path.read_text(encoding="utf-8"))


def calls_of_errors(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            yield node


def codes_in(node: ast.AST) -> Iterator[str]:
    """Texts that are codes: a room of the catalogue, a dot, and a name."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            match = re.fullmatch(r"([a-z_]+)\.[a-z0-9_]+", inner.value)
            if match and match[1] in ROOMS and not inner.value.endswith((".json", ".model", ".safetensors", ".png")):
                yield inner.value


@pytest.mark.parametrize("language", SCRIPTS)
def test_a_translation_has_the_same_texts_with_the_same_placeholders(language: str) -> None:
    theirs = CATALOGUES[language]
    assert set(theirs) == set(ENGLISH)
    for code, template in ENGLISH.items():
        assert placeholders(theirs[code]) == placeholders(template), code


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_text_is_rendered(language: str) -> None:
    for code, template in CATALOGUES[language].items():
        values = {name: f"<{name}>" for name in placeholders(template)}
        text = errors.InputError(code, **values).render(language)
        assert all(value in text for value in values.values()), code
        assert "{" not in text, code
        has_words = re.search("[a-z]{2}", re.sub(r"\{\w+\}", "", ENGLISH[code]))
        if language != "en" and has_words and code.split(".")[0] != "list":
            assert re.search(SCRIPTS[language], text), code
            words = re.sub(r"<\w+>|“[^”]*”|`[^`]*`|--[\w-]+|pip install \w+", "", text)
            assert not re.search(r"[a-z]+ [a-z]+ [a-z]+ [a-z]+", words), f"{code}: {text}"


def test_no_text_is_missing_and_none_is_left_over() -> None:
    used = {code for _, tree in sources() for code in codes_in(tree)}
    assert used - set(ENGLISH) == set()
    assert set(ENGLISH) - used - {"list.comma"} == set()


def test_errors_are_raised_by_code() -> None:
    sentences = []
    for name, tree in sources():
        for call in calls_of_errors(tree):
            code = call.args[0]
            if isinstance(code, ast.JoinedStr) or (isinstance(code, ast.Constant) and code.value not in ENGLISH):
                sentences.append(f"{name}:{call.lineno}")
    assert sentences == []


def test_errors_give_what_their_placeholders_need() -> None:
    for name, tree in sources():
        for call in calls_of_errors(tree):
            code = call.args[0]
            if isinstance(code, ast.Constant) and code.value in ENGLISH and None not in [k.arg for k in call.keywords]:
                given = {keyword.arg for keyword in call.keywords}
                assert given == placeholders(ENGLISH[code.value]), f"{name}:{call.lineno}"
