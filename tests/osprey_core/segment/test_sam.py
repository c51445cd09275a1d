"""SAM as a segmenter, on a tiny model with random weights: encoded once, never mixed, equal to Meta's predictor."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("segment_anything")

from segment_anything import SamPredictor, sam_model_registry  # noqa: E402
from segment_anything.build_sam import _build_sam  # noqa: E402
from segment_anything.modeling import (  # noqa: E402
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)

from osprey_core.errors import CheckpointError, InputError, ModelNotFoundError  # noqa: E402
from osprey_core.regions.masks import area, intersection_over_union  # noqa: E402
from osprey_core.segment import load_segmenter  # noqa: E402
from osprey_core.segment.sam import GridOptions, SamSegmenter  # noqa: E402


def tiny_sam(checkpoint: None = None) -> Sam:
    torch.manual_seed(4)
    return Sam(
        image_encoder=ImageEncoderViT(
            depth=2,
            embed_dim=32,
            img_size=128,
            mlp_ratio=2,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            num_heads=2,
            patch_size=16,
            qkv_bias=True,
            use_rel_pos=True,
            global_attn_indexes=(1,),
            window_size=4,
            out_chans=16,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=16, image_embedding_size=(8, 8), input_image_size=(128, 128), mask_in_chans=4
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(depth=2, embedding_dim=16, mlp_dim=32, num_heads=2),
            transformer_dim=16,
            iou_head_depth=3,
            iou_head_hidden_dim=16,
        ),
    ).eval()


@pytest.fixture(scope="module")
def sam() -> Sam:
    return tiny_sam()


def picture(seed: int, height: int = 90, width: int = 120) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    image[height // 4 : height // 2, width // 4 : width // 2] = rng.integers(0, 256, 3)
    return image


def test_a_picture_is_encoded_once_however_many_clicks_follow(sam: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A click is one pass of the mask decoder, and everything is a pass for each batch of the grid's 25 points."""
    calls = []
    decode = sam.mask_decoder.predict_masks

    def noted(**inputs: Any) -> Any:
        calls.append(inputs["sparse_prompt_embeddings"].shape[0])
        return decode(**inputs)

    monkeypatch.setattr(sam.mask_decoder, "predict_masks", noted)
    hook = sam.image_encoder.register_forward_hook(lambda *_: calls.append("encoder"))
    try:
        grid = GridOptions(points_per_side=5, points_per_batch=10, min_predicted_iou=-9)
        opened = SamSegmenter(sam, "sam:tiny", grid).open(picture(1))
        assert calls == ["encoder"]
        opened.segment([(30, 20)], [1])
        opened.segment([(30, 20), (5, 5)], [1, 0], (10, 10, 60, 50))
        assert calls == ["encoder", 1, 1]
        opened.everything()
    finally:
        hook.remove()
    assert calls == ["encoder", 1, 1, 10, 10, 5]


def test_everything_does_not_depend_on_the_size_of_its_batches(sam: Any) -> None:
    found = []
    for size in (1, 7, 16):
        grid = GridOptions(points_per_side=4, points_per_batch=size, min_predicted_iou=-9, min_stability=0.0)
        found.append(SamSegmenter(sam, "sam:tiny", grid).open(picture(5)).everything())
    assert found[0]
    for other in found[1:]:
        assert [one.score for one in other] == pytest.approx([one.score for one in found[0]], abs=1e-4)
        overlaps = [intersection_over_union(a.mask, b.mask) for a, b in zip(found[0], other, strict=True)]
        assert min(overlaps) > 0.99


@pytest.mark.parametrize(
    ("points", "labels", "box"),
    [([(30, 20)], [1], None), ([(30, 20), (90, 70)], [1, 1], None), ([], [], (20, 10, 70, 60))],
)
def test_masks_are_those_of_metas_predictor(sam: Any, points: Any, labels: Any, box: Any) -> None:
    image = picture(2)
    predictor = SamPredictor(sam)
    predictor.set_image(image)
    prompts = {
        "point_coords": np.array(points, float) if points else None,
        "point_labels": np.array(labels) if points else None,
        "box": np.array(box, float) if box else None,
    }
    expected = [
        (mask, score)
        for multimask in ((True,) if len(points) == 1 else (True, False))
        for mask, score in zip(*predictor.predict(**prompts, multimask_output=multimask)[:2], strict=True)
    ]
    ours = SamSegmenter(sam, "sam:tiny").open(image).segment(points, labels, box)
    assert ours
    for item in ours:
        assert item.mask.shape == image.shape[:2]
        assert item.mask.dtype == np.bool_
        near = [mask for mask, score in expected if abs(np.clip(score, 0, 1) - item.score) < 1e-4]
        assert max(intersection_over_union(item.mask, mask) for mask in near) > 0.97  # up to dots under the points


def test_the_surest_mask_comes_first_and_holds_the_points(sam: Any) -> None:
    results = SamSegmenter(sam, "sam:tiny").open(picture(3)).segment([(30, 20), (100, 80)], [1, 0])
    assert 1 <= len(results) <= 3
    assert [r.score for r in results] == sorted((r.score for r in results), reverse=True)
    for result in results:
        assert 0 <= result.score <= 1
        assert result.mask[20, 30]
        assert not result.mask[80, 100]


def test_box_and_points_are_combined(sam: Any) -> None:
    opened = SamSegmenter(sam, "sam:tiny").open(picture(4))
    point, box = opened.segment([(30, 20)], [1]), opened.segment([], [], (5, 5, 60, 60))
    both = opened.segment([(30, 20)], [1], (5, 5, 60, 60))
    assert both[0].score not in {point[0].score, box[0].score}


def test_people_sharing_one_model_never_mix(sam: Any) -> None:
    segmenter = SamSegmenter(sam, "sam:tiny")
    images = [picture(seed, 60 + 10 * seed, 140 - 10 * seed) for seed in range(6)]
    alone = [segmenter.open(image).segment([(30, 20)], [1]) for image in images]
    opened = [segmenter.open(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda view: view.segment([(30, 20)], [1]), opened * 4))
        reopened = list(pool.map(lambda image: segmenter.open(image).segment([(30, 20)], [1]), images))
    for index, results in enumerate([*together, *reopened]):
        expected = alone[index % len(images)]
        assert [area(r.mask) for r in results] == [area(r.mask) for r in expected]
        assert all(np.array_equal(r.mask, e.mask) for r, e in zip(results, expected, strict=True))


def test_everything_keeps_what_passes_and_repeats_nothing(sam: Any) -> None:
    generous = GridOptions(points_per_side=4, points_per_batch=5, min_predicted_iou=-9, min_stability=0.0)
    found = SamSegmenter(sam, "sam:tiny", generous).open(picture(5)).everything()
    assert found
    assert all(item.mask.shape == (90, 120) and item.mask.any() for item in found)
    assert [area(i.mask) for i in found] == sorted((area(i.mask) for i in found), reverse=True)
    strict = GridOptions(points_per_side=4, min_predicted_iou=9)
    assert SamSegmenter(sam, "sam:tiny", strict).open(picture(5)).everything() == []
    with pytest.raises(InputError, match="at least one point"):
        GridOptions(points_per_side=0)


@pytest.mark.parametrize("size_hw", [(1, 1), (3, 900), (900, 3), (1, 900), (300, 200)])
def test_pictures_of_any_shape_get_masks_of_their_shape(sam: Any, size_hw: tuple[int, int]) -> None:
    opened = SamSegmenter(sam, "sam:tiny", GridOptions(points_per_side=2, min_predicted_iou=-9)).open(
        np.zeros((*size_hw, 3), np.uint8)
    )
    assert opened.segment([(size_hw[1] - 1, size_hw[0] - 1)], [1])[0].mask.shape == size_hw
    assert opened.segment([], [], (0, 0, size_hw[1], size_hw[0]))[0].mask.any()
    assert all(item.mask.shape == size_hw for item in opened.everything())


def test_the_checks_of_every_segmenter_apply(sam: Any) -> None:
    segmenter = SamSegmenter(sam, "sam:tiny")
    assert segmenter.name == "sam:tiny"
    with pytest.raises(InputError, match="lies outside the picture"):
        segmenter.open(picture(1)).segment([(120, 20)], [1])
    with pytest.raises(InputError, match="uint8 array"):
        segmenter.open(picture(1).astype(np.float32))


@pytest.fixture
def tiny_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sam_model_registry, "vit_b", tiny_sam)


def test_weights_are_loaded_from_a_file(tiny_registry: Any, sam: Any, tmp_path: Path) -> None:
    path = tmp_path / "sam.pth"
    torch.save(sam.state_dict(), path)
    segmenter = load_segmenter(f"sam:vit_b:{path}")
    assert segmenter.name == "sam:vit_b"
    ours = segmenter.open(picture(7)).segment([(30, 20)], [1])
    expected = SamSegmenter(sam, "").open(picture(7)).segment([(30, 20)], [1])
    assert np.array_equal(ours[0].mask, expected[0].mask)


def test_weights_come_from_the_hub_only_if_no_file_is_given(
    tiny_registry: Any, sam: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from osprey_core.runtime import hub

    path = tmp_path / "sam.pth"
    torch.save(sam.state_dict(), path)
    asked = []

    def fetch_file(repo_id: str, filename: str, revision: str | None = None) -> Any:
        asked.append((repo_id, filename))
        return path

    monkeypatch.setattr(hub, "fetch_file", fetch_file)
    assert load_segmenter("sam:vit_b").name == "sam:vit_b"
    assert asked == [("ybelkada/segment-anything", "checkpoints/sam_vit_b_01ec64.pth")]


def test_wrong_weights_are_named(tiny_registry: Any, sam: Any, tmp_path: Path) -> None:
    state = sam.state_dict()
    short = dict(list(state.items())[3:])
    misshaped = {**state, "image_encoder.pos_embed": torch.zeros(1)}
    for content, sentence in (
        (short, r"sam:vit_b: 3 missing \(such as"),
        ({**state, "stranger": torch.zeros(1)}, r"1 unexpected \(such as stranger\)"),
        (misshaped, r"1 of another shape \(such as image_encoder\.pos_embed\)"),
        ([1, 2, 3], "no table of weights"),
        ({}, "no table of weights"),
    ):
        path = tmp_path / "wrong.pth"
        torch.save(content, path)
        with pytest.raises(CheckpointError, match=sentence):
            load_segmenter(f"sam:vit_b:{path}")


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("weights must never run code",))


def test_a_file_that_holds_no_weights_is_refused_and_never_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in (("text.pth", b"no weights"), ("empty.pth", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=f"{name} is damaged or holds no weights; download sam_vit_b_01ec64"):
            load_segmenter(f"sam:vit_b:{tmp_path / name}")
    torch.save({"x": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointError, match="damaged or holds no weights"):
        load_segmenter(f"sam:vit_b:{tmp_path / 'evil.pth'}")
    assert "never run code" not in capsys.readouterr().out
    with pytest.raises(ModelNotFoundError, match=r"no weights file /no/such/file\.pth"):
        load_segmenter("sam:vit_b:/no/such/file.pth")


@pytest.mark.slow
def test_the_published_sizes_run_end_to_end() -> None:
    # As vit_b in everything but depth and width of the encoder: 1024 pixels, 64 x 64 features, the full decoder.
    sam = _build_sam(
        encoder_embed_dim=96, encoder_depth=2, encoder_num_heads=2, encoder_global_attn_indexes=[1], checkpoint=None
    )
    results = SamSegmenter(sam, "sam:vit_b").open(picture(8, 480, 640)).segment([(200, 150)], [1])
    assert results[0].mask.shape == (480, 640)
