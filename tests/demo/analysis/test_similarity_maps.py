"""Maps of what each level of the encoder finds like a region."""

from __future__ import annotations

import cv2
import numpy as np

from demo.analysis import similarity_maps
from demo.analysis.panel import analysis_payload
from demo.analysis.similarity_maps import new_similarity_maps
from demo.session.services import Services
from demo.session.session import Analysis
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from osprey_core.analysis import feature_similarity
from tests import fakes
from tests.demo.analyses import carried_out
from tests.tiny import tiny_osprey


def test_the_maps_are_those_of_the_selected_region_over_its_picture(workspace: Workspace) -> None:
    tiny = tiny_osprey()
    services = Services(model=LazyResource.of(tiny, "tiny"), segmenter=LazyResource.of(fakes.FakeSegmenter()))
    analysis = carried_out(services, workspace, new_similarity_maps)
    expected = feature_similarity.similarity_maps(tiny.open(fakes.picture()), fakes.shape("blue"))
    assert [part.level for part in analysis.parts] == ["res2", "res3", "res4", "res5"]
    assert all(np.array_equal(part.heat, expected[part.level]) for part in analysis.parts)
    image = np.array(fakes.picture())
    shown = analysis_payload(workspace.session, analysis, image)
    assert [part["size"] for part in shown["parts"]] == [[16, 16], [8, 8], [4, 4], [2, 2]]
    jpeg = similarity_maps.drawn(image, analysis.regions[0], analysis.parts[0])
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    drawn = cv2.cvtColor(decoded, cv2.COLOR_BGR2HSV)
    assert drawn.shape == image.shape
    colour = drawn[np.argwhere(fakes.shape("blue")).mean(axis=0).astype(int)[0], 250]
    assert colour[1] > 60, "the map is coloured where the picture lies"


def test_a_region_too_thin_for_a_level_is_said_to_be_unseen(workspace: Workspace) -> None:
    found = similarity_maps.LevelMap("res5", np.zeros((2, 2), np.float32))
    analysis = new_similarity_maps(workspace.session)
    shown = analysis_payload(
        workspace.session, Analysis(1, "inside", analysis.regions, (), (found,)), np.array(fakes.picture())
    )
    assert not shown["parts"][0]["seen"]
