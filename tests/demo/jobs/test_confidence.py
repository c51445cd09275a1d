"""Short answers and captions with how sure the model is of the name in them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from demo.chat import transcript
from demo.everything.panel import captions_of
from demo.i18n.language import speaking
from demo.jobs.captions import describe_everything
from demo.session import record
from demo.session.marks import mark_point
from demo.session.pictures import open_picture
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared.confidence import confidence_of
from demo.shared.lazy_resource import LazyResource
from osprey_core import Osprey
from osprey_core.io import export, record_json
from osprey_core.io.pictures import read_picture
from osprey_core.language.prompts import QUESTIONS
from osprey_core.language.sampling import SamplingSettings
from osprey_core.region_model import Guess
from tests import fakes
from tests.demo.sessions import asked, png

SURE = (Guess("dog", 0.8, 0.83), Guess("cat", 0.1, 0.09), Guess("fox", 0.05, 0.02), Guess("cow", 0.01, 0.001))
UNSURE = (Guess("dog", 0.3, 0.38), Guess("cat", 0.3, 0.31), Guess("fox", 0.1, 0.09), Guess("cow", 0.01, 0.001))


@pytest.fixture
def model() -> fakes.FakeModel:
    return fakes.FakeModel(reply="a brown dog", names=SURE)


def confidence(session: Session) -> dict[str, object] | None:
    shown: dict[str, object] | None = transcript.turns(session)[-1]["confidence"]
    return shown


def test_a_short_answer_has_the_confidence_of_its_name(
    services: Services, two: Session, model: fakes.FakeModel
) -> None:
    session = asked(services, two, "What is it?")
    assert confidence(session) == {"short": "83 %", "line": "dog: 83 % sure", "isUnsure": False}
    assert (model.named[0] == fakes.shape("blue")).all()  # the region that the question is about
    stats = session.transcript[-1].stats
    assert stats is not None
    assert stats.guesses == (("dog", 0.83), ("cat", 0.09), ("fox", 0.02))


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "Not sure: cat? (31 %) Or: dog (38 %), fox (9 %)"),
        ("ko", "확실하지 않음: cat? (31%) 또는: dog (38%), fox (9%)"),
        ("zh", "不确定：cat？(31%) 或者：dog (38%)、fox (9%)"),
    ],
)
def test_below_the_limit_the_next_guesses_are_told(
    services: Services, two: Session, model: fakes.FakeModel, language: str, line: str
) -> None:
    model.names, model.reply = UNSURE, "It is a cat."
    session = asked(services, two, "What is it?")
    with speaking(language):
        shown = confidence(session)
    assert shown is not None
    assert (shown["line"], shown["isUnsure"]) == (line, True)


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("What color is it?", "It is brown."),
        ("How do @1 and @2 relate?", "a dog"),
        ("Tell me all", "a dog " + "and a house " * 5),
        ("A long question about it", "a dog"),
    ],
    ids=["no name", "two regions", "a description", "cut off or very long"],
)
def test_other_answers_have_no_confidence(
    services: Services, two: Session, model: fakes.FakeModel, question: str, reply: str
) -> None:
    model.reply = reply
    assert confidence(asked(services, two, question)) is None


def test_a_model_that_cannot_tell_is_not_asked(services: Services, two: Session, model: fakes.FakeModel) -> None:
    model.names = ()
    assert confidence(asked(services, two, "What is it?")) is None
    assert model.named == []


def test_nothing_is_told_to_be_certain(services: Services, two: Session, model: fakes.FakeModel) -> None:
    model.names = (Guess("dog", 1.0, 0.9999), Guess("cat", 0.0, 0.0))
    assert confidence(asked(services, two, "What is it?")) == {
        "short": ">99 %",
        "line": "dog: >99 % sure",
        "isUnsure": False,
    }


def test_captions_get_their_confidences_after_all_are_written(
    services: Services, opened: Session, model: fakes.FakeModel
) -> None:
    model.names = UNSURE
    workspace = Workspace()
    workspace.change(lambda _: opened)
    seen = []
    for session in describe_everything(services, workspace, "short", SamplingSettings(), interval=0):
        assert session.captions is not None
        seen.append((len(session.captions.rows), len(session.captions.names)))
    assert all(names == 0 or rows == 3 for rows, names in seen)
    shown = captions_of(workspace.session)
    assert shown is not None
    assert sorted(index for index, _ in shown["confidences"]) == [0, 1, 2]
    assert {told["line"] for _, told in shown["confidences"]} == {"Not sure: dog? (38 %) Or: cat (31 %), fox (9 %)"}
    assert shown["state"] == "complete"
    model.named.clear()
    for _ in describe_everything(services, workspace, "detailed", SamplingSettings()):
        pass
    assert model.named == []


def test_confidences_are_saved_and_old_records_open(services: Services, two: Session, model: fakes.FakeModel) -> None:
    model.names = UNSURE
    session = asked(services, two, "What is it?")
    data, name = record.zip_of(session, "fake", "fake")
    assert confidence(record.open_file(data, name)) == confidence(session)
    saved = export.read_conversation(data)
    assert "not sure: dog (38 %), cat (31 %), fox (9 %)" in export.to_markdown(saved)
    values = json.loads(record_json.to_json(saved))
    measures = values["turns"][0]["measures"]
    del measures["first_guess"], measures["unsure_below"]  # as written before the name was kept
    older = record_json.from_json(json.dumps(values), saved.picture.data)
    assert confidence(record.session_of(older)) == {"short": "38 %", "line": "38 %", "isUnsure": False}
    for entry in ("confidence", "second_guess", "second_confidence", "third_guess", "third_confidence"):
        del measures[entry]
    assert confidence(record.session_of(record_json.from_json(json.dumps(values), saved.picture.data))) is None


def test_the_embedded_models_answer_has_the_confidence_that_the_library_gives() -> None:
    osprey = Osprey.from_pretrained("nano", "cpu")
    services = Services(LazyResource.of(osprey), LazyResource.of(fakes.FakeSegmenter()))
    session = mark_point(services, open_picture(png(), "shapes.png"), 80, 100, "new")
    session = asked(services, session, QUESTIONS["category"].replace("<region1>", "@1"))
    named = osprey.open(np.asarray(read_picture(png()))).name(fakes.shape("red"), guesses=6)
    stats = session.transcript[-1].stats
    assert stats is not None
    expected = named.in_answer(session.transcript[-1].answer)
    assert expected is not None
    assert stats.guesses[0] == pytest.approx((expected.guesses[0].name, expected.guesses[0].confidence))
    assert replace(stats).is_unsure == expected.is_unsure


def test_a_sure_name_comes_with_the_kind_that_it_perhaps_is() -> None:
    guesses = [("dog", 0.83), ("cat", 0.09)]
    assert confidence_of(guesses, False, "beagle") == {
        "short": "83 %", "line": "dog: 83 % sure, perhaps beagle", "isUnsure": False
    }  # fmt: skip
    unsure = confidence_of(guesses, True, "beagle")
    assert unsure is not None
    assert "beagle" not in unsure["line"]
