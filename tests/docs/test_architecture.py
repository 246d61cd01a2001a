"""What is drawn and told of the architecture and of security is what the code has."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from docs import drawings
from speaksep_hub.local.folder import Folder
from speaksep_hub.local.parts import platform_parts
from speaksep_hub.settings import Settings
from tests.docs.pages import ROOT

RENEW = "python docs/drawings.py draws it anew"
SECURITY = (ROOT / "docs" / "security.md").read_text("utf-8")


@pytest.mark.parametrize(("name", "draw"), drawings.DRAWN.items(), ids=drawings.DRAWN)
def test_drawings_are_those_of_the_code(name: str, draw: Callable[[], str]) -> None:
    assert (ROOT / "docs" / "images" / name).read_text("utf-8") == draw(), RENEW


def test_the_table_of_rooms_is_that_of_the_code() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert page == drawings.with_table(page), RENEW
    assert page.count("| `speaksep_") >= 40


def test_every_room_says_what_it_is_for() -> None:
    assert [name for package in drawings.PLACES for name, said in drawings.rooms(package).items() if not said] == []


def test_every_part_of_a_running_platform_is_drawn(tmp_path: Path) -> None:
    settings = Settings()
    folder = Folder.open(tmp_path / "hub")
    names = {part.name for part in platform_parts(settings, folder, {}, workers=1)}
    assert names == set(drawings.PARTS)


def test_arrows_lead_from_something_to_something() -> None:
    assert {name for edge in drawings.EDGES for name in edge} <= {*drawings.PARTS, *drawings.THINGS}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+\.py)`", SECURITY))))
def test_every_test_that_security_names_is_there(name: str) -> None:
    assert list((ROOT / "tests").rglob(name))
