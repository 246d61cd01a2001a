"""Forgetting a voice, provably: nothing of it is left, and the others are as if it had never been."""

import json
import os

import pytest

from speaksep_kernel.errors import InputError
from speaksep_kernel.voices.book import changing, forget, read_book, rename, was_forgotten
from tests.kernel.voices_made import made, made_book


def telling(voice):
    """Pairs of numbers that no other voice has."""
    runs = [vector for each in voice.samples for vector in (each.vector, each.telephone)]
    return [
        f"{json.dumps(run[at])},{json.dumps(run[at + 1])}".encode()
        for run in runs
        for at in range(len(run) - 1)
        if min(map(abs, run[at : at + 2])) >= 0.001
    ]


def bytes_beside(book):
    return b"".join(path.read_bytes() for path in book.parent.iterdir())


@pytest.fixture
def filled(tmp_path):
    return made_book(tmp_path / "book" / "voices.json", "Ada", "Bo", "Cy")


def test_no_file_of_the_book_holds_a_byte_of_the_voice(filled):
    (filled.parent / f".{filled.name}.x1y2.part").write_bytes(filled.read_bytes())  # of a process that was killed
    traces = telling(made("Bo", 1))
    assert len(traces) > 300
    assert all(trace in filled.read_bytes() for trace in traces)
    forget("Bo", filled)
    left = bytes_beside(filled)
    assert b"Bo" not in left
    assert not any(trace in left for trace in traces)


def test_what_is_left_is_as_if_the_voice_had_never_been_there(filled, tmp_path):
    forget("Bo", filled)
    assert read_book(filled) == (made("Ada", 0), made("Cy", 2))
    with changing(tmp_path / "other.json") as opened:
        opened.voices |= {"Ada": made("Ada", 0), "Cy": made("Cy", 2)}
    never, forgotten = json.loads((tmp_path / "other.json").read_text()), json.loads(filled.read_text())
    assert forgotten["voices"] == never["voices"]


def test_old_file_is_wiped_for_who_still_holds_it(filled):
    with filled.open("rb") as held:
        forget("Bo", filled)
        assert not held.read().strip(b"\0")


def test_snapshot_by_hard_link_is_not_wiped(filled):
    snapshot = filled.with_name("snapshot.json")
    os.link(filled, snapshot)
    before = snapshot.read_bytes()
    forget("Bo", filled)
    assert snapshot.read_bytes() == before


def test_receipt_proves_it_and_without_it_nobody_knows_whose_it_was(filled):
    receipt = forget("Bo", filled)
    assert was_forgotten("Bo", receipt.receipt, filled) == receipt.day
    assert receipt.receipt.encode() not in bytes_beside(filled)
    for name, number in (("Ada", receipt.receipt), ("Bo", "0" * 32)):
        with pytest.raises(InputError) as caught:
            was_forgotten(name, number, filled)
        assert caught.value.reason == "bad-receipt"


def test_receipts_outlast_other_changes(filled):
    receipt = forget("Bo", filled)
    rename("Ada", "Eve", filled)
    forget("Cy", filled)
    assert was_forgotten("Bo", receipt.receipt, filled)


def test_stranger_cannot_be_forgotten(filled):
    with pytest.raises(InputError, match="Ada, Bo, Cy") as caught:
        forget("Di", filled)
    assert caught.value.reason == "unknown-voice"


def test_old_name_is_not_left_in_a_renamed_voice(filled):
    assert rename("Bo", " Bea ", filled).name == "Bea"
    assert [voice.name for voice in read_book(filled)] == ["Ada", "Bea", "Cy"]
    assert b'"Bo"' not in bytes_beside(filled)


@pytest.mark.parametrize(
    ("name", "new", "reason"),
    [("Bo", "Cy", "name-taken"), ("Di", "Eve", "unknown-voice"), ("Bo", " ", "bad-name")],
    ids=["taken", "unknown", "blank"],
)
def test_bad_rename_changes_nothing(name, new, reason, filled):
    before = filled.read_bytes()
    with pytest.raises(InputError) as caught:
        rename(name, new, filled)
    assert caught.value.reason == reason
    assert filled.read_bytes() == before
