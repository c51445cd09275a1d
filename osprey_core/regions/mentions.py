"""Mentions of regions in texts: `@2` or `<region2>` in questions, "region 2" or "region2" in answers.

Splits typed text into plain runs and mentions, and rewrites it for the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

REGION_TAG = re.compile(r"<region(\d{1,6})>")
"""`<regionN>`; group 1 is the number."""

REGION_WORD = re.compile(r"(?i)<region ?(\d{1,6})>|(?<!\w)region ?(\d{1,6})(?!\w)")
"""A region as a model's answer names it, with or without brackets; group 1 or group 2 is the number."""

# An @ inside a word (an address such as me@2nd.org) is no mention, nor is an @ followed by more than a number.
_MENTION = re.compile(rf"(?<![\w@])@(\d{{1,6}})(?!\w)|{REGION_TAG.pattern}")

Piece = str | int
"""A run of plain text, or the number of a mentioned region."""


def split(text: str) -> list[Piece]:
    """Plain runs and mentioned numbers in order."""
    pieces: list[Piece] = []
    end = 0
    for match in _MENTION.finditer(text):
        if match.start() > end:
            pieces.append(text[end : match.start()])
        pieces.append(int(match.group(1) or match.group(2)))
        end = match.end()
    if end < len(text):
        pieces.append(text[end:])
    return pieces


def mentioned(text: str) -> list[int]:
    """Numbers of the mentioned regions, each once, in order of first mention."""
    return list(dict.fromkeys(piece for piece in split(text) if isinstance(piece, int)))


def for_model(text: str, place_of: Mapping[int, int]) -> str:
    """The question with every mention as `<regionK>`, where K is the region's place (from 1) in the model's list."""
    return replaced(text, lambda number: f"<region{place_of[number]}>")


def replaced(text: str, mention: Callable[[int], str], plain: Callable[[str], str] = str) -> str:
    """The text with its mentions rewritten by `mention` and its plain runs by `plain`."""
    return "".join(mention(piece) if isinstance(piece, int) else plain(piece) for piece in split(text))


def answer_pieces(answer: str, places: Sequence[int]) -> list[Piece]:
    """An answer in pieces with the page's region numbers; `places` holds those of the model's region1, region2 …"""
    pieces: list[Piece] = []
    end = 0
    for match in REGION_WORD.finditer(answer):
        place = int(match.group(1) or match.group(2))
        if 1 <= place <= len(places):
            pieces += [answer[end : match.start()], places[place - 1]]
            end = match.end()
    return [piece for piece in [*pieces, answer[end:]] if piece != ""]
