"""The words of `words.py` in Korean. What is missing here, the page says in English."""

from __future__ import annotations

LANGUAGE = "언어"
TAGLINE = "사진의 어느 부분이든 표시하고, 바로 그 픽셀에 대해 물어보세요."
NO_PICTURE = "아직 사진이 없습니다. 사진을 열거나 예시를 고르세요."
SEND = "묻기"
CANVAS = {"point": "클릭"}
PICTURE_GONE = "이용자가 많아 사진을 더 이상 보관하지 않습니다. 사진을 다시 열어 주세요."
SESSION_MISSING = "open_picture가 돌려준 session을 지정하세요."
SESSION_GONE = "이 세션은 더 이상 보관되지 않습니다. 사진을 다시 열고 그때 받은 세션을 사용하세요."

CORE: dict[str, str] = {}
"""Sentences of the core, by their English."""
