"""The words of `words.py` in Korean. What is missing here, the page says in English."""

from __future__ import annotations

LANGUAGE = "언어"
TAGLINE = "사진의 어느 부분이든 표시하고, 바로 그 픽셀에 대해 물어보세요."
NO_PICTURE = "아직 사진이 없습니다. 사진을 열거나 예시를 고르세요."
SEND = "묻기"
CANVAS = {"point": "클릭"}
CORE: dict[str, str] = {}
"""Sentences of the core, by their English."""
