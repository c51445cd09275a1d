"""What a model cannot do is refused with a sentence before it is tried."""

from __future__ import annotations

import pytest

from demo.analysis.ablation import new_ablation
from demo.analysis.label_scores import new_label_scores
from demo.analysis.similarity_maps import new_similarity_maps
from demo.jobs.decoding import decode
from demo.session.services import Services
from demo.session.session import Analysis, Session
from demo.shared.lazy_resource import LazyResource
from demo.shared.running_jobs import Ticket
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings
from osprey_core.region_model import Abilities
from tests import fakes


class Remote(fakes.FakeModel):
    """A model behind an endpoint."""

    @property
    def abilities(self) -> Abilities:
        return Abilities(likelihood=False, confidence=False, features=False)


def analyses_of(session: Session) -> list[Analysis]:
    return [
        new_label_scores(session, ["a", "b"]),
        new_similarity_maps(session),
        new_ablation(session, "What is it?", SamplingSettings(max_new_tokens=8)),
    ]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_closer_look_that_the_model_cannot_give(two: Session, place: int) -> None:
    services = Services(
        model=LazyResource.of(Remote(name="remote"), "remote"), segmenter=LazyResource.of(fakes.FakeSegmenter())
    )
    request = analyses_of(two)[place].requests[-1]
    with pytest.raises(InputError) as refusal:
        list(decode(services, request, Ticket()))
    assert refusal.value.code == "page.model_unable"
    assert "remote" in str(refusal.value)
