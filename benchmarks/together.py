"""The measure (o): answers of many people about pictures of their own, decoded together and one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.measures import Setting, picture, question, region
from benchmarks.timing import Comparison, compare
from osprey_core.cache.prefix_attention import KeyValues
from osprey_core.language.embedded_question import EmbeddedQuestion
from osprey_core.language.generation import decode
from osprey_core.language.sampling import SamplingSettings

PEOPLE = 16
ANSWER_TOKENS = 40


@dataclass(frozen=True, eq=False)
class _Asked:
    """One person's question about an opened picture."""

    question: EmbeddedQuestion
    prefix: KeyValues


def people_together(setting: Setting) -> Iterator[Comparison]:
    """(o) Answers of 40 tokens to 16 people, each about an opened picture: the question's positions and all tokens.

    By the thread that decodes answers together, against the loop for one answer that was used before, and against the
    same thread when it has one answer at a time. Not for the wide shape, whose pictures alone take minutes.
    """
    if setting.shape == "wide":
        return
    people, tokens = (3, setting.new_tokens) if setting.shape == "tiny" else (PEOPLE, ANSWER_TOKENS)
    asked = [_ask(setting, person) for person in range(people)]
    settings = SamplingSettings(max_new_tokens=tokens)

    def by_thread(one: _Asked) -> list[int]:
        thread = setting.model.decoding[one.question.network]
        return list(thread.decode(one.question.embeds[None], settings, prefix=one.prefix))

    def by_loop(one: _Asked) -> list[int]:
        llm = setting.model.networks[one.question.network].llm
        return list(decode(llm, one.question.embeds[None], settings, prefix=one.prefix))

    def one_after_another(answer: Callable[[_Asked], list[int]]) -> Callable[[int], object]:
        return lambda number: [answer(one) for one in asked]

    with ThreadPoolExecutor(people) as pool:
        together = ("together", lambda number: list(pool.map(by_thread, asked)))
        for key, label, way in (("o", "the loop for one answer", by_loop), ("o-thread", "the same thread", by_thread)):
            title = f"{people} people's answers of {tokens} tokens, together against one after another by {label}"
            yield compare(key, title, together, ("one after another", one_after_another(way)), setting.repeats)


def _ask(setting: Setting, person: int) -> _Asked:
    view = setting.model.open(picture(person))
    masks = [region(person)]
    return _Asked(view.embed(question(person), masks), view.read(question(person), masks).prefix)
