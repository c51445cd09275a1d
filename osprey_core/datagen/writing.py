"""Has all tasks of a kind written, several at a time, and counts what became of them.

A reply with faults is sent back once with what is wrong; what still has a fault is left out and counted by its reason.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

from osprey_core.backends.completions import Completion, Retries
from osprey_core.datagen.writer import Writer
from osprey_core.datagen.writer_tasks import KINDS, WriterTask
from osprey_core.errors import InputError

CHARACTERS_PER_TOKEN = 3.5
"""Of English with figures in between; a guess, for the estimate of costs alone."""
REPAIRED_SHARE = 0.1
"""A guess of how many replies have to be repaired, for the estimate of costs alone."""
FAILURES_IN_A_ROW = 8
"""After so many failed requests without a reply between them the endpoint is taken to be out of order."""

_FATAL = frozenset({"openai_model.key_refused", "file.unwritable"})


@dataclass(frozen=True)
class Price:
    """Money for a million tokens that are read, and that are written."""

    read: float
    written: float

    def of(self, prompt_tokens: float, new_tokens: float) -> float:
        """What so many tokens cost."""
        return (prompt_tokens * self.read + new_tokens * self.written) / 1e6


@dataclass(frozen=True)
class Estimate:
    """What is still to be asked, and about how many tokens that takes."""

    requests: int
    """First requests without a reply, and repairs of kept replies that have faults."""
    kept: int
    """First requests whose replies are kept from before."""
    prompt_tokens: int
    new_tokens: int


def estimate(tasks: Sequence[WriterTask], writer: Writer) -> Estimate:
    """Count what is not yet known; tokens are guessed by the length of texts, with some new replies repaired."""
    seen: set[str] = set()
    characters = new_tokens = requests = kept = 0
    for task in tasks:
        messages = task.messages()
        if messages[-1]["content"] in seen:
            continue
        seen.add(messages[-1]["content"])
        reply = writer.kept(messages)
        if reply is not None:
            kept += 1
            faults = task.read(reply).faults
            messages = task.repair(reply, faults)
            if not faults or writer.kept(messages) is not None:
                continue
        requests += 1
        characters += sum(len(message["content"]) for message in messages)
        new_tokens += KINDS[task.kind].new_tokens * len(task.picture.regions)
    again = 1 + REPAIRED_SHARE
    prompt_tokens = again * characters / CHARACTERS_PER_TOKEN + REPAIRED_SHARE * new_tokens
    return Estimate(requests, kept, round(prompt_tokens), round(again * new_tokens))


@dataclass(frozen=True)
class Written:
    """What became of one task."""

    record: dict[str, Any] | None = None
    left_out: tuple[str, ...] = ()
    """A reason for everything that cannot be used."""
    repair: str = ""
    """"" where none was needed; else whether the second reply was "whole", "better" or "no better"."""
    failure: InputError | None = None
    """Why there is no reply."""


class StoppedError(Exception):
    """The run has ended; nothing is asked again."""


def write_task(task: WriterTask, writer: Writer, stop: threading.Event) -> Written:
    """Ask, have the reply repaired where it has faults and `stop` is not set, and make the record.

    Raises InputError where the endpoint refuses the key, or a reply cannot be kept, and StoppedError.
    """
    try:
        reply = writer.reply(task.messages())
        reading, repair = task.read(reply), ""
        if reading.faults:
            if stop.is_set():
                raise StoppedError
            second = task.read(writer.reply(task.repair(reply, reading.faults)))
            is_better = (len(second), -len(second.faults)) > (len(reading), -len(reading.faults))
            repair = "whole" if not second.faults else "better" if is_better else "no better"
            if is_better or not second.faults:
                reading = second
    except InputError as error:
        if error.code in _FATAL:
            raise
        return Written(failure=error)
    return Written(task.record(reading), tuple(fault.reason for fault in reading.faults), repair)


def write_all(
    tasks: Sequence[WriterTask], writer: Writer, concurrency: int, stop: threading.Event
) -> Generator[tuple[int, Written], None, None]:
    """(place of the task, what became of it), in the order in which they are done; at most so many at a time.

    When the iteration ends early, requests under way are finished and kept, and `stop` is set.

    Raises InputError where the endpoint refuses the key or only fails, or a reply cannot be kept.
    """
    pending = iter(enumerate(tasks))
    under_way: dict[Future[Written], int] = {}
    failures = 0
    with ThreadPoolExecutor(concurrency, "writer") as pool:
        try:
            while True:
                for place, task in pending:
                    under_way[pool.submit(write_task, task, writer, stop)] = place
                    if len(under_way) >= concurrency:
                        break
                if not under_way:
                    return
                for done in wait(under_way, return_when=FIRST_COMPLETED).done:
                    place, written = under_way.pop(done), done.result()
                    failures = failures + 1 if written.failure is not None else 0
                    if written.failure is not None and failures >= FAILURES_IN_A_ROW:
                        raise written.failure
                    yield place, written
        finally:
            stop.set()


def patient(stop: threading.Event, count: int, first_wait: float) -> Retries:
    """Retries whose waits end when `stop` is set."""

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise StoppedError

    return Retries(count, first_wait, sleep=sleep)


@dataclass
class Report:
    """Statistics of a run, added to task by task."""

    kind: str
    left_out: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, written: Written) -> None:
        """Count what became of a task."""
        self.left_out.update(written.left_out)
        if written.repair:
            self.repairs[written.repair] += 1
        if written.failure is not None:
            self.failures[str(written.failure)] += 1

    def statistics(
        self, records: Sequence[dict[str, Any]], sent: Sequence[Completion], price: Price | None
    ) -> dict[str, Any]:
        """All counts by name, and what the requests of this run cost where the price is known."""
        told = [text for record in records for text in _told(record)]
        prompt_tokens = sum(completion.prompt_tokens for completion in sent)
        new_tokens = sum(completion.new_tokens for completion in sent)
        return {
            "kind": self.kind,
            "records": len(records),
            "pictures": len({record["file_name"] for record in records}),
            "regions": sum(len(record["annotation"]) for record in records),
            "descriptions" if self.kind == "description" else "questions": len(told),
            "words of a text": round(mean(len(text.split()) for text in told), 1) if told else 0,
            "left out": dict(sorted(self.left_out.items())),
            "repaired": dict(sorted(self.repairs.items())),
            "failed requests": dict(sorted(self.failures.items())),
            "requests": len(sent),
            "prompt tokens": prompt_tokens,
            "new tokens": new_tokens,
            **({"cost": round(price.of(prompt_tokens, new_tokens), 4)} if price is not None else {}),
            "published": KINDS[self.kind].published,
        }


def _told(record: dict[str, Any]) -> list[str]:
    """The texts that the writer made for a record: descriptions, or answers."""
    if "description" in record:
        return [text.split(": ", 1)[1] for text in record["description"]]
    return [said["value"] for said in record["conversations"] if said["from"] == "gpt"]
