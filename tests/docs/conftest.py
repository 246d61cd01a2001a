"""What the pages are run with, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.desk import make_desk
from tests.docs.shell import warm_programs


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with ``speaksep`` and ``python`` that start at once."""
    with warm_programs(tmp_path_factory.mktemp("bin")) as folder:
        yield folder


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory, programs: Path) -> Path:
    """The files that pages speak of, and a home."""
    return make_desk(tmp_path_factory.mktemp("docs") / "desk", programs)
