"""`python -m benchmarks.load`: people who open a picture, mark and ask, all at the same time, over HTTP.

Afterwards everything is asked again by one person after the other: the answers must be the same, word for word.

python -m benchmarks.load --people 1 5 20                 starts the page by itself
python -m benchmarks.load --people 20 --think 5           who think so many seconds before each question
python -m benchmarks.load --people 5 --heavy 3            beside three who have everything described, again and again
python -m benchmarks.load --people 16 --one-at-a-time     and once more by a server that answers one after another
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx

from benchmarks.people import QUESTIONS, ROOT, Person, RefusedError, Server, connections, percentile, pictures, served


@dataclass
class Round:
    """What one number of people found."""

    people: int
    heavy: int = 0
    think_seconds: float = 0.0
    one_at_a_time: bool = False
    """Whether the server answered one after another."""
    answers: int = 0
    answers_per_second: float = 0.0
    p50_seconds: float = 0.0
    p95_seconds: float = 0.0
    longest_seconds: float = 0.0
    first_answer_p95_seconds: float = 0.0
    """From the upload until the first answer, with what was thought: the picture is encoded in between."""
    stroke_p95_seconds: float = 0.0
    """Of a brush stroke before each question."""
    refused: list[str] = field(default_factory=list)
    """Sentences of calls that were refused."""
    wrong: int | None = None
    """Answers that differ from those that one person alone gets; None if that was not looked at."""
    cpu_seconds_per_answer: float | None = None
    """Of the server, with opening and marking. Unlike the times above, it does not depend on what else the cores do."""
    client_seconds_per_answer: float = 0.0
    """Of the processor for this program, which runs on the same cores as the server unless that is elsewhere."""
    resident_mb: float | None = None
    peak_mb: float | None = None


def main(argv: Sequence[str]) -> int:
    """Run all rounds, print them as a table, and write JSON. Returns 1 if any answer was wrong or refused."""
    parser = _parser()
    options = parser.parse_args(list(argv))
    if options.one_at_a_time and options.address is not None:
        parser.error("--one-at-a-time starts servers by itself; leave out --address")
    rounds, slow_rounds = list[Round](), list[Round]()
    for one_at_a_time, kept in ((False, rounds), *([(True, slow_rounds)] if options.one_at_a_time else [])):
        arguments = [*options.app, *(["--answers-together", "1"] if one_at_a_time else [])]
        with served(options.address, arguments, options.program) as server:
            for people in options.people:
                found = asyncio.run(
                    measured(
                        server,
                        people,
                        options.questions,
                        options.heavy,
                        options.side,
                        options.think,
                        options.reference,
                    )
                )
                found.one_at_a_time = one_at_a_time
                kept.append(found)
                print(row_of(found), flush=True)
    for found, slow in zip(rounds, slow_rounds, strict=False):
        print(compared(found, slow))
    rounds += slow_rounds
    report = {"cores": os.cpu_count(), "side": options.side, "rounds": [asdict(found) for found in rounds]}
    if options.out is not None:
        options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({found.people: round(found.p95_seconds, 2) for found in rounds if not found.one_at_a_time}))
    return int(any(found.wrong or found.refused for found in rounds))


def compared(found: Round, slow: Round) -> str:
    """How many times the answers a second of `slow`, the same people at a server that answers one after another."""
    if not slow.answers_per_second:
        return f"{found.people} people: one after another gave no answer to compare with"
    ratio = found.answers_per_second / slow.answers_per_second
    return f"{found.people} people: {ratio:.2f} times the answers a second of one after another"


async def measured(
    server: Server,
    people: int,
    questions: int,
    heavy: int,
    side: int,
    think_seconds: float = 0.0,
    with_reference: bool = True,
) -> Round:
    """One round: all people at once, then, unless it is left out, the serial reference.

    think_seconds: how long each of them waits before opening the picture and before each question, half to one and a
    half times as long by chance, but the same in every run; 0 for people who do everything at once.
    """
    files = pictures(people + heavy, side)
    found = Round(people, heavy, think_seconds)
    seconds, first, strokes = list[float](), list[float](), list[float]()
    async with connections(people + heavy) as http:
        loads = [
            asyncio.create_task(_describe_again_and_again(Person(http, server.address), f)) for f in files[people:]
        ]
        if loads:
            await asyncio.sleep(2)
        begun, cpu_before, own_before = time.monotonic(), server.cpu_seconds(), time.process_time()
        given = await asyncio.gather(
            *(
                _visit(
                    Person(http, server.address),
                    file,
                    questions,
                    found,
                    seconds,
                    first,
                    strokes,
                    Pauses(think_seconds, n),
                )
                for n, file in enumerate(files[:people])
            )
        )
        took, cpu_after, own_after = time.monotonic() - begun, server.cpu_seconds(), time.process_time()
        for load in loads:
            load.cancel()
        await asyncio.gather(*loads, return_exceptions=True)
        found.resident_mb, found.peak_mb = server.resident_mb(), server.peak_mb()
        if with_reference:
            found.wrong = await _wrong(server, http, files[:people], given, questions)
    found.answers = len(seconds)
    found.client_seconds_per_answer = (own_after - own_before) / max(1, len(seconds))
    if cpu_before is not None and cpu_after is not None and seconds:
        found.cpu_seconds_per_answer = (cpu_after - cpu_before) / len(seconds)
    found.answers_per_second = len(seconds) / took
    found.p50_seconds, found.p95_seconds = percentile(seconds, 0.5), percentile(seconds, 0.95)
    found.longest_seconds = max(seconds, default=0.0)
    found.first_answer_p95_seconds, found.stroke_p95_seconds = percentile(first, 0.95), percentile(strokes, 0.95)
    return found


async def _wrong(
    server: Server,
    http: httpx.AsyncClient,
    files: Sequence[bytes],
    given: Sequence[Sequence[str | None]],
    questions: int,
) -> int:
    """How many answers differ from those that each person gets alone."""
    wrong = 0
    for file, answers in zip(files, given, strict=True):
        expected = await _visit(Person(http, server.address), file, questions, Round(1), [], [], [])
        wrong += sum(one != other for one, other in zip(answers, expected, strict=False) if one is not None)
    return wrong


class Pauses:
    """What one person thinks, in seconds; always the same for the same person."""

    def __init__(self, seconds: float, person: int) -> None:
        self._seconds, self._chance = seconds, random.Random(person)

    async def think(self) -> None:
        await asyncio.sleep(self._seconds * self._chance.uniform(0.5, 1.5))


async def _visit(
    person: Person,
    file: bytes,
    questions: int,
    found: Round,
    seconds: list[float],
    first: list[float],
    strokes: list[float],
    pauses: Pauses | None = None,
) -> list[str | None]:
    """Open, mark, and ask; the answers, None where one was refused."""
    answers = list[str | None]()
    pauses = pauses or Pauses(0.0, 0)
    await pauses.think()
    arrived = time.monotonic()
    try:
        width, height = await person.open(file)
        await person.mark(width, height)
        for place in range(questions):
            await pauses.think()
            begun = time.monotonic()
            await person.call("segment_brush", [[width / 2, height / 2], [width / 3, height / 2]], 4, "add", False)
            strokes.append(time.monotonic() - begun)
            begun = time.monotonic()
            answers.append(await person.ask(QUESTIONS[place % len(QUESTIONS)]))
            seconds.append(time.monotonic() - begun)
            if place == 0:
                first.append(time.monotonic() - arrived)
    except RefusedError as error:
        found.refused.append(str(error)[:200])
        answers.append(None)
    return answers


async def _describe_again_and_again(person: Person, file: bytes) -> None:
    await person.open(file)
    while True:
        await person.call("describe_everything", "detailed")


def row_of(found: Round) -> str:
    """One round as a row of docs/load.md."""
    cpu = "" if found.cpu_seconds_per_answer is None else f"{found.cpu_seconds_per_answer:.2f} s"
    memory = "" if found.resident_mb is None else f"{found.resident_mb:.0f} MB"
    return (
        f"| {found.people} | {found.heavy} | {found.answers_per_second:.1f} | {found.p50_seconds:.2f} s | "
        f"{found.p95_seconds:.2f} s | {found.first_answer_p95_seconds:.2f} s | {found.stroke_p95_seconds:.2f} s | "
        f"{cpu} | {found.client_seconds_per_answer:.3f} s | {memory} | {'' if found.wrong is None else found.wrong} | "
        f"{len(found.refused)} |"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, nargs="+", default=[1, 5, 20], help="numbers of people, a round each")
    parser.add_argument("--questions", type=int, default=5, help="of each person, 5 by default")
    parser.add_argument("--heavy", type=int, default=0, help="people who have everything described meanwhile")
    parser.add_argument("--think", type=float, default=0.0, help="seconds before each question, 0 by default")
    parser.add_argument(
        "--one-at-a-time",
        action="store_true",
        help="afterwards the same people at a server that answers one after another, and how many times as many "
        "answers a second that is",
    )
    parser.add_argument(
        "--no-reference",
        dest="reference",
        action="store_false",
        help="do not compare the answers with those that one person alone gets",
    )
    parser.add_argument("--side", type=int, default=1024, help="longest side of the pictures, 1024 by default")
    parser.add_argument("--address", help="of a page that is served already; its memory is not measured")
    parser.add_argument(
        "--program", type=Path, default=ROOT, help="folder of the app.py to measure; this one by default"
    )
    parser.add_argument("--out", type=Path, help="file for the figures as JSON")
    parser.add_argument(
        "--app", nargs=argparse.REMAINDER, default=[], help="arguments of app.py, the last of all options"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
