"""One answer of a chat completion, as a job of the model like those of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from demo.api.openai.request import Asked
from demo.jobs.requests import Piece, QuestionRequest, TokensTold
from demo.jobs.run import Ending, Job, Phase
from demo.session.session import AnswerMeasures, new_job_id
from demo.shared.running_jobs import RunningJobs
from osprey_core.language.sampling import SamplingSettings
from osprey_core.language.token_likelihood import SpelledToken


class CompletionJob(Job[str]):
    """Answers one question and yields the new text; `measures` are known when it has ended by itself."""

    kind = "completion"

    def __init__(
        self,
        asked: Asked,
        settings: SamplingSettings,
        stops: Sequence[str],
        person: str,
        running_jobs: RunningJobs,
        alternatives: int | None = None,
    ) -> None:
        self.id, self.person = new_job_id(), person
        self._running_jobs = running_jobs
        self._asked, self._settings = asked, settings
        self._text = StoppedText(stops)
        self._unshown = ""
        self._alternatives, self._tokens = alternatives, list[SpelledToken]()
        self._is_wanted = True
        self.measures: AnswerMeasures | None = None

    @property
    def finish_reason(self) -> str:
        """OpenAI's word for why the answer ended."""
        cut = self.measures is not None and self.measures.finish_reason == "length"
        return "length" if cut and not self._text.has_ended else "stop"

    def is_wanted(self) -> bool:
        return self._is_wanted

    def give_up(self) -> None:
        """End the answer: nobody waits for it any more."""
        self._is_wanted = False
        self._running_jobs.stop(self.id)

    def requests(self) -> Iterator[QuestionRequest]:
        asked = self._asked
        yield QuestionRequest(
            asked.picture,
            asked.question,
            asked.regions,
            tuple(range(1, len(asked.regions) + 1)),
            asked.history,
            self._settings,
            about=tuple(range(1, len(asked.regions) + 1)),
            named=asked.regions[0] if len(asked.regions) == 1 else None,
            top_logprobs=self._alternatives,
        )

    def keep(self, place: int, piece: Piece) -> bool:
        if isinstance(piece, AnswerMeasures):
            self.measures = piece
        elif isinstance(piece, TokensTold):
            self._tokens += () if self._text.has_ended else piece.tokens
        elif isinstance(piece, str) and not self._text.has_ended:
            self._unshown += self._text.feed(piece)
            if self._text.has_ended:
                self._running_jobs.stop(self.id)  # the answer's measures still come
        return self._is_wanted

    def shown(self, phase: Phase) -> str | None:
        new, self._unshown = self._unshown, ""
        return new or None

    def settle(self, ending: Ending) -> None:
        if ending != "failed":
            self._unshown += self._text.finish()

    def logprobs(self) -> dict[str, Any] | None:
        """The likelihoods of tokens since the last call, in OpenAI's form; None if they were not asked for."""
        if self._alternatives is None:
            return None
        new, self._tokens = self._tokens, []
        return {"content": [_logprob_json(token) for token in new], "refusal": None}

    def rest(self) -> str:
        """Text that was not yielded, once the job has settled."""
        new, self._unshown = self._unshown, ""
        return new


def _logprob_json(token: SpelledToken) -> dict[str, Any]:
    alternatives = [_token_json(spelling, logprob) for spelling, logprob in token.alternatives]
    return _token_json(token.spelling, token.logprob) | {"top_logprobs": alternatives}


def _token_json(spelling: bytes, logprob: float) -> dict[str, Any]:
    return {"token": spelling.decode("utf-8", "replace"), "logprob": logprob, "bytes": list(spelling)}


class StoppedText:
    """Text up to the first of some stop strings; what may begin one is held back."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops, self._held = tuple(stops), ""
        self.has_ended = False

    def feed(self, text: str) -> str:
        """The text that is final now."""
        if self.has_ended:
            return ""
        held = self._held + text
        ends = [place for stop in self._stops if (place := held.find(stop)) >= 0]
        if ends:
            self.has_ended, self._held = True, ""
            return held[: min(ends)]
        longest = max((len(stop) - 1 for stop in self._stops), default=0)
        lengths = range(min(longest, len(held)), 0, -1)
        kept = next((n for n in lengths if any(stop.startswith(held[-n:]) for stop in self._stops)), 0)
        self._held = held[len(held) - kept :]
        return held[: len(held) - kept]

    def finish(self) -> str:
        """What was held back, at the end of the answer."""
        rest, self._held = self._held, ""
        return rest
