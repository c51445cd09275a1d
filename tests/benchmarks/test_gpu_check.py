"""The GPU check runs through on a tiny model; sections that fail, hang or are left out cost the others nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from benchmarks.gpu_check.__main__ import NO_CUDA, SECTIONS, TINY_SECTIONS
from benchmarks.gpu_check.findings import Findings
from benchmarks.gpu_check.networks import config_of, copy_to, seeded_model, word_per_id
from benchmarks.gpu_check.runner import ROOT, Section, run_sections
from benchmarks.gpu_check.sections import SECTIONS as MEASURES
from benchmarks.gpu_check.setting import Setting
from benchmarks.measures import picture, question, region

WRITE = "import json, sys; json.dump({'results': {'figure': 1}, 'errors': {}}, open(sys.argv[1], 'w'))"


def scripts(**code: str) -> Callable[[str, Path], list[str]]:
    return lambda name, path: [sys.executable, "-c", code[name], str(path)]


@pytest.mark.slow
def test_a_tiny_run_prints_what_it_writes(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    words = [sys.executable, "-m", "benchmarks.gpu_check", "--device", "cpu", "--tiny", "--seconds", "900"]
    words += ["--only", "bfloat16", "--only", "parity", "--out", str(out)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout.strip().splitlines()[-1])
    assert report == json.loads(out.read_text(encoding="utf-8"))
    assert [entry["state"] for entry in report.values()] == ["measured", "measured"]
    answers = report["bfloat16"]["results"]
    assert answers["answer"]["tokens_per_s"] > 0
    assert answers["2 regions described"]["regions_per_s"] > 0
    same = report["parity"]["results"]
    assert same["logits_agree"]
    assert same["same_greedy_answer"]
    assert same["same_answer_without_caches"]
    assert same["same_answers_together"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TINY_SECTIONS if name not in ("bfloat16", "parity")])
def test_every_other_section_runs_through(name: str) -> None:
    if name == "sam":
        pytest.importorskip("segment_anything")
    findings = Findings()
    MEASURES[name](Setting(torch.device("cpu"), tiny=True), findings)
    assert not findings.errors
    if name == "graphs":
        assert findings.results["same_greedy_answers"]
        assert findings.results["recorded"] > 0
        assert findings.results["recorded in bfloat16"] > 0
    if name == "embedded":
        assert findings.results["overlap of clicked masks with the CPU's"] == [1.0]
        (named,) = findings.results["float32: names as on the CPU"]
        assert named["CPU"] == named["card"]
        assert named["confidence_difference"] == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_cuda_it_is_refused_with_a_sentence() -> None:
    words = [sys.executable, "-m", "benchmarks.gpu_check"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == NO_CUDA
    assert not done.stdout


def test_every_section_has_a_measure_and_a_limit() -> None:
    assert [section.name for section in SECTIONS] == list(MEASURES)
    assert all(section.seconds <= 60 for section in SECTIONS)


def test_sections_that_fail_or_hang_cost_the_others_nothing(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    command = scripts(
        crashes="import os; print('the driver is gone', flush=True); os.abort()",
        hangs=f"{WRITE}\nimport time; time.sleep(60)",
        reports="import json, sys; json.dump({'results': {}, 'errors': {'part': 'why'}}, open(sys.argv[1], 'w'))",
        works=WRITE,
    )
    wanted = [Section("crashes", 20), Section("hangs", 2), Section("reports", 20), Section("works", 20)]
    wanted.insert(2, Section("lacks", 20, ("no_such_module",)))
    found = run_sections(wanted, command, 100, out)
    assert {name: entry["state"] for name, entry in found.items()} == {
        "crashes": "failed",
        "hangs": "stopped",
        "lacks": "skipped",
        "reports": "failed",
        "works": "measured",
    }
    assert "the driver is gone" in found["crashes"]["output"]
    assert found["hangs"]["results"] == {"figure": 1}  # what was found before it hung
    assert found["hangs"]["reason"] == "stopped after 2 seconds"
    assert found["lacks"]["reason"] == "not installed: no_such_module"
    assert found["reports"]["errors"] == {"part": "why"}
    assert json.loads(out.read_text(encoding="utf-8")) == found


def test_findings_are_written_after_every_section(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    look = f"{WRITE}\nassert 'first' in json.load(open({str(out)!r}))"
    found = run_sections([Section("first", 20), Section("second", 20)], scripts(first=WRITE, second=look), 100, out)
    assert found["second"]["state"] == "measured"


def test_what_does_not_fit_into_the_time_is_left_out() -> None:
    found = run_sections([Section("late", 20)], scripts(late=WRITE), 3)
    assert found["late"] == {"state": "skipped", "reason": "of 3 seconds 3 were left"}


def test_a_part_that_fails_is_kept_with_its_error(tmp_path: Path) -> None:
    findings = Findings(tmp_path / "findings.json")
    findings.add("before", 1)
    findings.measure("broken", lambda: 1 / 0)
    findings.measure("after", lambda: 2)
    kept = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    assert kept["results"] == {"before": 1, "after": 2}
    assert "ZeroDivisionError" in kept["errors"]["broken"]


def test_weights_depend_on_the_seed_alone_and_copies_are_equal() -> None:
    cpu = torch.device("cpu")
    first, again, other = (seeded_model(config_of(1, True), cpu, torch.float32, seed) for seed in (0, 0, 1))
    pairs = zip(first.network.parameters(), again.network.parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)
    assert not torch.equal(first.network.llm.lm_head.weight, other.network.llm.lm_head.weight)
    copied = copy_to(first, cpu)
    answers = [
        model.open(picture()).ask(question(1), [region(0)], max_new_tokens=8) for model in (first, copied, other)
    ]
    assert answers[0] == answers[1] != answers[2]


def test_the_published_shapes_are_osprey_7b() -> None:
    """6.74 billion parameters of LLaMA-7b, 196 million of ConvNeXt-L."""
    with torch.device("meta"):
        from osprey_core.model import build_network

        network = build_network(config_of(32, False))
    count = sum(parameter.numel() for parameter in network.llm.parameters())
    assert 6.73e9 < count < 6.75e9
    assert 195e6 < sum(parameter.numel() for parameter in network.vision_tower.parameters()) < 198e6


def test_equal_texts_are_equal_ids() -> None:
    tokenizer = word_per_id(3000)
    assert tokenizer.vocab_size == 3000
    texts = [tokenizer.decode([place]) for place in range(2048, 3000)]
    assert len(set(texts)) == len(texts)
