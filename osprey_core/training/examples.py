"""The example pictures: themed scenes with a checked list of what a click at which point selects.

`python -m osprey_core.training.examples --atlas LARGE.npz --out examples` writes them and `scenes.json`. A scene is
used only if the embedded segmenter, clicked at each listed point, selects that object, and the embedded model then
names it. The examples are therefore chosen; `osprey_core.evaluation` measures the model on scenes that are not.
When the command is run again, a picture that still passes is left as it is.
"""

from __future__ import annotations

import argparse
import json
import logging
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from osprey_core.draw.overlays import label_point_xy
from osprey_core.engine import Osprey
from osprey_core.errors import InputError
from osprey_core.language.prompts import QUESTIONS
from osprey_core.regions.masks import intersection_over_union
from osprey_core.segment import OpenedPicture, load_segmenter
from osprey_core.training.art import Atlas, atlas_of, load_atlas
from osprey_core.training.dialogues import EVALUATION_SEEDS
from osprey_core.training.scenes.scene import Scene, SceneOptions, make_scene

log = logging.getLogger(__name__)

MIN_IOU = 0.9
MAX_ATTEMPTS = 3000


@dataclass(frozen=True)
class Theme:
    """What one example shows."""

    file: str
    """Name of the picture's file."""
    title: str
    """Title in the page's gallery."""
    things: tuple[str, ...]
    """Sprites by name; empty: drawn objects alone."""
    backgrounds: tuple[str, ...]
    """Words of which the scene's background has one."""
    objects: tuple[int, int] = (3, 5)
    """Fewest and most things in the picture."""
    drawn_share: float = 0.0
    """Share of drawn objects among the things."""
    questions: tuple[str, ...] = ()
    """Questions that the page proposes for it."""


def read_themes(path: Path) -> tuple[Theme, ...]:
    """The themes of a TOML file: a list of tables whose entries are the fields of `Theme`."""
    tables: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["themes"]
    fields: list[dict[str, Any]] = [
        {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()} for table in tables
    ]
    return tuple(Theme(**values) for values in fields)


THEMES = read_themes(Path(__file__).with_name("example_themes.toml"))
"""The example pictures in order."""


def make_example(
    theme: Theme, atlas: Atlas, first_seed: int, model: Osprey | None = None
) -> tuple[Image.Image, list[dict[str, Any]]]:
    """The first picture of the theme that can be clicked (and named by `model`), and its objects as {"name", "point"}.

    It has at most 256 colours, which keep noisy backgrounds small and are all that flat art needs.

    Raises InputError when none of `MAX_ATTEMPTS` seeds gives one.
    """
    only = atlas_of(sprite for name in theme.things for sprite in atlas.sprites.get(name, ()))
    options = SceneOptions(
        short_side_px=(720, 720),
        art_px=512,
        effects=False,
        tidy=True,
        max_objects=theme.objects[1],
        sprite_weight=1 - theme.drawn_share,
        drawn_weight=theme.drawn_share,
        shape_weight=0.0,
    )
    segmenter = load_segmenter("classic")
    for seed in range(first_seed, first_seed + MAX_ATTEMPTS):
        scene = make_scene(seed, options, only if len(only) else None)
        names = [item.name for item in scene.objects]
        low, high = theme.objects
        if not (low <= len(names) <= high and len(set(names)) == len(names) and _suits(scene, theme)):
            continue
        picture = Image.fromarray(scene.image).quantize(256, dither=Image.Dither.NONE)
        image = np.asarray(picture.convert("RGB"))  # as it will be seen: the few colours may be what decides a name
        opened = segmenter.open(image)
        regions = [_clickable(opened, scene, index) for index in range(len(names))]
        clickable = [region for region in regions if region is not None]
        if len(clickable) == len(regions) and (model is None or _all_named(model, image, opened, clickable)):
            return picture, clickable
    raise InputError("scenes.theme_unclickable", seed=first_seed, name=theme.file)


def _suits(scene: Scene, theme: Theme) -> bool:
    height, width = scene.size_hw
    large = all(item.area > 0.012 * height * width for item in scene.objects)
    return large and width > height and any(word in scene.background for word in theme.backgrounds)


def _clickable(opened: OpenedPicture, scene: Scene, index: int) -> dict[str, Any] | None:
    item = scene.objects[index]
    x, y = label_point_xy(item.mask)
    segments = opened.segment([(x, y)], [1], None)
    if not segments or intersection_over_union(segments[0].mask, item.mask) < MIN_IOU:
        return None
    return {"name": item.name, "point": [int(x), int(y)]}


def _still_holds(model: Osprey, path: Path, regions: list[dict[str, Any]]) -> bool:
    """Whether the picture is there and the model names all that was listed for it."""
    if not regions or not path.is_file():
        return False
    with Image.open(path) as picture:
        image = np.asarray(picture.convert("RGB"))
    return _all_named(model, image, load_segmenter("classic").open(image), regions)


def _all_named(model: Osprey, image: NDArray[np.uint8], opened: OpenedPicture, regions: list[dict[str, Any]]) -> bool:
    """Whether the model's category and its descriptions of every clicked region name it. `image`: (H, W, 3)."""
    view = model.open(image)
    for region in regions:
        mask = opened.segment([tuple(region["point"])], [1], None)[0].mask
        category, *descriptions = (view.ask(QUESTIONS[style], [mask]) for style in ("category", "short", "detailed"))
        if category != region["name"] or not all(region["name"] in text for text in descriptions):
            return False
    return True


def main(argv: list[str] | None = None) -> None:
    """Write the drawn example pictures and scenes.json, in which pictures of other makers stay as they are listed."""
    parser = argparse.ArgumentParser(prog="python -m osprey_core.training.examples", description=main.__doc__)
    parser.add_argument("--atlas", type=Path, required=True, help="atlas of large sprites (art --side 512)")
    parser.add_argument("--out", type=Path, default=Path("examples"))
    parser.add_argument("--model", default="nano", help="model that has to name every region; empty for none")
    parser.add_argument("--seed", type=int, default=EVALUATION_SEEDS[50_000_000])
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    atlas = load_atlas(options.atlas)
    model = Osprey.from_pretrained(options.model) if options.model else None
    options.out.mkdir(parents=True, exist_ok=True)
    manifest = options.out / "scenes.json"
    before = {entry["file"]: entry for entry in json.loads(manifest.read_text("utf-8"))} if manifest.is_file() else {}
    listed = []
    for place, theme in enumerate(THEMES):
        entry = before.get(theme.file, {})
        if model and _still_holds(model, options.out / theme.file, entry.get("regions", [])):
            listed.append(entry)
            log.info("%s: kept", theme.file)
            continue
        picture, regions = make_example(theme, atlas, options.seed + place * MAX_ATTEMPTS, model)
        picture.save(options.out / theme.file, optimize=True)
        listed.append(
            {"file": theme.file, "title": theme.title, "regions": regions, "questions": list(theme.questions)}
        )
        log.info("%s: %s", theme.file, ", ".join(str(region["name"]) for region in regions))
    drawn = {theme.file for theme in THEMES}
    listed += [entry for file, entry in before.items() if file not in drawn and (options.out / file).is_file()]
    listed.sort(key=lambda entry: str(entry["file"]))
    manifest.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
