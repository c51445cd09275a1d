"""The laboratory: the same data for all runs, readers that read the right place, resuming, a report of results."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.ops import roi_align

from benchmarks.laboratory.__main__ import main
from benchmarks.laboratory.crew import Crew
from benchmarks.laboratory.figures import Answers, Question, accuracy, answers, difference
from benchmarks.laboratory.networks import (
    Pooling,
    Sampler,
    aligned,
    boxes_of,
    build,
    drawn_points,
    encoder_flops,
    parameters,
)
from benchmarks.laboratory.pictures import Pictures, boxed, cover_map, draw_scenes, load_pictures, save_pictures
from benchmarks.laboratory.report import BEGIN, END, answer_in, report_of, write_report
from benchmarks.laboratory.results import Results, append, read_results
from benchmarks.laboratory.stock import CHANCES, Stock, cut_out
from benchmarks.laboratory.table import Run, read_table
from benchmarks.laboratory.trial import Bench, fitting_steps, rate_at, train
from benchmarks.laboratory.trial import test as name_regions
from osprey_core.training.art import Sprite, atlas_of, save_atlas
from osprey_core.training.config import NANO_THINGS
from osprey_core.training.scenes.drawn import OBJECTS, SHAPES

ROOT = Path(__file__).parents[2]
NAMES = sorted({*OBJECTS, *SHAPES})
TABLE = """
test_sizes = [32, 64]
steps = 2
scenes_per_step = 3
photographs_per_step = 1

[[groups]]
seed = [0]
size = [32]
tower = ["convnext", "vit"]

[[groups]]
size = [32]
extractor = ["sampler", "box"]
"""


@pytest.fixture(scope="module")
def drawn() -> Pictures:
    return draw_scenes(None, NAMES, range(7, 13), 2)


@pytest.fixture(scope="module")
def tested() -> Pictures:
    return draw_scenes(None, NAMES, range(20, 23), 1, tested=True)


def bench_of(drawn: Pictures, tested: Pictures, steps: int = 3) -> Bench:
    place = torch.device("cpu")
    scenes = Stock(drawn, place)
    return Bench(scenes, scenes, {"scenes": Stock(tested, place)}, len(NAMES), steps, 3, 2, (32, 64))


def test_the_table_holds_every_run_once_and_repeats_conditions_by_seeds() -> None:
    table = read_table()
    names = [run.name for run in table.runs]
    assert len(set(names)) == len(names)
    main_question = [run for run in table.runs if run.levels == ("res4",) and run.rate == 1e-3]
    seeds = {run.condition: {r.seed for r in main_question if r.condition == run.condition} for run in main_question}
    assert all(found == {0, 1, 2} for found in seeds.values())
    sizes = {run.size for run in main_question if run.tower == "vit"}
    assert sizes == {run.size for run in main_question if run.tower == "convnext"} == set(table.test_sizes)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"tower": "resnet"}, "tower"),
        ({"extractor": "none"}, "extractor"),
        ({"levels": ("res9",)}, "levels"),
        ({"size": 100}, "size"),
    ],
)
def test_a_run_that_cannot_be_made_is_refused(entries: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Run(**entries)  # type: ignore[arg-type]


def test_a_table_with_an_unknown_entry_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.toml"
    path.write_text(TABLE + '\n[[groups]]\ncolour = ["red"]\n', encoding="utf-8")
    with pytest.raises(ValueError, match="colour"):
        read_table(path)


def test_the_compared_towers_are_of_equal_size() -> None:
    convnext, vit, small = (Run(tower, 192) for tower in ("convnext", "vit", "vit of equal parameters"))
    assert encoder_flops(vit, 192) / encoder_flops(convnext, 192) == pytest.approx(1, abs=0.1)
    sizes = [parameters(build(run, 5).encoder) for run in (convnext, small)]
    assert sizes[1] / sizes[0] == pytest.approx(1, abs=0.1)


def test_one_linear_layer_is_counted_as_it_is_computed() -> None:
    # A 16 x 16 patch embedding of 64 x 64 pixels alone makes 16 tokens of 160 x 768 products.
    least = 2 * 16 * 160 * 768 + 6 * 12 * 160 * 160 * 2 * 17
    assert least < encoder_flops(Run("vit", 64), 64) < 1.2 * least


def test_a_vit_takes_pictures_of_another_size_than_it_was_trained_on() -> None:
    network = build(Run("vit", 64), 5).eval()
    covers = torch.zeros(1, 1, 96, 96)
    covers[..., 40:60, 40:60] = 1
    with torch.no_grad():
        assert network.encoder(torch.zeros(1, 3, 96, 96))["res4"].shape == (1, 160, 6, 6)
        assert network(torch.zeros(1, 3, 96, 96), covers).shape == (1, 1, 5)


def test_boxes_are_read_as_by_torchvision() -> None:
    torch.manual_seed(0)
    level = torch.randn(2, 3, 12, 9)
    covers = torch.zeros(2, 2, 96, 96)
    covers[0, 0, 10:40, 20:70] = 1
    covers[0, 1, :, 0:30] = 1
    covers[1, 0, 50:60, 50:52] = 0.2  # touched alone
    covers[1, 1, 30:90, 5:60] = 1
    boxes = boxes_of(covers)
    assert (boxes[0, 0] * 96).tolist() == [20, 10, 70, 40]
    assert (boxes[1, 0] * 96).tolist() == [50, 50, 52, 60]
    scaled = [one * torch.tensor([9, 12, 9, 12]) for one in boxes]
    expected = roi_align(level, scaled, 7, 1.0, 2, True)
    torch.testing.assert_close(aligned(level, boxes, 7, 2).flatten(0, 1), expected, rtol=1e-4, atol=1e-5)


def test_points_lie_in_their_mask_and_none_in_an_empty_one() -> None:
    covers = torch.zeros(1, 3, 96, 96)
    covers[0, 0, 10:40, 20:70] = 1
    covers[0, 1, 50, 95] = 0.3
    points = drawn_points(covers, torch.rand(3, 400, generator=torch.Generator().manual_seed(3)))[0] * 96
    assert points[0, :, 0].min() >= 20
    assert points[0, :, 0].max() <= 70
    assert points[0, :, 1].min() >= 10
    assert points[0, :, 1].max() <= 40
    assert points[0].mean(0).tolist() == pytest.approx([45, 25], abs=2)  # evenly
    assert ((points[1] >= torch.tensor([95, 50])) & (points[1] <= torch.tensor([96, 51]))).all()
    assert (points[2] < 0).all()


def test_pooling_weighs_cells_by_how_much_is_covered_and_the_published_one_does_not() -> None:
    level = torch.arange(4.0).reshape(1, 1, 2, 2)
    covers = torch.zeros(1, 1, 96, 96)
    covers[0, 0, :48, :72] = 1  # all of the first cell, half of the second
    tokens = {}
    for published in (False, True):
        pooling = Pooling({"res4": 1}, published)
        pooling.extractor.res4 = torch.nn.Identity()
        pooling.extractor.feat_linear = torch.nn.Identity()  # type: ignore[assignment]
        tokens[published] = float(pooling({"res4": level}, covers))
    assert tokens == {False: pytest.approx(1 / 3), True: pytest.approx(1 / 2)}


def test_the_sampler_gives_every_weight_a_gradient() -> None:
    sampler = Sampler({"res4": 8})
    covers = torch.zeros(1, 2, 96, 96)
    covers[0, :, 20:60, 30:80] = 1
    sampler({"res4": torch.randn(1, 8, 6, 6)}, covers).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in sampler.parameters())


def test_scenes_are_the_same_whoever_draws_them(drawn: Pictures) -> None:
    again = draw_scenes(None, NAMES, range(7, 13), 1)
    assert np.array_equal(drawn.images, again.images)
    assert np.array_equal(drawn.covers, again.covers)
    assert np.array_equal(drawn.names, again.names)


def test_tested_regions_have_a_box_around_their_own_mask(tested: Pictures) -> None:
    exact, rough, box = tested.covers
    for one, around in zip(exact, box, strict=True):
        assert np.array_equal(around > 0, boxed(one > 0))
    assert not np.array_equal(rough, exact)


def test_packed_pictures_come_back(tested: Pictures, tmp_path: Path) -> None:
    save_pictures(tmp_path / "p.npz", tested, NAMES, 90)
    pictures, names = load_pictures(tmp_path / "p.npz")
    assert names == NAMES
    assert np.abs(pictures.images.astype(int) - tested.images).mean() < 6
    assert np.array_equal(pictures.covers, tested.covers)
    assert np.array_equal(pictures.first, tested.first)


def test_chosen_pictures_keep_their_own_regions(drawn: Pictures) -> None:
    kept = np.array([False, True, False, False, True, False])
    few = drawn.chosen(kept)
    second = np.s_[drawn.first[4] : drawn.first[5]]
    assert np.array_equal(few.names[few.first[1] :], drawn.names[second])
    assert np.array_equal(few.covers[0][few.first[1] :], drawn.covers[0][second])


def test_masks_follow_their_picture_when_it_is_mirrored_and_cut_out() -> None:
    # The picture is its own mask: white where the region is.
    mask = np.zeros((384, 384), bool)
    mask[60:200, 40:160] = True
    image = np.repeat((mask * 255).astype(np.uint8)[..., None], 3, 2)
    pictures = Pictures(image[None], np.array([0, 1]), np.array([3]), np.array([True]), cover_map(mask)[None, None])
    stock = Stock(pictures, torch.device("cpu"))
    chances = torch.full((1, CHANCES), 0.5)  # no other light
    chances[0, 1:5] = torch.tensor([0.2, 0.5, 0.1, 0.3])
    shown = stock.changed(torch.tensor([0]), 96, chances, 0.6)
    white = shown.pixel_values[0, 0] > shown.pixel_values[0, 0].mean()
    overlap = ((shown.covers[0, 0] > 0.5) & white).sum() / ((shown.covers[0, 0] > 0.5) | white).sum()
    assert overlap > 0.95
    assert shown.names[0].tolist() == [3] + [-100] * 15
    chances[0, 1] = 0.9
    other = stock.changed(torch.tensor([0]), 96, chances, 0.6)
    assert not torch.equal(other.covers, shown.covers)


def test_a_cut_out_stays_inside_the_picture() -> None:
    theta = cut_out(torch.rand(50, 4, generator=torch.Generator().manual_seed(0)), 0.6)
    corners = torch.tensor([[-1.0, -1, 1], [1, -1, 1], [-1, 1, 1], [1, 1, 1]]).T
    assert (theta @ corners).abs().max() <= 1 + 1e-6
    whole = cut_out(torch.full((1, 4), 0.9), 1.0)
    torch.testing.assert_close(whole[0], torch.eye(2, 3))


def test_runs_of_one_seed_see_the_same_batches_whatever_their_network(drawn: Pictures, tested: Pictures) -> None:
    seen: dict[str, list[int]] = {}
    for tower in ("convnext", "vit"):
        run = Run(tower, 32)
        bench = bench_of(drawn, tested)
        names = seen.setdefault(tower, [])
        stock = bench.scenes
        changed = stock.changed

        def remember(picks, size, chances, cut, names=names, changed=changed):  # type: ignore[no-untyped-def]
            names += [*picks.tolist(), *(chances * 1e6).long().flatten().tolist()]
            return changed(picks, size, chances, cut)

        stock.changed = remember  # type: ignore[method-assign]
        losses = train(build(run, len(NAMES)), run, bench, lambda: True)
        assert all(math.isfinite(loss) for loss in losses)
    assert seen["convnext"] == seen["vit"]


def test_training_on_few_pictures_learns_their_names(drawn: Pictures, tested: Pictures) -> None:
    few = tested.chosen(np.array([True, False, False]))
    bench = replace(bench_of(few, few, 40), scenes_per_step=2, photographs_per_step=0)
    run = Run("convnext", 64, rate=3e-3)
    network = build(run, len(NAMES))
    train(network, run, bench, lambda: True)
    (entry,) = name_regions(network.eval(), bench.tests["scenes"], "scenes", 64, False)
    assert sum(entry["right"]) > 0.7 * sum(entry["asked"])


def test_only_regions_with_a_mask_of_their_own_are_asked_about_by_it(tested: Pictures) -> None:
    exact = tested.exact.copy()
    exact[: tested.first[1]] = False  # the first picture's are known by box alone
    pictures = Pictures(tested.images, tested.first, tested.names, exact, tested.covers)
    stock = Stock(pictures, torch.device("cpu"))
    network = build(Run(size=32), len(NAMES)).eval()
    counts = np.diff(tested.first).tolist()
    asked = {
        (entry["masks"], entry["things"]): entry["asked"] for entry in name_regions(network, stock, "scenes", 32, True)
    }
    assert asked["box", "all"] == counts
    assert asked["exact", "all"] == asked["rough", "all"] == [0, *counts[1:]]
    apart = np.array(asked["box", "small"]) + np.array(asked["box", "large"])
    assert (apart <= np.array(counts)).all()


def test_the_rate_rises_then_falls() -> None:
    rates = [rate_at(step, 100, 0.5) for step in range(100)]
    assert rates.index(max(rates)) in (9, 10)
    assert max(rates) == pytest.approx(0.5)
    assert rates[-1] < 0.01


def test_steps_fill_the_time_in_whole_fifties() -> None:
    runs = [Run(size=size) for size in (64, 128)]
    seconds = {runs[0].condition: 0.01, runs[1].condition: 0.03}
    assert fitting_steps(runs, seconds, 30, (50, 4000)) == 750
    assert fitting_steps(runs, seconds, 1, (200, 4000)) == 200


def test_results_survive_a_cut_line(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    append(path, {"setting": {"steps": 3}})
    append(path, {"run": "a", "losses": [1.0]})
    path.write_text(path.read_text() + '{"run": "b", "los', encoding="utf-8")
    append(path, {"run": "c"})
    results = read_results(path)
    assert results.setting == {"steps": 3}
    assert list(results.runs) == ["a", "c"]


def test_a_failed_process_is_replaced_and_a_run_that_fails_twice_given_up(
    drawn: Pictures, tested: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [Run(seed=seed, size=32) for seed in range(3)]

    def perform(run: Run, bench: Bench, in_time: object) -> dict[str, object]:
        if run.seed == 1 or bench.graphs:
            raise RuntimeError("no")
        return {"run": run.name, "losses": [0.0], "tests": []}

    monkeypatch.setattr("benchmarks.laboratory.crew.perform", perform)
    out = tmp_path / "results.jsonl"
    crew = Crew(runs, out, time.monotonic() + 60, {})
    crew.work(lambda: replace(bench_of(drawn, tested), graphs=True), 1)
    assert sorted(read_results(out).runs) == sorted(run.name for run in runs if run.seed != 1)
    assert crew.given_up == [runs[1].name]


def test_runs_that_would_end_too_late_are_not_begun(tmp_path: Path) -> None:
    runs = [Run(size=64), Run(size=32)]
    crew = Crew(runs, tmp_path / "r.jsonl", time.monotonic() + 10, {runs[0].condition: 60.0, runs[1].condition: 1.0})
    assert crew._take(1) == 1
    assert crew._take(1) is None


def test_a_second_call_makes_what_is_missing(tmp_path: Path) -> None:
    rgba = np.zeros((40, 40, 4), np.uint8)
    rgba[5:35, 5:35] = (200, 40, 40, 255)
    atlas = atlas_of(Sprite(name, "drawn", rgba) for name in NANO_THINGS[:2])
    for name in ("train", "heldout"):
        save_atlas(atlas, tmp_path / f"atlas-{name}.npz")
    table = tmp_path / "table.toml"
    table.write_text(TABLE, encoding="utf-8")
    out = tmp_path / "results.jsonl"
    words = ["--table", str(table), "--atlas", str(tmp_path), "--out", str(out), "--pictures", "4"]
    words += ["--test-pictures", "2", "--processes", "1"]
    assert main([*words, "--only", "vit"]) == 0
    first = out.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line).get("run") for line in first] == [None, "vit 32 res4 pooling 0.001 seed 0"]
    assert main(words) == 0
    results = read_results(out)
    assert list(results.runs) == [json.loads(first[1])["run"]] + [
        run.name for run in read_table(table).runs if run.tower == "convnext"
    ]
    assert json.loads(first[1]) == results.runs["vit 32 res4 pooling 0.001 seed 0"]
    for run in results.runs.values():
        assert {(t["set"], t["size"]) for t in run["tests"]} == {
            (name, size) for name in ("scenes", "scenes in an unseen style") for size in (32, 64)
        }
    assert main(words) == 0  # nothing is left to do
    with pytest.raises(ValueError, match="steps"):
        main([*words, "--steps", "5", "--table", str(_longer(tmp_path))])


def _longer(folder: Path) -> Path:
    path = folder / "longer.toml"
    path.write_text(TABLE.replace("seed = [0]", "seed = [9]"), encoding="utf-8")
    return path


def made_up(condition: Run, right: list[int], asked: list[int]) -> dict[str, object]:
    """A run's result with the same answers to everything."""
    tests = [
        {"set": pictures, "size": size, "masks": masks, "things": things, "right": right, "asked": asked}
        for pictures in ("scenes", "scenes in an unseen style", "photographs")
        for size in (128, 192)
        for masks in ("exact", "rough", "box")
        for things in ("all", "small", "large")
    ]
    return {
        "run": condition.name, "condition": condition.condition, "tower": condition.tower, "size": condition.size,
        "levels": list(condition.levels), "extractor": condition.extractor, "rate": condition.rate,
        "seed": condition.seed, "parameters": {"encoder": 1_500_000, "extractor": 100_000}, "encoder_flops": 3e8,
        "seconds": {"training": 60.0, "tests": 0.0}, "losses": [5.0, 4.0], "tests": tests,
    }  # fmt: skip


def results_of(*runs: dict[str, object]) -> Results:
    return Results({"steps": 900}, {str(run["run"]): run for run in runs})


def test_accuracy_is_of_all_seeds_and_its_interval_of_pictures_and_seeds() -> None:
    right = [[4, 0, 2, 2], [4, 0, 4, 0]]
    asked = [4, 4, 4, 4]
    results = results_of(*(made_up(Run(size=128, seed=seed), row, asked) for seed, row in enumerate(right)))
    found = answers(results, Run(size=128).condition, Question("scenes", 128))
    assert found is not None
    share = accuracy(found)
    assert share.value == pytest.approx(16 / 32)
    # Four pictures with shares 1, 0, 3/4, 1/4 in the mean of seeds: the mean of four drawn ones deviates by 0.198.
    assert 0.18 < share.error < 0.25
    assert share.low < 0.5 < share.high
    assert share.seeds == 2
    assert difference(found, found).value == 0
    nothing = difference(found, replace(found, right=found.right * 0))
    assert nothing.value == pytest.approx(0.5)
    assert nothing.visible == pytest.approx(2.8 * nothing.error)


def test_a_difference_is_between_the_same_pictures() -> None:
    # One network names one thing more in every picture; pictures differ widely from each other.
    asked = np.full(60, 10)
    base = np.arange(60) % 9
    one, other = Answers(base[None] + 1, asked), Answers(base[None], asked)
    apart = difference(one, other)
    assert (apart.value, apart.low, apart.high) == (pytest.approx(0.1), pytest.approx(0.1), pytest.approx(0.1))
    assert accuracy(one).error > 0.02


def test_the_report_keeps_the_answer_and_has_every_comparison(tmp_path: Path) -> None:
    asked = [10] * 8
    runs = [made_up(Run("convnext", size), [6] * 8, asked) for size in (128, 192)]
    runs += [made_up(Run("vit", size), [5] * 8, asked) for size in (128, 192)]
    runs += [made_up(Run(size=192, extractor="sampler"), [4] * 8, asked)]
    runs += [made_up(Run(size=192, levels=("res2", "res3", "res4", "res5")), [9] * 8, asked)]
    path = tmp_path / "laboratory.md"
    path.write_text(f"# Old\n\n{BEGIN}\nConvNeXt wins here.\n{END}\n\nold\n", encoding="utf-8")
    write_report(results_of(*runs), path)
    text = path.read_text(encoding="utf-8")
    assert text.count("ConvNeXt wins here.") == 1
    assert "| 128 → 192 | 60.0 | 50.0 | +10.0 (+10.0 to +10.0) |" in text
    assert "| ConvNeXt, 192 px | 90.0 | 60.0 | +30.0 (+30.0 to +30.0) |" in text
    assert "| sampler | rough | -20.0 (-20.0 to -20.0) |" in text
    for name in ("laboratory-sizes.png", "laboratory-extractors.png", "laboratory-losses.png"):
        assert f"({name})" in text
        assert 1000 < (tmp_path / name).stat().st_size < 300_000


def test_the_report_in_the_docs_is_that_of_the_stored_results() -> None:
    docs = ROOT / "docs" / "laboratory.md"
    plots = [docs.with_name(f"laboratory-{name}.png") for name in ("sizes", "extractors", "losses")]
    assert all(plot.is_file() for plot in plots)
    written = docs.read_text(encoding="utf-8")
    results = read_results(ROOT / "benchmarks" / "results" / "laboratory.jsonl.gz")
    assert set(results.runs) == {run.name for run in read_table().runs}
    assert report_of(results, answer_in(written), plots) == written


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no results"):
        main(["--out", str(tmp_path / "none.jsonl"), "--report", str(tmp_path / "report.md")])
