"""Sprite atlases: openly licensed emoji pictures, cut out, named and packed into one file.

`python -m osprey_core.training.art --twemoji … --iconify … --openmoji … --out art-cache` renders SVG packages from npm
into `atlas-train.npz` (several styles) and `atlas-heldout.npz` (OpenMoji only: a style the model never sees).
Sprites in memory are premultiplied RGBA, so that resizing and rotating never brings a dark fringe in.
It does not know scenes; the pictures' licences are listed in `LICENCES`.
"""

from __future__ import annotations

import argparse
import json
import logging
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from osprey_core.errors import InputError
from osprey_core.training.scenes.names import things

logger = logging.getLogger(__name__)

LICENCES = {
    "twemoji": "Twemoji, CC-BY 4.0 (npm @twemoji/svg)",
    "noto": "Noto Emoji, Apache-2.0 (npm @iconify-json/noto)",
    "noto-v1": "Noto Emoji v1, Apache-2.0 (npm @iconify-json/noto-v1)",
    "fluent-emoji": "Fluent Emoji, MIT (npm @iconify-json/fluent-emoji)",
    "fluent-emoji-flat": "Fluent Emoji Flat, MIT (npm @iconify-json/fluent-emoji-flat)",
    "fxemoji": "Firefox OS Emoji, Apache-2.0 (npm @iconify-json/fxemoji)",
    "emojione": "Emoji One 2, CC-BY 4.0 (npm @iconify-json/emojione)",
    "openmoji": "OpenMoji, CC BY-SA 4.0 (npm openmoji)",
}
SPRITE_SIDE_PX = 128
# Pictures that show something else than the name says (often a face for the whole animal, or a picture's neighbour).
_MISLEADING = {
    "emojione": frozenset({
        "dog", "cat", "tiger", "cow", "pig", "mouse", "rat", "rabbit", "ox", "poodle", "sheep", "ram", "camel",
        "leopard", "keyboard", "clamp", "trash can", "green leaf", "motorcycle", "monkey", "shower",
    }),
    "fxemoji": frozenset({
        "dog", "cat", "tiger", "pig", "mouse", "rat", "rabbit", "sunglasses", "keyboard", "window", "bird", "chick",
        "leopard",
    }),
}  # fmt: skip
SvgSource = Callable[[str], str | None]  # code points "1F436" or "1F3F4-200D-2620-FE0F" -> SVG text


@dataclass(frozen=True)
class Sprite:
    """One cut-out picture: rgba uint8 (h, w, 4), premultiplied, tight around its content."""

    name: str
    style: str
    rgba: np.ndarray


@dataclass
class Atlas:
    """Sprites by name; every list is non-empty and in the file's order."""

    sprites: dict[str, list[Sprite]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(self.sprites)

    @property
    def styles(self) -> list[str]:
        return sorted({sprite.style for sprites in self.sprites.values() for sprite in sprites})

    def __len__(self) -> int:
        return sum(len(sprites) for sprites in self.sprites.values())

    def add(self, sprite: Sprite) -> None:
        self.sprites.setdefault(sprite.name, []).append(sprite)

    def only(self, styles: Iterable[str]) -> Atlas:
        """The part of the atlas drawn in some of its styles."""
        wanted = set(styles)
        return atlas_of(sprite for sprites in self.sprites.values() for sprite in sprites if sprite.style in wanted)


def atlas_of(sprites: Iterable[Sprite]) -> Atlas:
    """An atlas of sprites given one by one."""
    atlas = Atlas()
    for sprite in sprites:
        atlas.add(sprite)
    return atlas


def load_atlas(path: str | Path) -> Atlas:
    """Read an atlas file and decode every sprite; InputError if it is missing or no atlas."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            index = json.loads(str(stored["index"]))
            blob = stored["blob"]
    except FileNotFoundError as error:
        raise InputError("atlas.missing", path=str(path)) from error
    except (KeyError, ValueError, OSError) as error:
        raise InputError("atlas.foreign", path=str(path)) from error
    atlas = Atlas()
    for name, style, start, end in index:
        bgra = cv2.imdecode(blob[start:end], cv2.IMREAD_UNCHANGED)
        if bgra is not None and bgra.ndim == 3 and bgra.shape[2] == 3:  # WebP drops an alpha channel that is all opaque
            bgra = cv2.cvtColor(bgra, cv2.COLOR_BGR2BGRA)
        if bgra is None or bgra.ndim != 3 or bgra.shape[2] != 4:
            raise InputError("atlas.sprite_damaged", name=repr(name), path=str(path))
        atlas.add(Sprite(name, style, premultiply(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA))))
    return atlas


def save_atlas(atlas: Atlas, path: str | Path, quality: int = 92) -> int:
    """Write an atlas as WebP pictures in one npz; returns the file's size in bytes."""
    index: list[tuple[str, str, int, int]] = []
    parts: list[np.ndarray] = []
    position = 0
    for name, sprites in atlas.sprites.items():
        for sprite in sprites:
            bgra = cv2.cvtColor(unpremultiply(sprite.rgba), cv2.COLOR_RGBA2BGRA)
            coded = cv2.imencode(".webp", bgra, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].reshape(-1)
            index.append((name, sprite.style, position, position + len(coded)))
            parts.append(coded)
            position += len(coded)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    blob = np.concatenate(parts) if parts else np.zeros(0, np.uint8)
    np.savez(path, index=np.array(json.dumps(index)), blob=blob)
    return Path(path).stat().st_size


def premultiply(rgba: np.ndarray) -> np.ndarray:
    """Straight alpha to premultiplied, uint8 (h, w, 4)."""
    alpha = rgba[..., 3:4].astype(np.uint16)
    out = rgba.copy()
    out[..., :3] = (rgba[..., :3].astype(np.uint16) * alpha + 127) // 255
    return out


def unpremultiply(rgba: np.ndarray) -> np.ndarray:
    """Premultiplied to straight alpha, uint8 (h, w, 4); fully transparent pixels become black."""
    alpha = rgba[..., 3:4].astype(np.uint16)
    out = rgba.copy()
    out[..., :3] = np.minimum(255, (rgba[..., :3].astype(np.uint16) * 255 + alpha // 2) // np.maximum(alpha, 1))
    return out


def render_svg(svg: str, side_px: int = SPRITE_SIDE_PX) -> np.ndarray | None:
    """SVG text to a premultiplied sprite whose longest side is side_px, or None when nothing is drawn.

    Rendered once at double size, cropped to what is visible, then brought to size, so every sprite fills its box.
    """
    import resvg_py

    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=side_px * 2, height=side_px * 2, skip_system_fonts=True))
    bgra = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgra is None or bgra.ndim != 3 or bgra.shape[2] != 4:
        return None
    return _fit(premultiply(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA)), side_px)


def _fit(rgba: np.ndarray, side_px: int) -> np.ndarray | None:
    solid = rgba[..., 3] > 24
    rows, cols = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if len(rows) == 0:
        return None
    cut = rgba[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    scale = side_px / max(cut.shape[:2])
    size_wh = (max(2, round(cut.shape[1] * scale)), max(2, round(cut.shape[0] * scale)))
    return cv2.resize(cut, size_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


# -- sources -------------------------------------------------------------------------------------------------


def svg_folder_source(package: str | Path, template: str) -> SvgSource:
    """One SVG file per emoji inside an npm package; template such as "package/{}.svg", code points in its case.

    `{}` takes lower-case, `{upper}` upper-case code points.
    """
    files = _read_package(package, ".svg")

    def find(points: str) -> str | None:
        for spelled in _spellings(points):
            data = files.get(template.format(spelled.lower(), upper=spelled.upper()))
            if data is not None:
                return data.decode("utf-8")
        return None

    return find


def iconify_source(package: str | Path, names_by_points: dict[str, str] | None = None) -> SvgSource:
    """An Iconify JSON package: icons.json (bodies) and chars.json (code points -> icon).

    Some packages leave chars.json empty; then names_by_points, taken from a package that has it, tells the icon's
    name, spelled with or without dashes.
    """
    files = _read_package(package, ".json")
    try:
        icons = json.loads(files["package/icons.json"])
        by_points: dict[str, str] = json.loads(files["package/chars.json"])
    except KeyError as error:
        raise InputError("atlas.package_foreign", package=str(package), missing=str(error)) from error
    if not by_points:
        plain = {name.replace("-", ""): name for name in icons["icons"]}
        wanted = (names_by_points or {}).items()
        by_points = {points: plain[key] for points, name in wanted if (key := name.replace("-", "")) in plain}

    def find(points: str) -> str | None:
        for spelled in _spellings(points):
            icon = icons["icons"].get(by_points.get(spelled.lower(), ""))
            if icon is not None:
                width, height = (icon.get(key, icons.get(key, 16)) for key in ("width", "height"))
                left, top = icon.get("left", 0), icon.get("top", 0)
                return (
                    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                    f'viewBox="{left} {top} {width} {height}">{icon["body"]}</svg>'
                )
        return None

    return find


def iconify_names(package: str | Path) -> dict[str, str]:
    """Lower-case code points to icon name, as an Iconify package's chars.json states it."""
    names: dict[str, str] = json.loads(_read_package(package, ".json").get("package/chars.json", b"{}"))
    return names


def _spellings(points: str) -> Iterator[str]:
    """Packages disagree about the variation selector FE0F and about leading zeros."""
    bare = points.replace("-FE0F", "")
    yield from dict.fromkeys((points, bare, f"{bare}-FE0F", bare.lstrip("0")))


def _read_package(package: str | Path, suffix: str) -> dict[str, bytes]:
    try:
        with tarfile.open(package, "r:gz") as archive:
            return {
                member.name: stream.read()
                for member in archive
                if member.isfile() and member.name.endswith(suffix) and (stream := archive.extractfile(member))
            }
    except (OSError, tarfile.TarError) as error:
        raise InputError("atlas.package_unreadable", package=str(package), reason=str(error)) from error


# -- building ------------------------------------------------------------------------------------------------


def build_atlas(
    sources: dict[str, SvgSource], side_px: int = SPRITE_SIDE_PX, names: Iterable[str] | None = None
) -> Atlas:
    """Render the vocabulary (or some of its names) in every style that has it.

    A name with several code points gets the first two that a style has, so that variants such as red and green
    apples both occur without outweighing the rest.
    """
    vocabulary = things()
    atlas = Atlas()
    for name in names if names is not None else vocabulary:
        for style, find in sources.items():
            if name in _MISLEADING.get(style, ()):
                continue
            rendered = 0
            for points in vocabulary[name].code_points:
                svg = find(points)
                rgba = render_svg(svg, side_px) if svg else None
                if rgba is not None:
                    atlas.add(Sprite(name, style, rgba))
                    rendered += 1
                if rendered == (2 if name != "heart" else 7):
                    break
    return atlas


def main(argv: list[str] | None = None) -> None:
    """Build the atlas files from npm packages (`npm pack NAME`)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--twemoji", type=Path, help="@twemoji/svg package (.tgz)")
    parser.add_argument("--iconify", type=Path, nargs="*", default=[], help="@iconify-json/* packages (.tgz)")
    parser.add_argument("--openmoji", type=Path, help="openmoji package (.tgz), the held-out style")
    parser.add_argument("--out", type=Path, default=Path("art-cache"))
    parser.add_argument("--side", type=int, default=SPRITE_SIDE_PX, help="longest side of a sprite in pixels")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    sources: dict[str, SvgSource] = {}
    if options.twemoji:
        sources["twemoji"] = svg_folder_source(options.twemoji, "package/{}.svg")
    names_by_points: dict[str, str] = {}
    for package in options.iconify:
        names_by_points = {**iconify_names(package), **names_by_points}
    for package in options.iconify:
        sources[_iconify_style(package)] = iconify_source(package, names_by_points)
    jobs = {"train": sources}
    if options.openmoji:
        jobs["heldout"] = {"openmoji": svg_folder_source(options.openmoji, "package/color/svg/{upper}.svg")}
    for kind, available in jobs.items():
        if not available:
            continue
        atlas = build_atlas(available, options.side)
        size = save_atlas(atlas, options.out / f"atlas-{kind}.npz")
        logger.info("%s: %d names, %d sprites, %.1f MB", kind, len(atlas.names), len(atlas), size / 1e6)


def _iconify_style(package: Path) -> str:
    """ "iconify-json-noto-v1-1.2.5.tgz" -> "noto-v1"."""
    return package.name.removeprefix("iconify-json-").rsplit("-", 1)[0]


if __name__ == "__main__":
    main()
