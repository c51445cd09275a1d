"""What is kept of a session, and that nothing of it is lost on the way to a file and back."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace

import pytest

from demo.chat import transcript
from demo.jobs.captions import describe_everything
from demo.jobs.requests import request_of
from demo.session import conversation
from demo.session import record as session_record
from demo.session.marks import mark_brush, mark_point, take_segment
from demo.session.pictures import open_picture
from demo.session.regions import rename_region, select_region
from demo.session.segments import segments_in
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from osprey_core import Osprey
from osprey_core.errors import InputError
from osprey_core.io import export
from osprey_core.io.pictures import read_picture
from osprey_core.io.record import Record, RecordedPicture, RecordedRegion, RecordedTurn
from osprey_core.language.sampling import SamplingSettings
from osprey_core.regions.rle import CodedMask
from tests import fakes
from tests.demo.sessions import answered, png


@pytest.fixture
def services() -> Services:
    return Services(LazyResource.of(fakes.FakeModel()), LazyResource.of(fakes.FakeSegmenter()))


@pytest.fixture
def talked(services: Services) -> Session:
    """Two regions, three questions; then the first region is changed and the second renamed."""
    session = open_picture(png(), "shapes.png")
    session = mark_point(services, session, 80, 100, "new")
    session = answered(services, conversation.ask(session, "What is it?"))
    session = mark_point(services, session, 250, 110, "new")
    session = answered(services, conversation.ask(session, "And @2, next to @1?"))
    session = answered(services, conversation.ask(session, "Bigger?"))
    session = mark_brush(select_region(session, 1), [[20.0, 20.0]], 6, "add")
    return rename_region(session, 2, "ball")


def test_a_session_comes_back_from_its_zip(services: Services, talked: Session) -> None:
    data, name = session_record.zip_of(talked, "nano", "classic")
    assert name == "shapes-osprey.zip"
    back = session_record.open_file(data, name)
    assert back.picture == talked.picture
    for old, new in zip(talked.regions, back.regions, strict=True):
        assert (old.number, old.name, old.mask) == (new.number, new.name, new.mask)
    for turn, kept in zip(talked.transcript, back.transcript, strict=True):
        assert kept.settings == turn.settings == SamplingSettings(max_new_tokens=1024)
        assert (turn.typed, turn.answer, turn.regions, turn.implied, turn.state) == (
            kept.typed, kept.answer, kept.regions, kept.implied, kept.state,
        )  # fmt: skip
    assert back.selected == 2


def test_what_was_told_of_everything_goes_into_the_zip_and_comes_back(services: Services, talked: Session) -> None:
    workspace = Workspace()
    workspace.open(talked)
    list(describe_everything(services, workspace, "short", SamplingSettings()))
    session = mark_point(services, workspace.session, 200, 220, "new")  # no segment of the fake segmenter
    data, name = session_record.zip_of(session, "nano", "fake")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        everything = json.loads(archive.read("everything.json"))
        table = list(csv.DictReader(io.StringIO(archive.read("everything.csv").decode())))
        regions = json.loads(archive.read("annotations.json"))
    told = {annotation["area"]: annotation["caption"] for annotation in everything["annotations"]}
    for shape in ("red", "blue"):
        area = int(fakes.shape(shape).sum())
        assert told[area].startswith(f"area={area} ")
    assert [int(line["pixels"]) for line in table] == sorted(told, reverse=True)
    assert [line["caption"] for line in table] == [told[area] for area in sorted(told, reverse=True)]
    assert {line["outline"] for line in table} == {"0.900"}
    assert "captions" not in regions["annotations"][2]

    back = session_record.open_file(data, name)
    assert back.captions is not None
    assert session.captions is not None
    assert (back.captions.state, back.captions.total) == ("complete", 3)
    assert dict(back.captions.rows) == dict(session.captions.rows)
    assert back.captions.segments == session.captions.segments == segments_in(services, back)
    # A row becomes the region that the table shows, whatever this segmenter finds.
    fewer = replace(back, captions=replace(back.captions, segments=back.captions.segments[1:]))
    assert take_segment(services, fewer, 0, "new").regions[-1].mask == back.captions.segments[1].mask


def test_what_two_models_told_of_everything_comes_back(services: Services, talked: Session) -> None:
    other = fakes.FakeModel(name="=second", reply="+1 thing", unable="blue")
    workspace = Workspace()
    workspace.open(talked)
    both = replace(services, second=LazyResource.of(other, other.name))
    list(describe_everything(both, workspace, "short", SamplingSettings()))
    data, name = session_record.zip_of(workspace.session, "nano", "fake")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        everything = json.loads(archive.read("everything.json"))
        table = list(csv.DictReader(io.StringIO(archive.read("everything.csv").decode())))
    blue, reason = int(fakes.shape("blue").sum()), "The answer of =second was cut off; try again."
    for annotation, line in zip(everything["annotations"], table, strict=True):
        said = {"error": reason} if annotation["area"] == blue else {"caption": "+1 thing"}
        assert annotation["compared"] == {"model": "=second", **said}
        # A spreadsheet must not take what a model says for a formula.
        cells = ("'=second", "", reason) if annotation["area"] == blue else ("'=second", "'+1 thing", "")
        assert (line["compared_with"], line["compared"], line["not_compared"]) == cells
        assert line["caption"] == annotation["caption"]

    kept = session_record.text_of(workspace.session, "nano")
    assert talked.picture is not None
    of_browser = session_record.session_of_kept(kept.encode(), talked.picture.data, talked.picture.digest)
    assert workspace.session.captions is not None
    before = workspace.session.captions.second
    for back in (session_record.open_file(data, name), of_browser):
        assert back.captions is not None
        assert before is not None
        assert back.captions.second is not None
        assert (back.captions.state, back.captions.model, back.captions.second.model) == ("complete", "nano", "=second")
        assert dict(back.captions.second.rows) == dict(before.rows)
        assert back.captions.second.reasons() == before.reasons()


def test_the_model_is_asked_the_same_after_coming_back(services: Services, talked: Session) -> None:
    back = session_record.open_file(session_record.zip_of(talked, "nano", "classic")[0], "x.zip")
    settings = SamplingSettings()
    requests = []
    for session in (talked, back):
        asked = conversation.ask(select_region(session, 1), "How large is @1, and @2?")
        requests.append(request_of(asked, asked.transcript[-1], settings))
    assert requests[0] == requests[1]


@pytest.mark.slow
def test_the_embedded_model_says_the_same_again_after_coming_back() -> None:
    """What was drawn by chance, with a seed that nobody gave, comes word for word from the zip alone."""
    nano = Osprey.from_pretrained("nano", device="cpu")
    services = Services(LazyResource.of(nano, "nano"), LazyResource.of(fakes.FakeSegmenter()))
    drawn = SamplingSettings(0.9, 0.95, max_new_tokens=24)
    session = open_picture(png(), "shapes.png")
    session = mark_point(services, session, 80, 100, "new")
    session = answered(services, conversation.ask(session, "Can you give me a detailed description of @1?"), drawn)
    session = mark_point(services, session, 250, 110, "new")
    session = answered(services, conversation.ask(session, "What is around @2?"), drawn)
    session = answered(services, conversation.ask(select_region(session, 1), "And this one?"), drawn)

    record = export.read_conversation(session_record.zip_of(session, "nano", "fake")[0])
    seeds = {turn.settings.seed for turn in record.turns if turn.settings is not None}
    assert len(seeds) == 3
    view = Osprey.from_pretrained("nano", device="cpu").open(read_picture(record.picture.data))
    assert [view.ask(**record.request(place)) for place in range(3)] == [turn.answer for turn in record.turns]

    back = session_record.open_file(session_record.zip_of(session, "nano", "fake")[0], "x.zip")
    kept = back.transcript[-1]
    again = answered(services, conversation.retry(back), kept.settings)
    assert again.transcript[-1].answer == kept.answer == session.transcript[-1].answer
    other = answered(services, conversation.retry(back), drawn).transcript[-1]
    assert other.settings is not None
    assert kept.settings is not None
    assert other.settings.seed != kept.settings.seed, "asking anew draws a seed of its own"


def test_the_regions_are_in_the_coco_file_under_their_names(talked: Session) -> None:
    record = session_record.record_of(talked)
    assert record is not None
    annotations = export.to_coco(record)["annotations"]
    areas = [int(region.mask.mask().sum()) for region in talked.regions]
    assert [annotation["area"] for annotation in annotations] == areas
    assert areas[1] == fakes.shape("blue").sum()


def test_an_answer_under_way_is_left_out(talked: Session) -> None:
    waiting = conversation.ask(talked, "Still there?")
    record = session_record.record_of(waiting)
    assert record is not None
    assert len(record.turns) == len(talked.transcript)


def test_a_liked_answer_stays_liked(talked: Session) -> None:
    liked = replace(talked, transcript=(replace(talked.transcript[0], liked=True), *talked.transcript[1:]))
    back = session_record.open_file(session_record.zip_of(liked, "", "")[0], "x.zip")
    assert [turn.liked for turn in back.transcript] == [True, None, None]


def test_without_a_picture_there_is_nothing_to_keep() -> None:
    with pytest.raises(InputError, match="no picture"):
        session_record.zip_of(Session(), "", "")
    with pytest.raises(InputError):
        session_record.open_file(b'{"format": "something else"}', "x.json")


def test_a_conversation_from_elsewhere_can_be_gone_on_with(services: Services) -> None:
    """A question about no region, and words typed that do not fit the question the model got."""
    mask = CodedMask.of(fakes.shape("red"))
    region = RecordedRegion(4, mask)
    turns = (
        RecordedTurn("What is this picture?", "Shapes.", known_regions=0),
        RecordedTurn("What is <region1>?", "Red.", known_regions=1, typed="What is @9?"),
    )
    record = Record(RecordedPicture.read(png(), "a.png"), (region,), (region,), turns)
    session = session_record.session_of(record)
    assert [turn.typed for turn in session.transcript] == ["What is this picture?", "What is @4?"]
    assert transcript.turns(session)
    asked = answered(services, conversation.ask(session, "And @4?"))
    assert session_record.open_file(session_record.zip_of(asked, "", "")[0], "x.zip").regions == session.regions
