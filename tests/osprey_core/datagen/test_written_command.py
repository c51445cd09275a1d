"""The whole way, against a stand-in for an endpoint: annotations in, records out that a model learns from."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import re
import shlex
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from osprey_core.backends.openai_model import OpenAIEndpoint, OpenAIModel
from osprey_core.datagen import written_command
from osprey_core.datagen.__main__ import command_parser, main
from osprey_core.datagen.annotation_files import read_pictures
from osprey_core.datagen.writer import Writer
from osprey_core.datagen.writer_tasks import KINDS, tasks_of
from osprey_core.datagen.writing import FAILURES_IN_A_ROW, StoppedError, patient, write_task
from osprey_core.language.sampling import SamplingSettings
from osprey_core.training.__main__ import main as train
from osprey_core.training.records.record_files import load_records
from tests.osprey_core.backends.endpoint import StandIn, stand_in
from tests.osprey_core.datagen.annotation_layouts import INSTANCES, annotation, write_sources
from tests.osprey_core.evaluation.papers.benchmark_files import write

ANSWERS = {"black and white": "White and black", "ceramic": "Ceramic", "inner body": "Inner body", "ear": "Ear"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return write_sources(tmp_path)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Retries wait for milliseconds; what the command tells is caught."""
    caplog.set_level("INFO")
    monkeypatch.setattr(written_command, "patient", lambda stop, count, first: patient(stop, count, first / 1000))


def words(kind: str, files: dict[str, Path], server: StandIn, out: Path, *more: Any) -> list[str]:
    if KINDS[kind].of_parts:
        sources: list[Any] = ["--paco", files["paco"]]
    else:
        sources = ["--regions", files["refcoco"], files["with_mask"], "--captions", files["llava"], files["captions"]]
    if kind == "description":
        sources += ["--things", files["things"]]
    given = [kind, *sources, "--writer", f"openai:{server.address}#writer", "--out", out, "--yes", *more]
    return [str(word) for word in given]


def shown(request: dict[str, Any]) -> str:
    """What a request shows of its picture, as in its fourth message."""
    return str(request["messages"][3]["content"])


def is_repair(request: dict[str, Any]) -> bool:
    return len(request["messages"]) > 4


def obliging(request: dict[str, Any]) -> str:
    """A writer that does as it is told, with the words of the notes."""
    lines = {int(number): line for number, line in re.findall(r"<region(\d+)>(.*)", shown(request))}
    if '"descriptions"' in request["messages"][0]["content"]:
        texts = [{"region": number, "text": f"It is number {'one' * number}."} for number in lines]
        return json.dumps({"descriptions": texts})
    answers = {n: next((a for key, a in ANSWERS.items() if key in line), "A thing") for n, line in lines.items()}
    pairs = [{"question": f"What is to be said of <region{n}>?", "answer": answer} for n, answer in answers.items()]
    return json.dumps({"dialogue": pairs})


def read(out: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    statistics = out.with_name(out.name + ".statistics.json")
    return json.loads(out.read_text("utf-8")), json.loads(statistics.read_text("utf-8"))


def test_every_kind_is_written_and_nano_learns_from_it(files: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "records"
    outs = []
    with stand_in(reply=obliging) as server:
        for kind, what in KINDS.items():
            outs.append(folder / what.file)
            assert main(words(kind, files, server, outs[-1], "--price", 1000, 10_000)) == 0
            records, statistics = read(outs[-1])
            assert len(records) == statistics["records"] == statistics["pictures"] == statistics["requests"]
            assert statistics["left out"] == statistics["repaired"] == statistics["failed requests"] == {}
            assert statistics["published"] == what.published
            # The stand-in counts 99 tokens read and 7 written for each request.
            assert statistics["prompt tokens"] == 99 * len(records)
            assert statistics["cost"] == pytest.approx(len(records) * (99 * 1000 + 7 * 10_000) / 1e6)
        assert all(request["stream_options"] == {"include_usage": True} for request in server.asked)
    descriptions, conversations, _, categories, attributes = (read(out)[0] for out in outs)
    assert descriptions[0]["description"] == ["<region1>: It is number one.", "<region2>: It is number oneone."]
    assert [entry["bbox"] for entry in conversations[0]["annotation"]] == [[6, 4, 30, 20], [40, 8, 15, 28]]
    assert conversations[0]["annotation"][0]["segmentation"] == INSTANCES["annotations"][0]["segmentation"]
    assert [said["value"] for said in conversations[1]["conversations"]] == [
        "What is to be said of <region1>?",
        "A thing",
    ]
    assert [record["conversations"][1]["value"] for record in categories] == ["Inner body", "Ear"]
    assert [said["value"] for said in attributes[0]["conversations"][1::2]] == ["White and black", "Ceramic"]
    stage = {"name": "talk", "trains": ["llm"], "learning_rate": 1e-3, "batch_size": 2, "steps": 3}
    recipe = write(tmp_path / "recipe.json", {"stages": [stage]})
    run = ["--out", tmp_path / "run", "--device", "cpu", "--workers", 0, "--start", "nano", "--records", *outs]
    assert train([str(word) for word in [*run, "--pictures", tmp_path / "pictures", "--recipe", recipe]]) == 0
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert {entry["stage"] for entry in log} == {"talk"}
    assert max(entry["step"] for entry in log) == 3
    assert all(math.isfinite(entry["loss"]) and entry["loss"] > 0 for entry in log)
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


def test_a_reply_with_faults_is_repaired_once_and_what_remains_is_counted(
    files: dict[str, Path], tmp_path: Path
) -> None:
    def clumsy(request: dict[str, Any]) -> str:
        is_soup = "soup" in shown(request)
        if is_repair(request):
            return obliging(request) if is_soup else told
        return "Sorry, here it comes." if is_soup else told

    told = json.dumps(
        {
            "dialogue": [
                {"question": "What is <region1>?", "answer": "A dog."},
                {"question": "What does the caption say of <region2>?", "answer": "A man."},
                {"question": "Who is <region5>?", "answer": "Nobody."},
            ]
        }
    )
    out = tmp_path / "osprey_conversation.json"
    with stand_in(reply=clumsy) as server:
        assert main(words("conversation", files, server, out)) == 0
        assert len(server.asked) == 4
    repairs = [request["messages"] for request in server.asked if is_repair(request)]
    asked = {len(repair[4]["content"]) < 30: repair[5]["content"] for repair in repairs}
    assert "It is not JSON" in asked[True]
    assert "It must not speak of the notes" in asked[False]
    assert "There is no region 5." in asked[False]
    (dogs, soup), statistics = read(out)
    assert len(dogs["annotation"]) == 1, "the region without a question is left out"
    assert [said["value"] for said in dogs["conversations"]] == ["What is <region1>?", "A dog."]
    assert len(soup["conversations"]) == 2
    assert statistics["left out"] == {"region-invented": 1, "source-mentioned": 1}
    assert statistics["repaired"] == {"no better": 1, "whole": 1}
    (record, _) = load_records(out)
    assert record.turns[0].answer == "A dog."


def test_busy_and_cut_answers_are_asked_again(files: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    with stand_in(reply=obliging, troubles=[429, 0, 503], retry_after="0") as server:
        assert main(words("short-form", files, server, out, "--concurrency", 1)) == 0
        assert len(server.asked) == 2 + 3
    assert read(out)[1]["requests"] == 2


def test_nothing_is_paid_twice(files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out, elsewhere, replies = tmp_path / "out.json", tmp_path / "other.json", tmp_path / "kept" / "replies.jsonl"
    with stand_in(reply=obliging) as server:
        assert main(words("conversation", files, server, out, "--replies", replies, "--limit", 1)) == 0
        assert len(server.asked) == 1
        assert main(words("conversation", files, server, elsewhere, "--replies", replies)) == 0
        assert len(server.asked) == 2
        assert "1 requests to send, 1 replies are kept from before" in caplog.text
        assert main(words("conversation", files, server, elsewhere, "--replies", replies)) == 0
        assert len(server.asked) == 2
        assert main(words("conversation", files, server, elsewhere, "--replies", replies, "--seed", 1)) == 0
        assert len(server.asked) == 4, "other settings are another request"
    assert read(out)[0] == read(elsewhere)[0][:1]


def test_the_same_request_at_the_same_time_is_sent_once(files: dict[str, Path], tmp_path: Path) -> None:
    instances = {
        **INSTANCES,
        "images": [{"id": n, "file_name": f"{n}.png", "height": 40, "width": 60} for n in range(6)],
        "annotations": [annotation(n, n, 18, [6, 4, 30, 20]) for n in range(6)],
    }
    same = write(tmp_path / "same.json", instances)
    out = tmp_path / "out.json"
    with stand_in(reply=obliging, pause=0.05) as server:
        given = ["conversation", "--regions", same, "--writer", f"openai:{server.address}#w", "--out", out, "--yes"]
        assert main([str(word) for word in [*given, "--concurrency", 3]]) == 0
        assert len(server.asked) == 1
    assert len(read(out)[0]) == 6


def test_a_reply_that_cannot_be_kept_ends_the_run(
    files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    boxes = [annotation(n, 391895, 18, [6, 4, 30, 20]) for n in range(3)]
    same = write(tmp_path / "same.json", {**INSTANCES, "annotations": boxes})
    replies = tmp_path / "replies.jsonl"

    def in_the_way(request: dict[str, Any]) -> str:
        if replies.is_file():
            replies.unlink()
            replies.mkdir()
        return obliging(request)

    with stand_in(reply=in_the_way) as server:
        given = ["conversation", "--regions", same, "--writer", f"openai:{server.address}#w", "--yes"]
        given += ["--out", tmp_path / "out.json", "--replies", replies, "--regions-per-request", 1]
        assert main([str(word) for word in given]) == 2, "threads that wait for the same reply have ended too"
    assert "replies.jsonl” cannot be written" in caplog.text


def test_repairs_are_expected_and_not_sent_without_consent(
    files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out.json"
    with stand_in(reply=lambda request: obliging(request) if is_repair(request) else "{}") as server:
        server.troubles = [None, 400]
        asked = words("conversation", files, server, out, "--concurrency", 1, "--limit", 1)
        assert main(asked) == 2, "the only task failed when it was to be repaired"
        assert len(server.asked) == 2
        caplog.clear()
        assert main([word for word in asked if word != "--yes"]) == 2
        assert "1 requests to send, 1 replies are kept from before" in caplog.text
        assert "add --yes" in caplog.text
        assert len(server.asked) == 2
        assert main(asked) == 0
        assert main([word for word in asked if word != "--yes"]) == 0
        assert len(server.asked) == 3
        assert "0 requests to send, 1 replies are kept from before" in caplog.text


def test_nothing_is_repaired_after_the_end(files: dict[str, Path], tmp_path: Path) -> None:
    stop = threading.Event()

    def last(request: dict[str, Any]) -> str:
        stop.set()
        return "{}"

    (task, _) = tasks_of("conversation", read_pictures([files["refcoco"]]), 8)
    with stand_in(reply=last) as server:
        model = OpenAIModel(OpenAIEndpoint.of(f"openai:{server.address}#w"))
        writer = Writer(model, SamplingSettings(0.7, 1.0, 100, 0), tmp_path / "replies.jsonl")
        with pytest.raises(StoppedError):
            write_task(task, writer, stop)
        assert len(server.asked) == 1
    assert writer.kept(task.messages()) == "{}", "what was paid is kept"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the process that is killed is a fork of this one")
def test_a_killed_run_goes_on_where_it_was(files: dict[str, Path], tmp_path: Path) -> None:
    is_second, release = threading.Event(), threading.Event()

    def slow(request: dict[str, Any]) -> str:
        if len(server.asked) == 2:
            is_second.set()
            assert release.wait(60)
        return obliging(request)

    out = tmp_path / "out.json"
    with stand_in(reply=slow) as server:
        arguments = words("description", files, server, out, "--concurrency", 1)
        process = multiprocessing.get_context("fork").Process(target=main, args=(arguments,))
        process.start()
        assert is_second.wait(60)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(60)
        release.set()
        assert not out.exists()
        with (tmp_path / "out.json.replies.jsonl").open("a") as file:
            file.write('{"key": "cut in the middl')
        assert main(arguments) == 0
        assert len(server.asked) == 3, "the first reply is kept, the second was under way"
    records, statistics = read(out)
    assert [len(record["description"]) for record in records] == [2, 1]
    assert statistics["requests"] == 1


def test_a_dry_run_tells_what_it_would_cost_and_asks_nothing(
    files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out.json"
    with stand_in(reply=obliging) as server:
        asked = words("description", files, server, out, "--dry-run", "--price", 2.5, 10)
        assert main(asked) == 0
        match = re.search(r"2 requests to send.*About (\d+) tokens to read and (\d+) to write", caplog.text)
        assert match is not None
        cost = (int(match[1]) * 2.5 + int(match[2]) * 10) / 1e6
        assert f"That costs about {cost:.2f}" in caplog.text
        assert "- brown dog" in caplog.text, "the first request is shown"
        asked.remove("--dry-run")
        asked.remove("--yes")
        assert main(asked) == 2
        assert "add --yes" in caplog.text
        assert server.asked == []
    assert not out.exists()


def failing(code: int) -> Callable[[StandIn], None]:
    def fail(server: StandIn) -> None:
        server.status, server.error = code, {"message": "no"}

    return fail


def test_a_key_that_is_refused_ends_the_run_at_once(
    files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with stand_in() as server:
        failing(401)(server)
        assert main(words("conversation", files, server, tmp_path / "out.json", "--concurrency", 1)) == 2
        assert len(server.asked) == 1
    assert "does not accept the key" in caplog.text


def test_a_request_that_fails_is_counted_and_asked_again_next_time(files: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    with stand_in(reply=obliging, troubles=[400]) as server:
        arguments = words("conversation", files, server, out, "--concurrency", 1)
        assert main(arguments) == written_command.INCOMPLETE
        records, statistics = read(out)
        assert [record["id"] for record in records] == ["9"]
        assert list(statistics["failed requests"].values()) == [1]
        assert main(arguments) == 0
        assert len(server.asked) == 3
    assert [record["id"] for record in read(out)[0]] == ["391895", "9"]


def test_an_endpoint_that_only_fails_is_left_alone(
    files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    boxes = [annotation(n, 9, 18, [n, 4, 30, 20]) for n in range(20)]
    many = write(tmp_path / "many.json", {**INSTANCES, "annotations": boxes})
    with stand_in() as server:
        failing(404)(server)
        given = ["conversation", "--regions", many, "--writer", f"openai:{server.address}#w", "--out", tmp_path / "a"]
        assert main([str(w) for w in [*given, "--yes", "--concurrency", 1, "--regions-per-request", 1]]) == 2
        assert FAILURES_IN_A_ROW <= len(server.asked) <= FAILURES_IN_A_ROW + 1
    assert "status 404" in caplog.text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--concurrency", 0), "--concurrency must be at least 1"),
        (("--regions-per-request", 0), "--regions-per-request must be at least 1"),
        (("--retries", -1), "must not be negative"),
        (("--price", -1, 2), "must not be negative"),
        (("--temperature", 9), "emperature"),
        (("--writer", "gpt"), "names no model behind an endpoint"),
    ],
)
def test_wrong_options_are_told(
    files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture, options: tuple[Any, ...], sentence: str
) -> None:
    assert main(words("conversation", files, StandIn("http://127.0.0.1:9/v1"), tmp_path / "out", *options)) == 2
    assert sentence in caplog.text


@pytest.mark.parametrize("options", [("--replies", "out"), ("--out", "refs"), ("--replies", "out.statistics.json")])
def test_nothing_is_written_over_what_is_read_or_was_paid(
    files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture, options: tuple[str, str]
) -> None:
    before = files["refcoco"].read_bytes()
    (tmp_path / "refs").symlink_to(files["refcoco"])
    server = StandIn("http://127.0.0.1:9/v1")
    assert main(words("conversation", files, server, tmp_path / "out", options[0], tmp_path / options[1])) == 2
    assert "must all be different files" in caplog.text
    assert files["refcoco"].read_bytes() == before


def test_a_writer_whose_replies_are_all_useless_is_told(
    files: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with stand_in(reply=lambda request: "No.") as server:
        assert main(words("conversation", files, server, tmp_path / "out.json")) == 2
        assert len(server.asked) == 4, "each is asked to repair it once"
    assert "None of the replies can be used" in caplog.text
    assert '"not-json": 2' in caplog.text


def test_the_documented_commands_are_understood() -> None:
    text = (Path(__file__).parents[3] / "docs" / "datagen.md").read_text("utf-8")
    commands = re.findall(r"-m osprey_core\.datagen ((?:[^\n]|(?<=\\)\n)+)\n", text.split("## With a writer")[1])
    assert len(commands) == 4
    for command in commands:
        options = command_parser().parse_args(shlex.split(command.replace("\\\n", " ")))
        assert options.out.suffix == ".json"
    for kind, what in KINDS.items():
        assert f"`{kind}`" in text
        assert f"`{what.file}` | {what.published:,} |" in text
