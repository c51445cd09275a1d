"""Endpoints that ask the model about regions, describe everything, and stop it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr

from demo.api.caller_identity import Callers
from demo.api.checked_inputs import sampling, words
from demo.api.results import errors_as_sentences
from demo.jobs import analyses, answers, captions
from demo.jobs.decoding import Decode
from demo.session import conversation
from demo.session.conversation import Style
from demo.session.services import Services
from demo.session.session import ChatTurn, SecondCaptions, Session
from demo.session.typed_labels import OWN, chosen_vocabulary
from demo.shared.confidence import name_result
from osprey_core.language.sampling import SamplingSettings
from osprey_core.vocabularies import BUILT_IN, Vocabulary


@dataclass(frozen=True)
class ConversationEndpoints:
    """What programs call; the docstrings are what callers read."""

    services: Services
    callers: Callers
    decode: Decode

    def describe_everything(self, request: gr.Request, style: str = "short", session: str = "") -> Iterator[Any]:
        """Describe all that stands out in the picture.

        Parameters:
            style: "short", "detailed" or "category"; or, where a CLIP is loaded, the classes that it chooses from:
                "coco", "lvis", "ade20k", "cityscapes", or "own: lion, giraffe" for labels of your own.
            session: what open_picture returned.
        Returns:
            of each find: index (as of segment_everything) and caption; where the caption is a name, also name,
            confidence (0 to 1), unsure, and the next guesses; where a second model is loaded, compared: its name
            (model), and its caption or the error why it has none.
        """
        with errors_as_sentences():
            workspace = self.callers.workspace(session, request)
            settings = SamplingSettings(max_new_tokens=1024)
            wanted, vocabulary = _style(style)
            for now in captions.describe_everything(
                self.services, workspace, wanted, settings, self.decode, vocabulary=vocabulary
            ):
                yield self.callers.told(_caption_results(now), request)

    def ask(
        self,
        request: gr.Request,
        question: str,
        temperature: float = 0.0,
        top_p: float = 1.0,
        max_new_tokens: int = 1024,
        seed: int | None = None,
        session: str = "",
    ) -> Iterator[str]:
        """Ask the model about regions, by their numbers (“What is @1?”, “How do @1 and @2 relate?”).

        A question without a number is about the region that was marked last; where none is marked, about the whole
        picture. Earlier questions are remembered.

        Parameters:
            question: in plain words.
            temperature: 0 for the likeliest answer, up to 2 for variety.
            top_p: keep to the likeliest words that make up this share, above 0 and up to 1.
            max_new_tokens: the longest answer.
            seed: repeats an answer of a temperature above 0.
            session: what open_picture returned.
        Returns:
            the answer.
        """
        with errors_as_sentences():
            settings = sampling(temperature, top_p, max_new_tokens, seed)
            workspace = self.callers.workspace(session, request)
            asked = words(question, "question")
            turn_id = workspace.change(lambda s: conversation.ask(s, asked)).transcript[-1].id
            for progress in answers.answer(self.services, workspace, settings, self.decode):
                for turn in progress.session.transcript:
                    if turn.id == turn_id:
                        yield turn.answer

    def last_answer(self, request: gr.Request, session: str = "") -> Any:
        """The last question and its answer, with how sure the model is of a name in it.

        Parameters:
            session: what open_picture returned.
        Returns:
            question, answer, state; where the answer is a name, also name, confidence (0 to 1), unsure, and the next
            guesses. Empty before the first question.
        """
        with errors_as_sentences():
            turns = self.callers.workspace(session, request).session.transcript
            return self.callers.told(_answer_result(turns[-1]) if turns else {}, request)

    def clear_chat(self, request: gr.Request, session: str = "") -> None:
        """Forget all questions and answers; picture and regions stay.

        Parameters:
            session: what open_picture returned.
        """
        with errors_as_sentences():
            workspace = self.callers.workspace(session, request)
            answers.stop(self.services, workspace)
            workspace.change(conversation.clear_chat)

    def stop(self, request: gr.Request, session: str = "") -> None:
        """End the answer that is being written, closer looks, descriptions of everything; what is written stays.

        Parameters:
            session: what open_picture returned.
        """
        with errors_as_sentences():
            workspace = self.callers.workspace(session, request)
            answers.stop(self.services, workspace)
            captions.stop_describing(self.services, workspace)
            analyses.stop(self.services, workspace)


def _caption_results(session: Session) -> list[dict[str, Any]]:
    captions = session.captions
    if captions is None:
        return []
    names = {
        index: name_result([(guess.name, guess.confidence) for guess in named.guesses], named.is_unsure, named.finer)
        for index, named in captions.names
    }
    compared = _compared_results(captions.second) if captions.second is not None else {}
    return [
        {"index": index, "caption": caption, **names.get(index, {}), **compared.get(index, {})}
        for index, caption in sorted(captions.rows)
    ]


def _compared_results(second: SecondCaptions) -> dict[int, dict[str, Any]]:
    """What the second model says of the segments that it was asked about, by their index."""
    captions = {index: {"caption": caption} for index, caption in second.rows}
    errors = {index: {"error": reason} for index, reason in second.reasons().items()}
    return {index: {"compared": {"model": second.model, **said}} for index, said in (captions | errors).items()}


def _answer_result(turn: ChatTurn) -> dict[str, Any]:
    told = {"question": turn.typed, "answer": turn.answer, "state": turn.state}
    stats = turn.stats
    return told | (name_result(stats.guesses, stats.is_unsure, stats.finer_name) if stats is not None else {})


def _style(style: str | None) -> tuple[Style, Vocabulary | None]:
    """The style, and the vocabulary that the word for a style may name instead."""
    word, _, labels = words(style, "style").partition(":")
    if word in (*BUILT_IN, OWN):
        return "category", chosen_vocabulary(word, labels)
    return cast(Style, words(style, "style") or "short"), None  # `describe_everything` refuses any other word
