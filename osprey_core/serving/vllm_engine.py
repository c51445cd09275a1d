"""vLLM in this process as the language engine: continuous batching, paged keys and values, its own prefix cache.

vLLM gets prompts as embeddings. It runs on an event loop in a thread of its own; its weights are in a process of its
own. Importing this module does not import vLLM.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import queue
import threading
import uuid
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import torch

from osprey_core.errors import CheckpointError, InputError, OspreyError
from osprey_core.language.embedded_question import EmbeddedQuestion
from osprey_core.serving.pumped import LOOK_SECONDS

log = logging.getLogger(__name__)

END_SECONDS = 3.0
"""How long vLLM's processes may take to end before they are killed: they keep nothing, and whoever ends this program
may kill it after ten seconds, with vLLM's processes still there."""
CANCEL_SECONDS = 2.0
"""How long vLLM may take to let go of an answer."""


class VLLMEngine:
    """A `LanguageEngine` over vLLM's AsyncLLM.

    Args:
        folder: a plain LLaMA, as `export_language_model` writes it.
        options: further arguments of vLLM's AsyncEngineArgs, such as gpu_memory_utilization.

    Raises InputError if vLLM is not installed, OspreyError if it does not start.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        require_vllm()
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        arguments = {
            "model": str(folder),
            "skip_tokenizer_init": True,
            "enable_prompt_embeds": True,
            "enable_prefix_caching": True,
            "enforce_eager": not torch.cuda.is_available(),  # compiling pays on a GPU
            **options,
        }
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="vLLM", daemon=True)
        self._thread.start()

        async def start() -> Any:
            return AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))

        try:
            self._llm: Any = self._run(start())
        except Exception as error:
            self._end_loop()
            log.error("vLLM does not start", exc_info=error)
            raise OspreyError("serving.vllm_failed", reason=type(error).__name__) from error

    def decode(
        self,
        question: EmbeddedQuestion,
        beginning: Callable[[], torch.Tensor],
        should_stop: Callable[[], bool] | None = None,
    ) -> Generator[int]:
        """See `LanguageEngine.decode`."""
        prompt = whole_prompt(question, beginning)
        self._check_open()
        arrived: queue.SimpleQueue[list[int] | BaseException | None] = queue.SimpleQueue()
        name = uuid.uuid4().hex
        writing = asyncio.run_coroutine_threadsafe(self._write(prompt, question, name, arrived), self._loop)
        is_whole = False
        try:
            while should_stop is None or not should_stop():
                try:
                    new = arrived.get(timeout=LOOK_SECONDS)
                except queue.Empty:
                    self._check_open()
                    continue
                if new is None:
                    is_whole = True
                    return
                if isinstance(new, BaseException):
                    is_whole = True
                    raise OspreyError("serving.vllm_failed", reason=type(new).__name__) from new
                yield from new
        finally:
            if not is_whole:
                with contextlib.suppress(Exception):
                    self._run(self._llm.abort(name), CANCEL_SECONDS)  # a loop that has ended never answers
                writing.cancel()

    @property
    def is_dead(self) -> bool:
        """Whether vLLM's process has ended by itself, so that no answer can come any more."""
        llm = self._llm
        return llm is not None and bool(llm.errored)

    def close(self) -> None:
        """End vLLM's processes, and answers that are under way with an error."""
        llm, self._llm = self._llm, None  # kept until the interpreter ends, it would end itself once more, and fail
        if llm is not None:
            # vLLM's own tasks would take the end of its processes for a failure, and log it.
            with contextlib.suppress(Exception):
                self._run(_cancel_tasks(), CANCEL_SECONDS)
            try:
                llm.shutdown(timeout=END_SECONDS)
            finally:
                self._end_loop()

    async def _write(
        self, prompt: torch.Tensor, question: EmbeddedQuestion, name: str, arrived: queue.SimpleQueue[Any]
    ) -> None:
        """Put the tokens of an answer into `arrived`, then None or the error."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        settings = question.settings
        parameters = SamplingParams(
            temperature=settings.temperature,
            top_p=settings.top_p,
            max_tokens=settings.max_new_tokens,
            seed=None if settings.seed is None else settings.seed % 2**63,
            stop_token_ids=sorted(question.ends),
            detokenize=False,
            output_kind=RequestOutputKind.DELTA,
        )
        last, reason, count = None, None, 0
        try:
            async for output in self._llm.generate({"prompt_embeds": prompt}, parameters, name):
                answer = output.outputs[0]
                tokens = list(answer.token_ids)
                last, reason, count = (tokens or [last])[-1], answer.finish_reason, count + len(tokens)
                arrived.put(tokens)
            end = the_end(reason, last, count, question)
            if end:
                arrived.put(end)
            arrived.put(None)
        except BaseException as error:
            arrived.put(error)
            if not isinstance(error, Exception):
                raise

    def _run(self, work: Coroutine[Any, Any, Any], seconds: float | None = None) -> Any:
        """What the work gives, on the loop. Raises TimeoutError after so many seconds."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def _check_open(self) -> None:
        """Raise OspreyError after `close`: nobody runs the loop any more, and no answer would come."""
        if self._llm is None:
            raise OspreyError("serving.vllm_failed", reason="closed")

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def __del__(self) -> None:
        # Serve's multiplexing drops a model without a word.
        if getattr(self, "_llm", None) is not None:
            with contextlib.suppress(Exception):
                self.close()


async def _cancel_tasks() -> None:
    """Cancel all other tasks of the running loop, and wait for their ends."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def require_vllm() -> None:
    """Raise InputError unless vLLM is installed."""
    if importlib.util.find_spec("vllm") is None:
        raise InputError("serving.vllm_missing")


def whole_prompt(question: EmbeddedQuestion, beginning: Callable[[], torch.Tensor]) -> torch.Tensor:
    """(P + T, D) on the CPU. Raises CheckpointError for values that are not finite, which vLLM answers with silence."""
    prompt = torch.cat([beginning().detach().cpu(), question.embeds.detach().cpu()]).clone()
    if not bool(torch.isfinite(prompt).all()):
        raise CheckpointError("generation.logits_not_finite")
    return prompt


def the_end(reason: str | None, last: int | None, count: int, question: EmbeddedQuestion) -> list[int]:
    """The id that ends an answer, where vLLM has left it out.

    Raises CheckpointError for an answer without a single token: so vLLM shows logits that are not finite.
    """
    if not count and reason != "stop":
        raise CheckpointError("generation.logits_not_finite")
    return [min(question.ends)] if reason == "stop" and last not in question.ends else []
