"""The lock, the environments and the layout agree with each other."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([A-Za-z0-9.!]+)$")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [PIN.match(line) for line in lines]
    assert [line for line, pin in zip(lines, pins, strict=True) if pin is None] == []
    return {canonical(pin[1]): pin[2] for pin in pins if pin}


def required() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    return sorted({re.split(r"[<>=!~\[ ]", line)[0] for lines in lists for line in lines})


def test_lock_holds_plain_pins_only():
    assert len(locked()) > 50


def test_torch_is_pinned_without_a_build():
    assert locked()["torch"] == "2.13.0"


@pytest.mark.parametrize("package", required())
def test_every_direct_dependency_is_locked(package):
    assert canonical(package) in locked()


@pytest.mark.parametrize("place", ["environment.yml", "binder/postBuild"])
def test_environments_take_their_versions_from_the_lock(place):
    text = (ROOT / place).read_text()
    assert "-r requirements.lock" in text
    assert not re.search(r"^\s*- [a-z0-9-]+[<>=]=", text, re.MULTILINE)


@pytest.mark.parametrize("place", ["environment.yml", "binder/environment.yml"])
def test_environments_have_a_python_the_project_supports(place):
    found = re.search(r"python=3\.(\d+)", (ROOT / place).read_text())
    assert int(found[1]) >= 11
