"""The extension as people get it: from the wheel, into an environment with JupyterLab and no Node."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import speaksep_kernel

ROOT = Path(speaksep_kernel.__file__).parents[1]
SOURCE = ROOT / "widgets" / "labextension"
STARTS_WITH = 300_000
"""Bytes that every page of Lab fetches at most."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by its backend alone."""
    folder = tmp_path_factory.mktemp("wheel")
    code = f"from hatchling.build import build_wheel; print(build_wheel({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return folder / done.stdout.split()[-1]


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An interpreter with all that SpeakSep needs, but not that: what is installed there is from the wheel."""
    place = tmp_path / "bare"
    venv.create(place, with_pip=True, symlinks=True)
    others = tmp_path / "others"
    others.mkdir()
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if "speaksep" not in each.name and each.suffix != ".pth" and not each.name.startswith(("pip", "setuptools")):
            (others / each.name).symlink_to(each)
    [packages] = place.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(f"{others}\n")
    return place / "bin" / "python"


def run(python: Path, *words: str) -> str:
    """What a command says there, with nothing on the path: no Node, and no program of this environment."""
    share = Path(sys.prefix, "share", "jupyter", "lab")
    environment = {"PATH": str(python.parent), "HOME": str(python.parents[1]), "JUPYTERLAB_DIR": str(share)}
    done = subprocess.run([str(python), *words], env=environment, capture_output=True, text=True, cwd=python.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def files_of(python: Path) -> set[str]:
    """Everything in the environment but what Python itself writes."""
    place = python.parents[1]
    found = (os.path.relpath(each, place) for each in place.rglob("*") if each.is_file())
    return {name for name in found if "__pycache__" not in name}


def test_the_wheel_gives_the_extension_and_takes_it_away(wheel: Path, python: Path) -> None:
    before = files_of(python)
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel))
    said = run(python, "-m", "jupyterlab.labextensions", "list")
    assert re.search(r"speaksep v\S+ .*enabled.*OK", said), said
    assert "python, speaksep" in said
    said = run(python, "-m", "jupyter_server.extension.serverextension", "list")
    assert re.search(r"speaksep_hub\.lab.*OK", said, re.DOTALL), said
    run(python, "-m", "pip", "uninstall", "-q", "-y", "speaksep")
    assert files_of(python) == before


def test_what_is_shipped_is_the_source(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        there = {
            name.partition("/share/jupyter/labextensions/speaksep/")[2]: archive.read(name)
            for name in archive.namelist()
            if "/labextensions/speaksep/" in name
        }
    assert there == {str(each.relative_to(SOURCE)): each.read_bytes() for each in SOURCE.rglob("*") if each.is_file()}


def test_browsers_keep_no_file_of_another_version() -> None:
    # A page takes its scripts from the folder of the version: an upgrade is another address.
    told = json.loads((SOURCE / "package.json").read_text())
    project = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "([^"]+)"', project, re.MULTILINE)
    assert version is not None
    assert told["version"] == version[1]
    assert told["jupyterlab"]["_build"]["load"] == f"{version[1]}/container.js"
    assert [each.name for each in SOURCE.iterdir() if (each / "container.js").exists()] == [version[1]]


def test_every_module_is_asked_for_at_once() -> None:
    (container,) = SOURCE.glob("*/container.js")
    (named,) = re.findall(r"MODULES = \[(.*?)\]", container.read_text(), re.DOTALL)
    there = {each.stem for each in container.parent.glob("*.js")} - {"container"}
    assert sorted(re.findall(r'"(\w+)"', named)) == sorted(there)


def test_a_page_fetches_little() -> None:
    assert sum(each.stat().st_size for each in SOURCE.glob("*/*") if each.suffix in (".js", ".css")) < STARTS_WITH


SCRIPTS = sorted(SOURCE.glob("*/*.js"))


@pytest.mark.parametrize("script", SCRIPTS, ids=[each.name for each in SCRIPTS])
def test_words_for_people_can_be_translated(script: Path) -> None:
    text = script.read_text()
    # Of everything that is shown: a label, a title, a text, a caption.
    shown = re.findall(r'(?:label|caption|title|displayName|textContent)(?:: | = )"([^"]+ [^"]*)"', text)
    assert shown == []
    assert "eval(" not in text
    assert "innerHTML" not in text
