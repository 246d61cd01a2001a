"""Every block of code is run, or says why not; then what it speaks of exists."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping

import pytest
import yaml

from tests.docs.lookup import wrong
from tests.docs.pages import ALL, PAGES, ROOT, RUN, SHELL, Block
from tests.docs.scenes import ALONE, PLATFORM
from tests.docs.shell import is_looked_up, is_run

LANGUAGES = {*RUN, "text", "toml", "yaml", "json", "js"}
SHELLS = [block for block in ALL if block.language in SHELL]
READERS: Mapping[str, Callable[[str], object]] = {
    "python": lambda code: compile(code, "page", "exec"),
    "json": lambda code: json.loads(code if code.lstrip().startswith("{") else f"{{{code}}}"),
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}
MOST_NOT_RUN = 16
"""Blocks that say why they are not run; more of them are a decision."""


def named(blocks: list[Block]) -> list[object]:
    return [pytest.param(block, id=block.place) for block in blocks]


def test_every_fence_names_its_language() -> None:
    assert [block.place for block in ALL if block.language not in LANGUAGES] == []


def test_scenes_are_of_pages() -> None:
    assert {*ALONE, *PLATFORM} - {page.stem for page in PAGES} == set()


def test_reasons_are_few() -> None:
    reasons = Counter(block.not_run for block in ALL if block.not_run)
    assert reasons.total() <= MOST_NOT_RUN, reasons
    assert [reason for reason in reasons if len(reason.split()) < 3] == []


def test_most_lines_are_run() -> None:
    lines = Counter(
        "run" if is_run(block) and not is_looked_up(line) else "run by" if block.run_by else "looked up"
        for block in ALL
        if block.language in RUN
        for line in block.code.splitlines()
        if line.strip()
    )
    assert lines["run"] + lines["run by"] > 3 * lines["looked up"], lines


@pytest.mark.parametrize("block", named([block for block in ALL if block.run_by]))
def test_who_is_said_to_run_a_block_knows_its_page(block: Block) -> None:
    test = ROOT / block.run_by
    assert test.is_file()
    assert block.page.name in test.read_text("utf-8")


@pytest.mark.parametrize("block", named(SHELLS))
def test_shell_is_shell_and_what_it_names_exists(block: Block) -> None:
    said = subprocess.run(["bash", "-n"], input=block.code, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    assert wrong(block.code) == []


@pytest.mark.parametrize("block", named([block for block in ALL if block.language in READERS]))
def test_what_is_not_shell_can_be_read(block: Block) -> None:
    READERS[block.language](block.code)


def test_pages_were_found() -> None:
    assert len(PAGES) >= 30
    assert len(SHELLS) >= 40
