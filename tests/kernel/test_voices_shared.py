"""Several books, and voices that go from one to another."""

import json
import shutil

import pytest

from speaksep_kernel.cli import main
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.voices.book import (
    book_paths,
    changing,
    enrolled_voices,
    export_voices,
    forget,
    import_voices,
    read_book,
    rename,
)
from tests.kernel.voices_made import made, made_book


@pytest.fixture
def own(tmp_path, monkeypatch):
    path = tmp_path / "own" / "voices.json"
    monkeypatch.setenv("SPEAKSEP_BOOK", str(path))
    return made_book(path, "Ada", "Bo")


@pytest.fixture
def shared(own, tmp_path, monkeypatch):
    path = tmp_path / "team" / "voices.json"
    monkeypatch.setenv("SPEAKSEP_SHARED_BOOKS", str(path))
    with changing(path) as opened:
        opened.voices |= {"Bo": made("Bo", 7), "Cy": made("Cy", 8)}
    return path


def refused(reason, use, kind=InputError):
    with pytest.raises(kind) as caught:
        use()
    assert caught.value.reason == reason
    assert caught.value.hint
    return str(caught.value)


def test_all_books_are_looked_into_and_ones_own_comes_first(own, shared):
    assert book_paths() == (own, shared)
    assert enrolled_voices() == (made("Ada", 0), made("Bo", 1), made("Cy", 8))
    assert enrolled_voices([shared, own]) == (made("Ada", 0), made("Bo", 7), made("Cy", 8))
    assert enrolled_voices(own) == (made("Ada", 0), made("Bo", 1))


def test_shared_book_is_not_changed_from_outside(own, shared):
    before = shared.read_bytes()
    said = refused("shared-voice", lambda: forget("Cy"))
    assert str(shared) in said
    refused("shared-voice", lambda: rename("Cy", "Di"))
    assert shared.read_bytes() == before


def test_who_is_forgotten_is_told_of_shared_books_that_still_know(own, shared, capsys):
    assert main(["voices", "forget", "Bo"]) == 0
    assert f"still known to the shared book {shared}" in capsys.readouterr().out
    assert enrolled_voices() == (made("Ada", 0), made("Bo", 7), made("Cy", 8))


def test_shared_book_that_is_not_there_is_said_not_skipped(own, monkeypatch, tmp_path):
    monkeypatch.setenv("SPEAKSEP_SHARED_BOOKS", str(tmp_path / "gone.json"))
    assert "gone.json" in refused("no-book", enrolled_voices)


def test_shared_book_of_another_encoder_is_said_not_skipped(own, shared):
    shared.write_text(shared.read_text().replace('"campplus"', '"resemblyzer"'))
    assert "enrol" in refused("other-encoder", enrolled_voices)


def test_book_without_write_permission_stays_as_it_is(own):
    own.chmod(0o444)
    before = own.read_bytes()
    refused("read-only-book", lambda: forget("Ada"), StoreError)
    assert own.read_bytes() == before


def test_list_says_which_book_a_voice_is_in(own, shared, capsys):
    assert main(["voices", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["Ada", "Bo", "Bo", "Cy"]
    assert [str(shared) in line for line in lines] == [False, False, True, True]
    assert main(["voices", "list", "--json", "--book", str(own), "--book", str(shared)]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["book"] for entry in listed["voices"]] == [str(own)] * 2 + [str(shared)] * 2


def test_voice_goes_to_another_book_with_consent_and_note(own, tmp_path, capsys):
    with changing(own) as opened:
        opened.voices["Di"] = made("Di", 4, 5, note="form of 3 May")
    bundle, other = tmp_path / "bundle.json", tmp_path / "other" / "voices.json"
    assert main(["voices", "export", str(bundle), "--name", "Di"]) == 0
    assert main(["voices", "import", str(bundle), "--book", str(other), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("\n", 1)[1])["voices"][0]["consent"] is True
    assert read_book(other) == (made("Di", 4, 5, note="form of 3 May"),)
    assert bundle.stat().st_mode & 0o777 == 0o600


def test_importing_twice_adds_nothing(own, tmp_path):
    export_voices(tmp_path / "all.json")
    import_voices(tmp_path / "all.json")
    assert read_book(own) == (made("Ada", 0), made("Bo", 1))


def test_samples_of_one_person_join_and_two_people_of_one_name_do_not(own, tmp_path):
    alike, other = tmp_path / "alike.json", tmp_path / "other.json"
    with changing(alike) as opened:
        opened.voices["Ada"] = made("Ada", 0).model_copy(update={"samples": made("Ada", 0, 30).samples})
    with changing(other) as opened:
        opened.voices |= {"Di": made("Di", 3), "Ada": made("Ada", 40)}
    assert "does not sound like" in refused("samples-differ", lambda: import_voices(other))
    assert read_book(own) == (made("Ada", 0), made("Bo", 1))


BAD = {
    "nothing there": ("empty-book", lambda folder: folder / "none.json"),
    "not a book": ("bad-book", lambda folder: shutil.copy(__file__, folder / "book.json")),
    "another encoder": ("other-encoder", lambda folder: _of_another_encoder(folder)),
}


def _of_another_encoder(folder):
    path = made_book(folder / "old.json", "Ada")
    path.write_text(path.read_text().replace('"encoder_version":"', '"encoder_version":"0.'))
    return path


@pytest.mark.parametrize("kind", BAD)
def test_bad_import_changes_nothing(kind, own, tmp_path):
    reason, make = BAD[kind]
    file = make(tmp_path)
    before = own.read_bytes()
    refused(reason, lambda: import_voices(file))
    assert own.read_bytes() == before


def test_unknown_name_is_neither_exported_nor_imported(own, tmp_path):
    assert "Ada, Bo" in refused("unknown-voice", lambda: export_voices(tmp_path / "x.json", ["Ada", "Di"]))
    assert not (tmp_path / "x.json").exists()
    export_voices(tmp_path / "all.json")
    refused("unknown-voice", lambda: import_voices(tmp_path / "all.json", ["Di"]))


def test_export_overwrites_nothing(own, tmp_path):
    refused("file-exists", lambda: export_voices(own))
    refused("store-failed", lambda: export_voices(tmp_path / "none" / "x.json"), StoreError)
    assert read_book(own) == (made("Ada", 0), made("Bo", 1))


def test_rename_forget_and_receipt_on_the_command_line(own, capsys):
    assert main(["voices", "rename", "Bo", "Bea", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "Bea"
    assert main(["voices", "forget", "Bea", "--json"]) == 0
    receipt = json.loads(capsys.readouterr().out)
    assert receipt.keys() == {"name", "book", "day", "receipt", "also_in"}
    assert main(["voices", "forgotten", "Bea", receipt["receipt"]]) == 0
    assert receipt["day"] in capsys.readouterr().out
    assert main(["voices", "forgotten", "Bo", receipt["receipt"], "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["reason"] == "bad-receipt"
