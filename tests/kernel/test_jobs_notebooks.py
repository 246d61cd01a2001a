"""Which notebooks may be jobs, and what they say of themselves."""

import subprocess
import sys
import zipfile
from pathlib import Path

import papermill
import pytest

from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs import notebooks
from tests.kernel.batch_notebooks import write

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEAKSEP_NOTEBOOKS", str(tmp_path / "mine"))
    return tmp_path / "mine"


def test_those_of_the_repository_are_shipped():
    names = {path.stem.replace("_", "-") for path in (ROOT / "notebooks" / "batch").glob("*.ipynb")}
    assert set(notebooks.registered()) == names >= {"separate", "diagnose", "diagnose-folder", "evaluate"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", ["separate", "diagnose", "diagnose-folder", "edit", "enroll", "evaluate"])
def test_their_parameters_are_those_that_papermill_reads(name):
    notebook = notebooks.get(name)
    theirs = papermill.inspect_notebook(str(notebook.path))
    assert {key: (each.type, each.help) for key, each in notebook.parameters.items()} == {
        key: (each["inferred_type_name"], each["help"]) for key, each in theirs.items()
    }


def test_a_notebook_says_what_it_reads_and_writes():
    separate, folder = notebooks.get("separate"), notebooks.get("diagnose-folder")
    assert (separate.inputs, separate.required, separate.output) == (("source", "book"), ("source",), "directory")
    assert (separate.takes, separate.verb, separate.title) == ("recording", "separate", "Separate a recording")
    assert (folder.takes, folder.verb) == ("folder", "diagnose")
    assert (separate.remote, separate.given, folder.remote) == (True, {"book": "voice-book"}, False)
    assert [notebooks.get(name).reusable for name in ("separate", "enroll", "summary")] == [True, False, False]


def test_a_path_names_a_registered_notebook(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert notebooks.get("notebooks/batch/separate.ipynb") is notebooks.get("separate")


def test_folders_of_others_are_added_and_shipped_names_stay(folder):
    write(folder, "count_words", "n: int = 1  # How many")
    write(folder, "separate", "n: int = 1  # Not ours")
    assert notebooks.get("count-words").path.parent == folder
    assert notebooks.get("separate").path.parent == notebooks.SHIPPED


def test_a_changed_notebook_is_read_again(folder):
    write(folder, "mine", "n: int = 1  # How many")
    first = notebooks.get("mine")
    write(folder, "mine", "n: int = 1  # How many\nmore: str = ''  # What else")
    assert list(notebooks.get("mine").parameters) == ["n", "more"]
    assert notebooks.get("mine").sha256 != first.sha256


@pytest.mark.parametrize("name", ["no-such", "/etc/passwd", "notebooks/explore/workbench.ipynb", ""])
def test_no_other_notebook_can_be_a_job(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(InputError, match="separate") as caught:
        notebooks.get(name)
    assert caught.value.reason == "unknown-notebook"


@pytest.mark.parametrize(
    ("parameters", "metadata", "words"),
    [
        ("n: Path = 1", {}, "Path"),
        ("n: int = len('x')", {}, "not a literal"),
        ("import os", {}, "line 1"),
        ("n: int = 1", {"inputs": ["m"]}, "'m'"),
        ("n: int = 1", {"output": "m"}, "'m'"),
        ("n: int = ", {}, "syntax"),
    ],
    ids=["type", "default", "statement", "input", "output", "syntax"],
)
def test_a_notebook_that_cannot_be_used_says_why(folder, parameters, metadata, words):
    write(folder, "bad", parameters, **metadata)
    with pytest.raises(InputError, match=words) as caught:
        notebooks.get("bad")
    assert caught.value.reason == "bad-notebook"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": [], "metadata": {}}'], ids=str)
def test_what_is_no_notebook_is_refused(folder, text):
    folder.mkdir()
    (folder / "bad.ipynb").write_text(text)
    with pytest.raises(InputError) as caught:
        notebooks.get("bad")
    assert caught.value.reason == "bad-notebook"


@pytest.mark.slow
def test_they_travel_in_the_wheel(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=ROOT, check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("speaksep_kernel/jobs/shipped/")}
    assert shipped == {f"speaksep_kernel/jobs/shipped/{path.name}" for path in notebooks.SHIPPED.glob("*.ipynb")}
