"""Which questions are taken for English."""

from __future__ import annotations

import pytest

from osprey_core.language.english import is_english
from osprey_core.language.prompts import QUESTIONS


@pytest.mark.parametrize(
    "text",
    [
        *QUESTIONS.values(),
        "What's that?",
        "dog?",
        "Is @1 left of @2?",
        "@1 @2 ?",
        "",
        "Is this a café au lait or a crème brûlée?",
        "What does the sign 出口 in the corner say?",
        "How did the la la land poster die out?",
        "Qatar",
        "colour of @3",
    ],
)
def test_english_and_what_nothing_speaks_against(text: str) -> None:
    assert is_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "이것은 무엇입니까?",
        "@1은 무엇인가요?",
        "这是什么？",
        "これは何ですか",
        "Что это такое?",
        "ما هذا؟",
        "Was ist das für ein Ding?",
        "Welche Farbe hat die Katze und wo ist sie?",
        "Qu'est-ce que c'est que cette chose dans le coin ?",
        "¿Qué es esto y de qué color es?",
        "Che cosa è questo?",
        "Wat is dit voor een ding en hoe groot is het?",
    ],
)
def test_other_languages(text: str) -> None:
    assert not is_english(text)
