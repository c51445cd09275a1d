"""What the canvas is sent: the same pixels, thin things seen, large pictures small."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace

import numpy as np
from PIL import Image

from demo.canvas.payloads import detail_of, picture_of, scene_of
from demo.session.pictures import open_picture
from demo.session.session import Region, Session
from demo.session.workspace import Sheet
from osprey_core.regions.rle import CodedMask
from tests import fakes
from tests.demo.sessions import png


def test_the_scene_shows_the_same_pixels(two: Session) -> None:
    scene = json.loads(json.dumps(scene_of(two, 5)))
    assert (scene["seq"], scene["selected"], scene["next"]["number"]) == (5, 2, 3)
    region = scene["regions"][1]
    x0, y0, x1, y1 = region["box"]
    flat = np.repeat(np.arange(len(region["runs"])) % 2 == 1, region["runs"])
    shown = np.zeros((270, 360), bool)
    shown[y0:y1, x0:x1] = flat.reshape(y1 - y0, x1 - x0)
    assert (shown == fakes.shape("blue")).all()


def test_what_is_thin_on_a_large_picture_is_shown() -> None:
    thin = np.zeros((3000, 4000), bool)
    thin[1234, 100:3900] = True
    thin[40:2900, 2001] = True
    thin[2999, 3999] = True
    session = open_picture(png(fakes.picture().resize((4000, 3000))), "large.png")
    region = Region(1, CodedMask.of(thin))
    (sent,) = scene_of(replace(session, regions=(region,), selected=1))["regions"]
    assert sent["size"] == [1024, 768]
    x0, y0, x1, y1 = sent["box"]
    flat = np.repeat(np.arange(len(sent["runs"])) % 2 == 1, sent["runs"])
    shown = np.zeros((768, 1024), bool)
    shown[y0:y1, x0:x1] = flat.reshape(y1 - y0, x1 - x0)
    assert shown[1234 * 768 // 3000, 26:998].all()
    assert shown[11:742, 2001 * 1024 // 4000].all()
    assert shown[767, 1023]
    assert shown.sum() < 2 * (1024 + 768)


def test_a_small_thing_in_a_large_picture_keeps_its_exact_outline() -> None:
    thing = np.zeros((3000, 4000), bool)
    thing[2003:2014, 3101:3112] = True
    thing[2003, 3101] = False
    session = open_picture(png(fakes.picture().resize((4000, 3000))), "large.png")
    region = Region(1, CodedMask.of(thing))
    (sent,) = scene_of(replace(session, regions=(region,), selected=1))["regions"]
    assert sent["size"] == [4000, 3000]
    assert sent["box"] == [3101, 2003, 3112, 2014]
    assert sent["runs"] == [1, 120]


def test_a_part_of_a_large_picture_is_sent_at_its_full_size() -> None:
    image = np.random.default_rng(0).integers(0, 256, (600, 900, 3), np.uint8)
    session = open_picture(png(Image.fromarray(image)), "noise.png")
    sent = detail_of(session, image, (850, 100, 950, 160), 1.0)
    assert (sent["box"], sent["scale"]) == ([850, 100, 900, 160], 1.0)
    part = Image.open(io.BytesIO(base64.b64decode(sent["url"].split(",")[1])))
    assert part.size == (50, 60)
    assert np.abs(np.array(part).astype(int) - image[100:160, 850:900]).mean() < 40  # JPEG of noise
    half = detail_of(session, image, (0, 0, 900, 600), 0.5)
    assert Image.open(io.BytesIO(base64.b64decode(half["url"].split(",")[1]))).size == (450, 300)
    assert detail_of(session, image, (900, 0, 950, 50), 1.0) == {}


def test_a_large_picture_is_sent_small_but_keeps_its_size() -> None:
    session = open_picture(png(fakes.picture(scale=10)), "large.png")
    sent = picture_of(Sheet(7, session), np.array(fakes.picture(scale=10)))
    assert (sent["width"], sent["height"]) == (3600, 2700)
    assert len(sent["url"]) < 400_000
