"""What an earlier job made is used again, and only then."""

import json
import shutil
from pathlib import Path

import pytest

from speaksep_kernel.jobs import cache, notebooks
from speaksep_kernel.jobs.runner import run
from speaksep_kernel.jobs.ticket import Ticket
from tests.kernel.batch_notebooks import write

# papermill and the Jupyter clients under it use what Python and each other have deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

COPIES = """from pathlib import Path
Path('made').mkdir()
Path('made/copy.txt').write_text(Path(source).read_text() * n)"""


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """A notebook, an input and a cache of this test alone."""
    monkeypatch.setenv("SPEAKSEP_NOTEBOOKS", str(tmp_path / "notebooks"))
    monkeypatch.setenv("SPEAKSEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SPEAKSEP_KERNEL", "python3")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    parameters = "source: str = ''  # What is read\nn: int = 2  # How often"
    write(tmp_path / "notebooks", "copies", parameters, COPIES, inputs=["source"])
    (tmp_path / "talk.txt").write_text("talk ")


def made(tmp_path: Path, name: str, **more: object):
    parameters = {"source": str(tmp_path / "talk.txt")}
    told = {
        "job": name,
        "attempt": 1,
        "notebook": "copies",
        "parameters": parameters,
        "directory": str(tmp_path / name),
    }
    outcome = run(Ticket(**{**told, **more}))
    assert outcome.state == "succeeded", outcome.error
    return outcome


def key(tmp_path: Path, **parameters: object) -> str:
    found = cache.key_of(notebooks.get("copies"), {"source": str(tmp_path / "talk.txt"), **parameters})
    assert found is not None
    return found[0]


def test_the_same_job_is_not_done_twice(tmp_path):
    first, second = made(tmp_path, "first"), made(tmp_path, "second")
    assert (first.result["cached"], second.result["cached"]) == (None, str(tmp_path / "first"))
    assert second.result["files"] == first.result["files"]
    assert (tmp_path / "second" / "made" / "copy.txt").read_text() == "talk talk "
    assert (tmp_path / "second" / "copies.ipynb").is_file()
    assert json.loads((tmp_path / "second" / "job.json").read_text())["job"] == "second"


def test_nothing_of_another_circle_is_used(tmp_path):
    made(tmp_path, "first", circle="ann")
    assert made(tmp_path, "second", circle="bob").result["cached"] is None
    assert made(tmp_path, "third", circle="ann").result["cached"] == str(tmp_path / "first")


def test_who_does_not_want_it_does_it_again(tmp_path):
    made(tmp_path, "first")
    assert made(tmp_path, "second", cache=False).result["cached"] is None


@pytest.mark.parametrize("spoil", ["removed", "changed", "unreadable"])
def test_a_result_that_is_not_what_it_was_is_made_again(tmp_path, spoil):
    made(tmp_path, "first")
    file = tmp_path / "first" / "made" / "copy.txt"
    {
        "removed": lambda: shutil.rmtree(tmp_path / "first"),
        "changed": lambda: file.write_text("corrected by hand"),
        "unreadable": lambda: (file.unlink(), file.symlink_to(file)),  # root may read everything else
    }[spoil]()
    again = made(tmp_path, "second")
    assert again.result["cached"] is None
    assert (tmp_path / "second" / "made" / "copy.txt").read_text() == "talk talk "


def test_others_results_are_used_where_they_are_named(tmp_path, monkeypatch):
    made(tmp_path, "theirs")
    monkeypatch.setenv("SPEAKSEP_CACHE", str(tmp_path / "mine"))
    assert made(tmp_path, "first").result["cached"] is None
    monkeypatch.setenv("SPEAKSEP_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("SPEAKSEP_SHARED_CACHES", f"{tmp_path / 'none'}:{tmp_path / 'cache'}")
    assert made(tmp_path, "second").result["cached"] == str(tmp_path / "theirs")


@pytest.mark.parametrize("entry", ["", "[]", "{}", '{"directory": "/", "files": {"etc/passwd": "x", "../up": "y"}}'])
def test_a_damaged_entry_is_none(tmp_path, entry):
    place = tmp_path / "cache" / key(tmp_path)[:2]
    place.mkdir(parents=True)
    (place / f"{key(tmp_path)[2:]}.json").write_text(entry)
    assert made(tmp_path, "first").result["cached"] is None


def test_what_decides_the_result_decides_the_key(tmp_path, monkeypatch):
    first = key(tmp_path)
    assert key(tmp_path, n=2) == first, "a default that is given is no other parameter"
    assert key(tmp_path, n=3) != first
    shutil.copy(tmp_path / "talk.txt", tmp_path / "other.txt")
    assert key(tmp_path, source=str(tmp_path / "other.txt")) != first, "its name stands in labels"
    (tmp_path / "there").mkdir()
    shutil.copy(tmp_path / "talk.txt", tmp_path / "there")
    assert key(tmp_path, source=str(tmp_path / "there" / "talk.txt")) == first
    (tmp_path / "talk.txt").write_text("talk, corrected")
    assert key(tmp_path) != first


def test_the_model_decides_the_key(tmp_path, monkeypatch):
    first = key(tmp_path)
    monkeypatch.setattr(cache, "_model", lambda separator: "another sha256")
    assert key(tmp_path) != first


def test_a_folder_counts_with_all_its_files(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a").write_text("a")
    first = key(tmp_path, source=str(folder))
    (folder / "b").write_text("b")
    assert key(tmp_path, source=str(folder)) != first


@pytest.mark.parametrize("source", ["https://example.org/talk.wav", "/no/such/file"])
def test_what_cannot_be_read_here_has_no_key(source):
    assert cache.key_of(notebooks.get("copies"), {"source": source}) is None


def test_who_does_not_say_what_he_reads_has_no_key(tmp_path):
    write(tmp_path / "notebooks", "silent", "n: int = 1  # A number")
    assert cache.key_of(notebooks.get("silent"), {"n": 1}) is None


def test_a_manifest_names_this_job_s_recording(tmp_path):
    place = tmp_path / "published"
    place.mkdir()
    (place / "manifest.json").write_text(json.dumps({"input": {"sha256": "abc", "path": "/theirs/talk.wav"}}))
    cache.remember("0123", place, place)
    (found,) = cache.look_up("0123")
    (tmp_path / "mine").mkdir()
    assert found.copy_to(tmp_path / "mine", {"abc": "/mine/talk.wav"})
    assert json.loads((tmp_path / "mine" / "manifest.json").read_text())["input"]["path"] == "/mine/talk.wav"
