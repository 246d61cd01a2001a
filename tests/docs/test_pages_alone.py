"""Every command of the pages that need no platform is run as it stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import ALL
from tests.docs.scenes import ALONE, PLATFORM
from tests.docs.shell import Scene, is_looked_up, is_run, run_page

RUN = {
    block.page.stem: block.page
    for block in ALL
    if is_run(block) and not all(is_looked_up(line) for line in block.code.splitlines())
}


@pytest.mark.timeout(290)
@pytest.mark.parametrize("name", sorted(RUN.keys() - PLATFORM))
def test_page(name: str, programs: Path, desk: Path, tmp_path: Path) -> None:
    run_page(RUN[name], ALONE.get(name, Scene()), programs, desk, tmp_path)
