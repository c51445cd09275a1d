"""The HTTP side of chat completions: routes, streams, and errors in OpenAI's form."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import anyio
from anyio import from_thread, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from demo.api.openai.job import CompletionJob
from demo.api.openai.request import Asked, ChatRequest, asked_by
from demo.i18n import language
from demo.i18n.catalog import text
from demo.jobs.decoding import Decode
from demo.jobs.run import run
from demo.session.segments import best_mask
from demo.session.services import Services
from demo.shared.confidence import name_result
from demo.shared.metrics import count_error
from demo.shared.problems import sentence_of
from osprey_core.errors import InputError, OspreyError
from osprey_core.language.sampling import SamplingSettings

log = logging.getLogger(__name__)

COMPLETIONS = ("/v1/chat/completions", "/chat/completions")
"""The second is how clients of Describe Anything's server ask."""
MODELS = "/v1/models"
OTHER_NAMES = ("osprey", "describe_anything_model")
"""Names of the model besides its own; the last is Describe Anything's."""

MOST_WAITING = 64
"""Jobs that may wait for the model before further requests are refused."""
RETRY_SECONDS = 2


def is_completion_route(path: str) -> bool:
    """Whether a path is one of OpenAI's."""
    return path in COMPLETIONS or path == MODELS or path.startswith(f"{MODELS}/")


class OpenAIDoor:
    """ASGI middleware that answers OpenAI's routes; all others go on to the page."""

    def __init__(self, app: Any, services: Services, decode: Decode) -> None:
        self._app, self._completions = app, Completions(services, decode)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not is_completion_route(path):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        with language.speaking(language.of_request(request)):
            response = await self._answer(request, path)
            await response(scope, receive, send)

    async def _answer(self, request: Request, path: str) -> Response:
        if path in COMPLETIONS:
            if request.method != "POST":
                return error_response(405, text("openai.post_only"), "method_not_allowed")
            return await self._completions.complete(request)
        if request.method not in ("GET", "HEAD"):
            return error_response(405, text("openai.get_only"), "method_not_allowed")
        return self._completions.models(path.removeprefix(MODELS).strip("/"))


class Completions:
    """Answers to requests whose path is known."""

    def __init__(self, services: Services, decode: Decode) -> None:
        self._services, self._decode = services, decode
        self._began = int(time.time())
        self._limiter: anyio.CapacityLimiter | None = None

    def models(self, name: str) -> Response:
        """The list of models, or the one of this name."""
        model = {"id": self._services.model.name, "object": "model", "created": self._began, "owned_by": "osprey"}
        if not name:
            return JSONResponse({"object": "list", "data": [model]})
        return JSONResponse(model) if self._is_known(name) else self._unknown(name)

    async def complete(self, request: Request) -> Response:
        """A whole completion, or its stream."""
        if self._services.model.state == "loading":
            return error_response(503, text("openai.loading"), "model_loading", retry=True)
        if len(self._services.model_turns.waiting) >= min(MOST_WAITING, self._services.queue_length):
            return error_response(429, text("page.queue_full"), "queue_full", retry=True)
        try:
            self._services.model.get()
            # Pictures are part of the JSON: it may have many megabytes.
            asked = await to_thread.run_sync(ChatRequest.read, await request.body())
            if asked.model and not self._is_known(asked.model):
                return self._unknown(asked.model)
            question = await to_thread.run_sync(self._asked, asked)
        except Exception as error:
            return refusal(error)
        person = request.client.host if request.client is not None else ""
        answers = _Answers(self._services, self._decode, asked, question, person)
        if asked.stream:
            with_usage = asked.stream_options is not None and asked.stream_options.include_usage
            lines = _streamed(answers, with_usage, self._threads())
            return StreamingResponse(lines, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        response: Response
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_give_up_when_gone, request, answers)
            try:
                response = JSONResponse(await to_thread.run_sync(answers.whole, limiter=self._threads()))
            except Exception as error:
                response = refusal(error)
            tasks.cancel_scope.cancel()
        return response

    def _threads(self) -> anyio.CapacityLimiter:
        """Threads for answers, apart from those of the page; made on the event loop that uses them."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(MOST_WAITING + 16)
        return self._limiter

    def _asked(self, request: ChatRequest) -> Asked:
        return asked_by(request, partial(best_mask, self._services), self._services.fetch)

    def _is_known(self, name: str) -> bool:
        return name == self._services.model.name or name in OTHER_NAMES

    def _unknown(self, name: str) -> Response:
        sentence = text("openai.model_unknown", name=name[:80], known=self._services.model.name)
        return error_response(404, sentence, "model_not_found", param="model")


class _Answers:
    """The answers to one request, one after another."""

    def __init__(self, services: Services, decode: Decode, request: ChatRequest, asked: Asked, person: str) -> None:
        defaults = services.model.get().generation_defaults
        settings = SamplingSettings(defaults.temperature, defaults.top_p, defaults.max_new_tokens)
        self._services, self._decode = services, decode
        self.jobs = [
            CompletionJob(
                asked,
                request.settings(settings, place),
                request.stops,
                person,
                services.running_jobs,
                request.alternatives,
            )
            for place in range(request.n)
        ]
        self.frame = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": services.model.name,
        }

    def give_up(self) -> None:
        """End all answers: nobody waits for them."""
        for job in self.jobs:
            job.give_up()

    def texts(self, job: CompletionJob) -> Iterator[str]:
        """New text of one answer, as it is written."""
        yield from run(self._services, job, self._decode, 0.02)
        yield job.rest()

    def whole(self) -> dict[str, Any]:
        """The completion as JSON."""
        choices = []
        for place, job in enumerate(self.jobs):
            content = "".join(self.texts(job)).strip()
            message = {"role": "assistant", "content": content, "refusal": None}
            choices.append({"index": place, "message": message, "logprobs": job.logprobs(), **self.end_of(job)})
        return {**self.frame, "object": "chat.completion", "choices": choices, "usage": self.usage()}

    def chunk(self, *choices: dict[str, Any], **more: Any) -> dict[str, Any]:
        """One piece of the stream."""
        return {**self.frame, "object": "chat.completion.chunk", "choices": list(choices), **more}

    def end_of(self, job: CompletionJob) -> dict[str, Any]:
        """Why an answer ended, and how sure a name in it is."""
        measures = job.measures
        name = name_result(measures.guesses, measures.is_unsure) if measures is not None else {}
        return {"finish_reason": job.finish_reason, **({"confidence": name} if name else {})}

    def usage(self) -> dict[str, int]:
        """Tokens of the prompt, once for all answers, and of the answers."""
        prompt = max((job.measures.prompt_tokens for job in self.jobs if job.measures is not None), default=0)
        new = sum(job.measures.new_tokens for job in self.jobs if job.measures is not None)
        return {"prompt_tokens": prompt, "completion_tokens": new, "total_tokens": prompt + new}

    def chunks(self) -> Iterator[dict[str, Any]]:
        """The stream's pieces, without usage."""
        for place, job in enumerate(self.jobs):
            yield self.chunk(_choice(place, {"role": "assistant", "content": ""}))
            for new in self.texts(job):
                if new:
                    yield self.chunk({**_choice(place, {"content": new}), "logprobs": job.logprobs()})
            yield self.chunk({**_choice(place, {}), "logprobs": job.logprobs(), **self.end_of(job)})


def _choice(place: int, delta: dict[str, Any]) -> dict[str, Any]:
    return {"index": place, "delta": delta, "logprobs": None, "finish_reason": None}


async def _streamed(answers: _Answers, with_usage: bool, threads: anyio.CapacityLimiter) -> AsyncIterator[str]:
    """Server-sent events; an error ends them with one in OpenAI's form."""
    sender, receiver = anyio.create_memory_object_stream[dict[str, Any] | None](16)

    def write() -> None:
        try:
            for chunk in answers.chunks():
                from_thread.run(sender.send, chunk)
            if with_usage:
                from_thread.run(sender.send, answers.chunk(usage=answers.usage()))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # the client has gone
        except Exception as error:
            from_thread.run(sender.send, error_of(error)[1])
        from_thread.run(sender.send, None)

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(to_thread.run_sync, write, limiter=threads))
            async with receiver:
                async for chunk in receiver:
                    if chunk is None:
                        break
                    yield f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
            yield "data: [DONE]\n\n"
    finally:
        answers.give_up()


async def _give_up_when_gone(request: Request, answers: _Answers) -> None:
    """Stop the answers when their client closes the connection."""
    while not await request.is_disconnected():
        await anyio.sleep(0.5)
    answers.give_up()


def refusal(error: BaseException) -> Response:
    """The response for an error."""
    status, told = error_of(error)
    return JSONResponse(told, status)


def error_of(error: BaseException) -> tuple[int, dict[str, Any]]:
    """Status and JSON of an error: what a caller can mend is 400, the rest 500."""
    count_error(error)
    sentence = sentence_of(error)
    if isinstance(error, InputError):
        return 400, _error_json(str(sentence), "invalid_request_error", error.code)
    if sentence is None:
        log.error("unexpected error in a completion", exc_info=error)
    code = error.code if isinstance(error, OspreyError) else "internal_error"
    return 500, _error_json(sentence or text("page.unexpected"), "server_error", code)


def error_response(status: int, sentence: str, code: str, param: str | None = None, retry: bool = False) -> Response:
    """An error that is told without an exception."""
    kind = "invalid_request_error" if status < 500 and status != 429 else "server_error"
    headers = {"Retry-After": str(RETRY_SECONDS)} if retry else None
    return JSONResponse(_error_json(sentence, kind, code, param), status, headers)


def _error_json(sentence: str, kind: str, code: str, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": sentence, "type": kind, "param": param, "code": code}}
