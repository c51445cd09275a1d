"""`python -m benchmarks.soak`: hundreds of pictures, one after the other, and what memory the server takes meanwhile.

Each picture is another person's: opened, marked, asked about once, every tenth also exported.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.people import QUESTIONS, Person, Server, connections, pictures, served


def main(argv: Sequence[str]) -> int:
    """Run, print the curve, write JSON. Returns 1 if memory grew more than allowed."""
    options = _parser().parse_args(list(argv))
    with served(options.address, options.app) as server:
        curve, took = asyncio.run(soaked(server, options.pictures, options.every, options.side))
    early = next((megabytes for count, megabytes in curve if count >= options.compared_with), None)
    last = curve[-1][1]
    growth = None if not early or last is None else round(last / early, 3)
    report = {"seconds": round(took, 1), "side": options.side, "curve": curve, "growth": growth}
    if options.out is not None:
        options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({"pictures": options.pictures, "compared with": options.compared_with, "growth": growth}))
    return int(growth is not None and growth > options.allowed)


async def soaked(server: Server, count: int, every: int, side: int) -> tuple[list[tuple[int, float | None]], float]:
    """(pictures so far, megabytes) every so many pictures, and the seconds that all took."""
    curve, begun = list[tuple[int, float | None]](), time.monotonic()
    async with connections(1) as http:
        for place in range(count):
            person = Person(http, server.address)
            (file,) = pictures(1, side, first=place)
            await person.mark(*await person.open(file))
            await person.ask(QUESTIONS[place % len(QUESTIONS)])
            if place % 10 == 9:
                await person.call("export")
            if (place + 1) % every == 0 or place + 1 == count:
                curve.append((place + 1, server.resident_mb()))
                print(f"{place + 1:6d} pictures {curve[-1][1] or 0:8.0f} MB", flush=True)
    return curve, time.monotonic() - begun


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--every", type=int, default=25, help="pictures between two looks at the memory")
    parser.add_argument("--side", type=int, default=1024, help="longest side of the pictures, 1024 by default")
    parser.add_argument("--compared-with", type=int, default=100, help="pictures after which growth is counted")
    parser.add_argument("--allowed", type=float, default=1.3, help="growth that is allowed, 1.3 times by default")
    parser.add_argument("--address", help="of a page that is served already; its memory is not measured")
    parser.add_argument("--out", type=Path, help="file for the curve as JSON")
    parser.add_argument(
        "--app", nargs=argparse.REMAINDER, default=[], help="arguments of app.py, the last of all options"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
