"""Run by the interpreter that has vLLM: answers saved questions in process, all at once and then one by one again.

python -m tests.osprey_core.serving.vllm_program FOLDER QUESTIONS.pt ANSWERS.json
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from osprey_core.errors import OspreyError
from osprey_core.serving.vllm_engine import VLLMEngine


def main(folder: Path, questions: Path, answers: Path) -> None:
    """Write {"together", "alone": ids of each answer, "first_seconds", "start_seconds", "nan", "stopped"}."""
    asked: list[tuple[Any, torch.Tensor]] = torch.load(questions, weights_only=False)
    began = time.perf_counter()
    engine = VLLMEngine(folder, dtype="float32", seed=0)
    told: dict[str, Any] = {"start_seconds": time.perf_counter() - began, "first_seconds": []}
    with ThreadPoolExecutor(len(asked)) as threads:
        told["together"] = list(threads.map(lambda pair: list(engine.decode(pair[0], lambda: pair[1])), asked))
    told["alone"] = []
    for question, beginning in asked:
        began = time.perf_counter()
        tokens = engine.decode(question, lambda beginning=beginning: beginning)  # type: ignore[misc]
        ids = [next(tokens)]
        told["first_seconds"].append(time.perf_counter() - began)
        told["alone"].append([*ids, *tokens])
    question, beginning = asked[0]
    try:
        list(engine.decode(question, lambda: beginning * float("nan")))
    except OspreyError as error:
        told["nan"] = error.code
    given: list[int] = []
    for token in engine.decode(question, lambda: beginning, lambda: len(given) >= 2):
        given.append(token)
    told["stopped"] = given
    engine.close()
    answers.write_text(json.dumps(told))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
