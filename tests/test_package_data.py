"""What is installed as a package has all the files that the code reads, not only in the source tree."""

from __future__ import annotations

import tomllib
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
NOT_READ = {".py", ".pyc", ".md"}
"""Endings of sources, and of texts for people."""


@pytest.mark.parametrize("package", ["osprey_core", "demo"])
def test_every_data_file_is_packaged(package: str) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = settings["tool"]["setuptools"]["package-data"][package]
    folder = ROOT / package
    names = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.suffix not in NOT_READ]
    assert len(names) > 5

    def is_packaged(name: PurePosixPath) -> bool:
        return any(name.match(p) and len(PurePosixPath(p).parts) == len(name.parts) for p in patterns)

    assert [str(name) for name in names if not is_packaged(PurePosixPath(name.as_posix()))] == []
