"""``speaksep export``: all files or none, nothing lost."""

from __future__ import annotations

import json
import os

import pytest

from speaksep_kernel import export
from speaksep_kernel.cli import main
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.results.labels.table import Csv
from speaksep_kernel.testing import conversation, known_separation


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("command") / "out"
    known_separation(conversation(10, speakers=2, overlap=0.3, seed=5), folder, names={1: "Ada"})
    return folder


def test_files_lie_where_asked_and_are_named(place, tmp_path, capsys):
    assert main(["export", str(place), "--to", "TextGrid, csv", "-o", str(tmp_path / "new" / "x"), "-q"]) == 0
    assert sorted(os.listdir(tmp_path / "new" / "x")) == ["talk.TextGrid", "talk.csv"]
    assert capsys.readouterr().out.split() == [str(tmp_path / "new" / "x" / f"talk.{s}") for s in ("TextGrid", "csv")]


def test_json_lists_them(place, tmp_path, capsys):
    assert main(["export", str(place), "--to", "rttm", "-o", str(tmp_path), "--json", "-q"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "files": [str(tmp_path / "talk.rttm")]}


def test_audio_formats_write_the_tracks_under_their_names(place, tmp_path):
    export(place, ["mp3", "rttm"], tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["residual.mp3", "speaker_1 Ada.mp3", "speaker_2.mp3", "talk.rttm"]


def test_what_exists_is_kept_unless_told_otherwise(place, tmp_path):
    (tmp_path / "talk.csv").write_text("corrected by hand")
    with pytest.raises(InputError, match=r"talk\.csv' exists already") as caught:
        export(place, ["rttm", "csv"], tmp_path)
    assert caught.value.reason == "output-exists"
    assert os.listdir(tmp_path) == ["talk.csv"]
    assert (tmp_path / "talk.csv").read_text() == "corrected by hand"
    export(place, ["rttm", "csv"], tmp_path, overwrite=True)
    assert (tmp_path / "talk.csv").read_text().startswith("start_s,")


@pytest.mark.parametrize("made", [True, False], ids=["new-directory", "old-directory"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"])
def test_nothing_is_left_of_a_failure(place, tmp_path, monkeypatch, error, made):
    def fail(*_):
        raise error

    directory = tmp_path.joinpath(*["new"] * made)
    monkeypatch.setattr(Csv, "write", fail)
    with pytest.raises((StoreError, KeyboardInterrupt)):
        export(place, ["rttm", "csv"], directory)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--to", "midi"], "unknown format 'midi'"),
        (["--to", " , "], "no format is named"),
        ([], "--to"),
    ],
    ids=["unknown-format", "no-format", "no-option"],
)
def test_wrong_words_are_refused(place, tmp_path, capsys, words, says):
    assert main(["export", str(place), "-o", str(tmp_path / "x"), *words]) == 2
    assert says in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_file_is_no_place(place, tmp_path):
    (tmp_path / "x").touch()
    with pytest.raises(InputError, match="is a file"):
        export(place, "csv", tmp_path / "x")


def test_a_place_below_a_file_is_a_store_error(place, tmp_path):
    (tmp_path / "x").touch()
    with pytest.raises(StoreError, match="Not a directory"):
        export(place, "csv", tmp_path / "x" / "y")


def test_the_result_itself_is_left_alone(place):
    with pytest.raises(InputError, match="is the separation itself"):
        export(place, "flac", place, overwrite=True)


def test_what_is_no_separation_is_refused(tmp_path, capsys):
    assert main(["export", str(tmp_path), "--to", "csv", "-o", str(tmp_path / "x")]) == 2
    assert "no manifest" in capsys.readouterr().err
