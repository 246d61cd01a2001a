"""docs/plugins.md: its code runs, and it leaves nothing out."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speaksep_kernel import plugins
from speaksep_kernel.cli.plugins import app
from speaksep_kernel.testing import check_plugin

GUIDE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture(scope="module")
def ran() -> dict[str, Any]:
    """Names that the guide's code, run from top to bottom, defines."""
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/plugins.md", "exec"), names)
    return names


def test_the_separator_is_thirty_lines() -> None:
    assert len([line for line in BLOCKS[0].splitlines() if line.strip()]) <= 30


def test_the_separator_keeps_the_contract(ran: dict[str, Any]) -> None:
    results = check_plugin("separator", ran["MaskSeparator"])
    assert [(result.name, result.detail) for result in results if not result.ok] == []


def test_its_tracks_sum_to_the_mixture(ran: dict[str, Any]) -> None:
    assert np.abs(ran["error"]).max() < 1e-3


@pytest.mark.parametrize("group", plugins.GROUPS)
def test_every_group_is_in_it(group: str) -> None:
    assert f"| `{group}` |" in GUIDE


@pytest.mark.parametrize("name", [field.name for field in fields(plugins.PluginInfo)])
def test_every_field_of_info_is_in_it(name: str) -> None:
    assert re.search(rf"^\| .*`{name}`.* \|", GUIDE, re.MULTILINE)


@pytest.mark.parametrize("command", [command.name for command in app.registered_commands])
def test_every_command_is_in_it(command: str) -> None:
    assert f"speaksep plugins {command}" in GUIDE


@pytest.mark.parametrize("path", re.findall(r"\| `(speaksep_kernel\.[\w.]+)` \|", GUIDE))
def test_every_class_it_names_exists(path: str) -> None:
    module, _, name = path.rpartition(".")
    assert isinstance(getattr(__import__(module, fromlist=[name]), name), type)
