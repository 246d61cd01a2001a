from __future__ import annotations

import os

import pytest

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.results.directory import INTERNAL, MANIFEST, staged


def result(stage, text):
    (stage / INTERNAL).mkdir()
    (stage / MANIFEST).write_text(text)


def broken_off(place, error):
    with staged(place) as stage:
        result(stage, "1")
        raise error


def test_the_directory_appears_complete(tmp_path):
    with staged(tmp_path / "out") as stage:
        result(stage, "1")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / MANIFEST).read_text() == "1"
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt], ids=["failure", "ctrl-c"])
def test_nothing_is_left_of_a_failure(tmp_path, error):
    with pytest.raises(error):
        broken_off(tmp_path / "deep" / "out", error)
    assert list((tmp_path / "deep").iterdir()) == []


def test_an_earlier_result_is_replaced_as_a_whole_or_stays_as_it_was(tmp_path):
    with staged(tmp_path / "out") as stage:
        result(stage, "1")
        (stage / "speaker_9.flac").touch()
    with pytest.raises(ValueError, match="halfway"), staged(tmp_path / "out") as stage:
        raise ValueError("halfway")
    assert (tmp_path / "out" / MANIFEST).read_text() == "1"
    with staged(tmp_path / "out") as stage:
        result(stage, "2")
    assert sorted(os.listdir(tmp_path / "out")) == [INTERNAL, MANIFEST]
    assert os.listdir(tmp_path) == ["out"]


def test_other_peoples_files_are_never_replaced(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="holds other files"), staged(tmp_path):
        pass
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_file_is_no_place(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(InputError, match="is a file"), staged(tmp_path / "out"):
        pass


def test_a_place_below_a_file_is_a_store_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises((InputError, StoreError)), staged(tmp_path / "file" / "out"):
        pass


def test_a_disk_that_fills_up_while_writing_is_said_so(tmp_path):
    with pytest.raises(StoreError, match="free some space") as caught:
        broken_off(tmp_path / "out", OSError(28, "No space left on device"))
    assert caught.value.reason == "disk-full"
    assert os.listdir(tmp_path) == []
