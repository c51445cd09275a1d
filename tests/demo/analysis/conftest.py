"""A person's workspace with two marked regions."""

from __future__ import annotations

import pytest

from demo.session.session import Session
from demo.session.workspace import Workspace


@pytest.fixture
def workspace(two: Session) -> Workspace:
    """Red as region 1, blue as region 2, which is selected."""
    workspace = Workspace()
    workspace.change(lambda _: two)
    return workspace
