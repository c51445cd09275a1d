"""The words of `words.py` in Simplified Chinese. What is missing here, the page says in English."""

from __future__ import annotations

LANGUAGE = "语言"
TAGLINE = "标记图片的任意部分，然后就这些像素提问。"
NO_PICTURE = "还没有图片，请打开一张或选择示例。"
SEND = "提问"
CANVAS = {"point": "点击"}
PICTURE_GONE = "由于使用者较多，您的图片已不再保留，请重新打开。"
SESSION_MISSING = "请给出 open_picture 返回的 session。"
SESSION_GONE = "此会话已不再保留，请重新打开图片，并使用新返回的会话。"

CORE: dict[str, str] = {}
"""Sentences of the core, by their English."""
