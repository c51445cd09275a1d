"""Only files that were uploaded can be named by the browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.shared.uploads import uploaded_file
from osprey_core.errors import InputError
from tests import fakes


def test_only_uploaded_files_can_be_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    fakes.picture().save(secret)
    for file in ({"path": str(secret)}, {"path": "/etc/passwd"}, {"path": 5}, "x", None):
        with pytest.raises(InputError, match="did not arrive"):
            uploaded_file(file)
