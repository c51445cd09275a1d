"""One question answered several times."""

from __future__ import annotations

from typing import Any

import pytest

from demo.analysis.samples import new_samples
from demo.session.services import Services
from demo.session.workspace import Workspace
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings
from tests import fakes
from tests.demo.analyses import carried_out


def test_samples_differ_by_seed_alone_and_can_be_had_again(
    services: Services, workspace: Workspace, model: fakes.FakeModel
) -> None:
    settings = SamplingSettings(0.0, 0.9, 64, 2**63 - 2)
    analysis = carried_out(services, workspace, lambda s: new_samples(s, "What?", 3, "0.7", settings))
    asked = [(call.settings["temperature"], call.settings["top_p"], call.settings["seed"]) for call in model.calls]
    assert asked == [(0.7, 0.9, 2**63 - 2), (0.7, 0.9, 2**63 - 1), (0.7, 0.9, 0)]
    assert [part.seed for part in analysis.parts] == [2**63 - 2, 2**63 - 1, 0]


def test_without_a_seed_samples_begin_anywhere_and_say_where(services: Services, workspace: Workspace) -> None:
    made = [new_samples(workspace.session, "What?", 2, 1, SamplingSettings()) for _ in range(8)]
    assert len({analysis.parts[0].seed for analysis in made}) > 1
    assert all(analysis.parts[1].seed == analysis.parts[0].seed + 1 for analysis in made)


@pytest.mark.parametrize(
    ("count", "temperature", "sentence"),
    [
        (1, 0.7, "2 to 8"),
        (9, 0.7, "2 to 8"),
        (None, 0.7, "must be numbers"),
        (2.5, 0.7, "must be numbers"),
        (4, 0, "all samples are the same"),
        (4, 3, "between 0.001 and 2"),
        (4, "warm", "must be numbers"),
    ],
)
def test_samples_that_make_no_sense(workspace: Workspace, count: Any, temperature: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        new_samples(workspace.session, "What?", count, temperature, SamplingSettings())
