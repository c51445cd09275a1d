"""Conversations about regions as token ids: the published template and questions.

A prompt is built from parts (text, the picture, regions), never by parsing a finished string, so typed text is always
encoded as text. Regions are numbers here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from osprey_core.config import IMAGE_PLACEHOLDER_ID, OspreyConfig
from osprey_core.errors import InputError
from osprey_core.language.tokens import TextTokenizer
from osprey_core.regions.mentions import REGION_TAG

QUESTIONS = {
    "short": "Please give me a short description of <region1>. Using a short phrase.",
    "detailed": "Can you give me a detailed description of <region1>?",
    "category": "What is the category of <region1>? Using only one word or phrase.",
    "relation": "What is the relation between <region1> and <region2>?",
}
"""The published question texts, by style, with the region named where the published ones have `<mask><pos>`."""

STOP_STRINGS = ("</s>", "USER:")
"""Texts that end an answer, besides the end-of-sequence id: the textual `</s>`, or the beginning of the next turn."""

_MARKERS = re.compile(r"(<image>|<mask>|<pos>)")
# Words of the template that mark turn boundaries; typed ones must be encoded differently.
_TEMPLATE_WORDS = re.compile(r"(</s>|<s>|USER:|ASSISTANT:)")


@dataclass(frozen=True)
class Turn:
    """One question and its answer.

    `known_regions` is the number of regions when the question was asked (None: the current number). It preserves an old
    turn's wording, and thus its ids, after further regions are added.

    `about` holds the numbers (from 1) of the regions that a question without mentions is about (None: all known ones).
    It preserves an old turn's meaning when the turns before it are left out.
    """

    question: str
    answer: str
    known_regions: int | None = None
    about: tuple[int, ...] | None = None


@dataclass(frozen=True)
class TextPrompt:
    """A prompt ready for the network."""

    ids: tuple[int, ...]
    """Token ids, with -200 for the picture and the two region ids per mention."""
    regions: tuple[int, ...]
    """For each `<mask><pos>` in order, the index (from 0) of the region it shows."""


@dataclass(frozen=True)
class _Typed:
    """Text by a person or the model, as opposed to the template's text."""

    text: str


@dataclass(frozen=True)
class _RegionMark:
    index: int


class _ImageMark:
    pass


@dataclass(frozen=True)
class _Answer:
    text: str


_Part = str | _Typed | _RegionMark | _ImageMark | _Answer


class PromptWriter:
    """Writes prompts for one model: its template, its vocabulary, its region ids."""

    def __init__(self, config: OspreyConfig, tokenizer: TextTokenizer) -> None:
        self.config = config
        self.tokenizer = tokenizer

    def encode(self, text: str) -> list[int]:
        """Ids of a finished prompt in the published notation, BOS included.

        `<image>`, `<mask>` and `<pos>` are placeholders here, so the text must be trusted; use `conversation` for typed
        text.
        """
        ids = [self.tokenizer.bos_id]
        marker_ids = {
            "<image>": IMAGE_PLACEHOLDER_ID,
            "<mask>": self.config.mask_token_id,
            "<pos>": self.config.pos_token_id,
        }
        for piece in _MARKERS.split(text):
            ids += [marker_ids[piece]] if piece in marker_ids else self.tokenizer.encode_piece(piece)
        return ids

    def conversation(
        self, question: str, region_count: int, history: Iterable[Turn] = (), about: Sequence[int] | None = None
    ) -> TextPrompt:
        """Ids that ask `question` after `history`, up to and including `ASSISTANT:`.

        Every `<regionN>` inserts region N's tokens. A question that mentions none is about all regions, or about those
        in `about`; regions that no turn has shown yet are introduced before it, in the published words. Later mentions
        of an introduced region use its name, "regionN".

        Args:
            question: what the person typed; `<region1>` … refer to regions counted from 1.
            region_count: how many regions there are.
            history: earlier turns, oldest first.
            about: numbers, from 1, of the regions that the question is about if it mentions none; None for all.

        Raises:
            InputError: the question is empty or mentions a region that does not exist.
        """
        if not question.strip():
            raise InputError("question.empty")
        asked = Turn(question, "", about=None if about is None else tuple(about))
        parts, regions = self._parts([*history, asked], region_count)
        ids, _ = self._encode_parts(parts[:-1])  # all but the empty answer
        return TextPrompt(tuple(ids), regions)

    def transcript(self, turns: Sequence[Turn], region_count: int) -> tuple[TextPrompt, tuple[bool, ...]]:
        """Ids of a whole conversation with its last answer, for training.

        Returns:
            the prompt, and for each id whether it is part of an answer (its end included) and so to be learned.
        """
        parts, regions = self._parts(turns, region_count)
        ids, learned = self._encode_parts(parts)
        return TextPrompt(tuple(ids), regions), tuple(learned)

    @property
    def end_length(self) -> int:
        """How many ids end an answer."""
        return len(self._encode_answer("a")) - len(self._encode_text([" ", _Typed("a")], continued=True))

    def _parts(self, turns: Iterable[Turn], region_count: int) -> tuple[list[_Part], tuple[int, ...]]:
        """Parts of a conversation and the regions that they show, in order."""
        before_image, after_image = self.config.prompt.image_intro.split("<image>")
        parts: list[_Part] = [f"{self.config.prompt.system} USER: {before_image}", _ImageMark(), after_image]
        shown: set[int] = set()
        named: set[int] = set()
        for place, turn in enumerate(turns):
            known = region_count if turn.known_regions is None else min(turn.known_regions, region_count)
            if place:
                parts.append("USER: ")
            about = range(1, known + 1) if turn.about is None else turn.about
            parts += self._question_parts(_clean(turn.question), known, about, shown, named)
            parts += [" ASSISTANT:", _Answer(_clean(turn.answer))]
        return parts, tuple(part.index for part in parts if isinstance(part, _RegionMark))

    def _question_parts(
        self, question: str, known: int, about: Iterable[int], shown: set[int], named: set[int]
    ) -> list[_Part]:
        """Parts of one question; updates `shown` and `named`."""
        pieces = REGION_TAG.split(question)  # text, number, text, number, …, text
        mentioned = [int(number) - 1 for number in pieces[1::2]]
        meant = mentioned or [number - 1 for number in about]
        for index in meant:
            if not 0 <= index < known:
                raise _unknown_region(bool(mentioned), index + 1, known)
        parts: list[_Part] = []
        if not mentioned:
            new = [index for index in meant if index not in shown]
            if new:
                # The wording of the published training sets, including its spelling.
                parts.append(f"Ther are {len(new)} part regions in the picture: ")
                for place, index in enumerate(new):
                    parts += [f"{',' if place else ''}region{index + 1}", _RegionMark(index)]
                parts.append(". ")
                named.update(new)
        for place, piece in enumerate(pieces):
            if place % 2 == 0:
                parts.append(_Typed(piece))
            elif (index := int(piece) - 1) in named:
                parts.append(f"region{index + 1}")
            else:
                parts.append(_RegionMark(index))
                shown.add(index)
        shown.update(named)
        return parts

    def _encode_parts(self, parts: Sequence[_Part]) -> tuple[list[int], list[bool]]:
        """Ids of parts, and which of them belong to an answer.

        Neighbouring texts are joined into one piece, as the published code saw them. Cutting a piece around an
        answer changes no id: the answer begins with a space, and no merge reaches over what follows `</s>`.
        """
        ids: list[int] = [self.tokenizer.bos_id]
        learned: list[bool] = [False]
        text: list[str | _Typed] = []
        after_answer = False

        def add(new: list[int], answer: bool = False) -> None:
            ids.extend(new)
            learned.extend([answer] * len(new))

        for part in [*parts, None]:
            if isinstance(part, str | _Typed):
                text.append(part)
                continue
            add(self._encode_text(text, continued=after_answer))
            text = []
            after_answer = isinstance(part, _Answer)
            if isinstance(part, _Answer):
                add(self._encode_answer(part.text), answer=True)
            elif isinstance(part, _ImageMark):
                add([IMAGE_PLACEHOLDER_ID])
            elif isinstance(part, _RegionMark):
                add([self.config.mask_token_id, self.config.pos_token_id])
        return ids, learned

    def _encode_answer(self, answer: str) -> list[int]:
        if self.config.prompt.answer_end == "text":
            return self._encode_text([" ", _Typed(answer), "</s>"], continued=True)
        return [*self._encode_text([" ", _Typed(answer)], continued=True), self.tokenizer.eos_id]

    def _encode_text(self, texts: Sequence[str | _Typed], continued: bool) -> list[int]:
        """Ids of one piece. Template words inside typed text are spelt out, so that they differ from the template's."""
        ids: list[int] = []
        for place, (spelt, run) in enumerate(_runs(texts)):
            if spelt:
                ids += self.tokenizer.spell(run)
            elif place == 0 and not continued:
                ids += self.tokenizer.encode_piece(run)
            else:
                ids += self.tokenizer.encode_continuation(run)
        return ids


def _clean(text: str) -> str:
    """The text without surrounding white space and without lone surrogates, which cannot be encoded."""
    return text.strip().encode("utf-8", "replace").decode("utf-8")


def _runs(texts: Sequence[str | _Typed]) -> list[tuple[bool, str]]:
    """Texts as (is to be spelt, text) runs, joined where neighbours are of a kind."""
    pieces: list[tuple[bool, str]] = []
    for text in texts:
        if isinstance(text, str):
            pieces.append((False, text))
            continue
        for place, piece in enumerate(_TEMPLATE_WORDS.split(text.text)):
            pieces.append((place % 2 == 1, piece))
    return [
        (spelt, "".join(piece for _, piece in group))
        for spelt, group in itertools.groupby((p for p in pieces if p[1]), key=lambda p: p[0])
    ]


def _unknown_region(is_mentioned: bool, number: int, known: int) -> InputError:
    """What is wrong with a question that mentions, or is about, a region beyond the `known` ones."""
    if known == 0:
        return InputError("question.mentions_unmarked" if is_mentioned else "question.about_unmarked", number=number)
    if known == 1:
        return InputError(
            "question.mentions_beyond_one" if is_mentioned else "question.about_beyond_one", number=number
        )
    code = "question.mentions_beyond" if is_mentioned else "question.about_beyond"
    return InputError(code, number=number, count=known)
