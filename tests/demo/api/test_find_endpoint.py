"""Find over HTTP with gradio_client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from osprey_core.regions.rle import decode_rle
from tests import fakes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fakes.served(fakes.FakeModel(), fakes.FakeSegmenter(), tmp_path_factory.mktemp("none")) as address:
        yield address


def test_finds_are_told_and_can_be_taken(address: str, tmp_path: Path) -> None:
    fakes.picture().save(tmp_path / "mine.png")
    client = Client(address, verbose=False)
    client.predict(handle_file(str(tmp_path / "mine.png")), api_name="/open_picture")
    (found,) = client.predict("all the red", 0.5, api_name="/find")
    assert (decode_rle(found["rle"]) == fakes.shape("red")).all()
    assert 0.9 < found["score"] < 1
    assert client.predict("elephant", 0.5, api_name="/find") == []
    assert client.predict("red", 0.99, api_name="/find") == []
    region = client.predict(found["index"], "new", api_name="/take_segment")
    assert (decode_rle(region["rle"]) == fakes.shape("red")).all()
    with pytest.raises(AppError, match="Type what to find"):
        client.predict("  ", 0.5, api_name="/find")
