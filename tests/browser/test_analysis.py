"""The closer look below the picture: out of the way until it is opened, then labels, answers side by side, maps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osprey_core.analysis.clip_labels import score_labels as score_by_clip
from osprey_core.analysis.feature_similarity import similarity_maps
from osprey_core.analysis.label_likelihood import score_labels
from osprey_core.vocabularies import load_vocabulary
from tests import fakes
from tests.clip import loaded_clip
from tests.tiny import tiny_osprey

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """The page with a complete small model and a CLIP, and that model."""
    folder = tmp_path_factory.mktemp("examples")
    fakes.picture().save(folder / "shapes.png")
    tiny = tiny_osprey()
    with fakes.served(tiny, fakes.FakeSegmenter(), folder, clip=loaded_clip()) as address:
        yield address, tiny


def marked(person: Any, *points: tuple[float, float]) -> None:
    person.open_example()
    for count, point in enumerate(points, 1):
        person.click(*point)
        person.wait_regions(count)


def opened(person: Any, kind: str) -> Any:
    person.page.click(f"#closer [data-kind={kind}]")
    panel = person.page.locator(f"#osp-closer-{kind}")
    panel.wait_for()
    return panel


def wait_done(person: Any, kind: str, results: str, count: int) -> None:
    person.page.wait_for_function(
        f"document.querySelector('#osp-closer-{kind} .osp-go').offsetParent && "
        f"document.querySelectorAll('#osp-closer-{kind} {results}').length === {count}",
        timeout=PATIENCE_MS,
    )


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_it_stays_out_of_the_way_until_it_is_opened(visit: Any, address: str, size: tuple[int, int]) -> None:
    person = visit(address, *size)
    closer = person.page.locator("#closer .osp-closer")
    assert not closer.is_visible()
    marked(person, (80, 100))
    closer.wait_for()
    assert closer.bounding_box()["height"] < 130
    assert not person.page.locator("#osp-closer-labels").is_visible()
    opened(person, "labels")
    person.page.click("#closer .osp-closer-close")
    assert not person.page.locator("#osp-closer-labels").is_visible()
    assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_labels_are_judged_for_every_region(visit: Any, real: tuple[str, Any]) -> None:
    address, tiny = real
    person = visit(address)
    marked(person, (80, 100), (250, 110))
    panel = opened(person, "labels")
    panel.locator("textarea").fill("a cat\ndog, the thing")
    panel.get_by_role("button", name="Judge").click()
    wait_done(person, "labels", ".osp-bars", 2)
    view = tiny.open(fakes.picture())
    for number, name in ((1, "red"), (2, "blue")):
        expected = score_labels(view, fakes.shape(name), ["a cat", "dog", "the thing"])
        card = panel.locator(f"[data-region-judged='{number}']")
        assert card.locator(".osp-bar-label").all_inner_texts() == [one.label for one in expected.ranked]
        best = card.locator(".osp-bar i").first
        track = card.locator(".osp-bar").first.bounding_box()["width"]
        assert best.bounding_box()["width"] == pytest.approx(track * expected.ranked[0].share, abs=2)
        (seen,) = score_by_clip(loaded_clip().open(fakes.picture()), [fakes.shape(name)], ["a cat", "dog", "the thing"])
        by_clip = [seen.by_label[one.label].share for one in expected.ranked]
        shown = card.locator(".osp-clip-share").all_inner_texts()
        assert [float(share.rstrip(" %").lstrip("<")) for share in shown] == pytest.approx(
            [100 * share for share in by_clip], abs=0.6
        )
        wide = card.locator(".osp-bar-clip i").nth(1)
        assert wide.bounding_box()["width"] == pytest.approx(track * by_clip[1], abs=2)
        is_same = seen.ranked[0].label == expected.ranked[0].label
        first = "CLIP’s first too" if is_same else f"CLIP’s first: {seen.ranked[0].label}"
        assert first in card.inner_text()
        assert "Not sure" in card.inner_text()
    person.page.locator(".osp-card").nth(1).get_by_role("button", name="Delete").click()
    person.wait_regions(1)
    assert "The region is gone" in panel.locator("[data-region-judged='2']").inner_text()


def test_everything_is_labelled_by_a_vocabulary(visit: Any, real: tuple[str, Any]) -> None:
    person = visit(real[0])
    person.open_example()
    person.tool("everything")
    style = person.page.locator("#everything select")
    style.wait_for()
    style.select_option(label="Cityscapes, 19 classes")
    person.page.click("#everything .osp-describe")
    person.page.wait_for_function("!document.querySelector('#everything tbody').innerText.includes('…')")
    labels = person.page.locator("#everything tbody td:nth-child(2) button").all_inner_texts()
    assert len(labels) == 3
    assert set(labels) <= set(load_vocabulary("cityscapes").names)
    assert "%" in person.page.locator("#everything tbody .osp-confidence").first.inner_text()


def test_a_question_is_answered_with_and_without_the_region(visit: Any, address: str, model: fakes.FakeModel) -> None:
    person = visit(address)
    marked(person, (80, 100))
    panel = opened(person, "without")
    panel.locator("input").fill("What is @1?")
    panel.locator("input").press("Enter")
    wait_done(person, "without", ".osp-answer", 4)
    assert [call.settings.get("without", ()) for call in model.calls] == [(), ("mask", "pos"), ("mask",), ("pos",)]
    said = panel.locator(".osp-said").all_inner_texts()
    assert all("area=8000" in text for text in said)
    assert panel.get_by_text("Same as with the region").count() == 3
    panel.locator("input").fill("A long story")
    model.pause = 0.05
    panel.locator(".osp-go").click()
    panel.get_by_role("button", name="Stop").click()
    wait_done(person, "without", ".osp-answer", 4)
    assert panel.get_by_text("Stopped.").count() >= 3
    model.pause = 0.0
    assert person.questions() == [], "the conversation is left alone"


def test_samples_stand_side_by_side_and_go_with_their_picture(
    visit: Any, model: fakes.FakeModel, tmp_path: Path
) -> None:
    for place in (1, 2):
        fakes.picture(scale=place).save(tmp_path / f"{place}.png")
    with fakes.served(model, fakes.FakeSegmenter(), tmp_path) as address:
        person = visit(address)
        marked(person, (80, 100))
        panel = opened(person, "samples")
        count, temperature = panel.locator("input[type=number]").all()
        count.fill("3")
        temperature.fill("0")
        panel.locator(".osp-go").click()
        person.wait_toast("At temperature 0 all samples are the same")
        person.close_toasts()
        temperature.fill("0.7")
        panel.locator(".osp-go").click()
        wait_done(person, "samples", ".osp-answer", 3)
        first = model.calls[0].settings["seed"]
        settings = [(call.settings["seed"], call.settings["temperature"]) for call in model.calls]
        assert settings == [(first, 0.7), (first + 1, 0.7), (first + 2, 0.7)]
        assert panel.get_by_text(f"seed {first + 2}").is_visible()
        assert panel.get_by_text("All 3 answers are the same").is_visible()
        person.open_example(1)
        person.page.wait_for_function("!document.querySelector('#osp-closer-samples .osp-answer')")
        person.leave()


def test_looking_inside_shows_every_levels_map(visit: Any, real: tuple[str, Any]) -> None:
    address, tiny = real
    person = visit(address)
    marked(person, (80, 100))
    panel = opened(person, "inside")
    panel.get_by_role("button", name="Look inside").click()
    wait_done(person, "inside", ".osp-maps img", 4)
    person.page.wait_for_function(
        "[...document.querySelectorAll('#osp-closer-inside img')].every((image) => image.naturalWidth === 360)"
    )
    expected = similarity_maps(tiny.open(fakes.picture()), fakes.shape("red"))
    ends = panel.locator(".osp-scale span").all_inner_texts()
    seen = [heat for heat in expected.values() if heat.any()]
    assert [float(text) for text in ends] == pytest.approx(
        [value for heat in seen for value in (float(np.min(heat)), float(np.max(heat)))], abs=0.006
    )
    image = panel.locator(".osp-maps img").nth(1)
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    across, down = 290 / 360, 200 / 270
    person.page.mouse.move(box["x"] + across * box["width"], box["y"] + down * min(box["height"], box["width"] * 0.75))
    told = panel.locator(".osp-here").all_inner_texts()
    there = [float(heat[int(down * heat.shape[0]), int(across * heat.shape[1])]) for heat in seen]
    assert [float(text) for text in told] == pytest.approx(there, abs=0.006)
    person.page.mouse.move(5, 5)
    assert not panel.locator(".osp-here").first.is_visible()


def test_two_models_answer_side_by_side(visit: Any, model: fakes.FakeModel, tmp_path: Path) -> None:
    """One question, then everything in a table: in a cell that the second model cannot fill stands why."""
    fakes.picture().save(tmp_path / "shapes.png")
    other = fakes.FakeModel(name="models/another", unable="blue")
    with fakes.served(model, fakes.FakeSegmenter(), tmp_path, second=other) as address:
        person = visit(address)
        marked(person, (80, 100))
        panel = opened(person, "models")
        panel.locator("input").fill("What is it?")
        panel.locator(".osp-go").click()
        wait_done(person, "models", ".osp-answer", 2)
        assert panel.locator("h3").all_inner_texts() == ["fake", "models/another"]
        assert len(model.calls) == len(other.calls) == 1

        person.tool("everything")
        person.page.click("#everything .osp-describe")
        wait_table(person)
        heads = person.page.locator("#everything thead th:visible").all_inner_texts()
        assert heads[1:3] == ["fake", "another"]
        before = table_of(person)
        reason = "The answer of models/another was cut off; try again."
        assert sorted(cells[2] == reason for cells in before) == [False, False, True]
        assert all(cells[1].startswith("area=") and (cells[1] in cells[2] or cells[2] == reason) for cells in before)

        person.page.set_viewport_size({"width": 390, "height": 844})
        person.load_again()
        person.wait_regions(1)
        wait_table(person)
        assert table_of(person) == before
        for column in person.page.locator("#everything tbody tr").first.locator("td:visible").all()[1:]:
            box = column.bounding_box()
            assert box["width"] > 110
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390

        person.page.set_viewport_size({"width": 1440, "height": 900})
        other.pause = 4.0
        person.page.click("#everything .osp-describe")
        person.page.get_by_text("3 of 6").wait_for()
        person.page.locator("#everything").get_by_role("button", name="Stop").click()
        person.page.get_by_text("stopped at").wait_for()
        assert "–" in [cells[2] for cells in table_of(person)]
        assert [cells[1] for cells in table_of(person)] == [cells[1] for cells in before]
        person.leave()


def wait_table(person: Any) -> None:
    person.page.wait_for_function(
        "document.querySelectorAll('#everything tbody tr').length === 3 && "
        "document.querySelector('#everything .osp-describe').offsetParent && "
        "!document.querySelector('#everything tbody').innerText.includes('…')",
        timeout=PATIENCE_MS,
    )


def table_of(person: Any) -> list[list[str]]:
    """What stands in each row's cells: thumbnail, first model, second model."""
    rows = person.page.locator("#everything tbody tr").all()
    return [row.locator("td").all_inner_texts()[:3] for row in rows]


def test_with_one_model_there_is_no_tab_to_compare_two(visit: Any, address: str) -> None:
    person = visit(address)
    marked(person, (80, 100))
    assert person.page.locator('#closer [role="tab"]').count() == 4
    assert person.page.locator('#closer [data-kind="models"]').count() == 0
