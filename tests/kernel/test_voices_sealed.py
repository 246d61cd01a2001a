"""Voice books under a key."""

import json

import pytest

from speaksep_kernel.errors import InputError
from speaksep_kernel.voices.book import changing, export_voices, forget, import_voices, read_book
from tests.kernel.voices_made import made, made_book

KEY = "a long enough key"
OTHER = "another long key"


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("SPEAKSEP_BOOK_KEY", raising=False)
    monkeypatch.delenv("SPEAKSEP_BOOK_KEY_FILE", raising=False)


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("SPEAKSEP_BOOK_KEY", KEY)


@pytest.fixture
def sealed(key, tmp_path):
    return made_book(tmp_path / "book" / "voices.json", "Ada", "Bo")


def refused(use):
    with pytest.raises(InputError) as caught:
        use()
    assert caught.value.hint
    assert KEY not in str(caught.value)
    assert OTHER not in str(caught.value)
    return caught.value.reason


def test_sealed_book_shows_neither_names_nor_numbers_and_opens_with_its_key(sealed):
    raw = sealed.read_bytes()
    assert b'"Ada"' not in raw
    assert b"vector" not in raw
    assert json.loads(raw).keys() == {"sealed", "salt", "nonce", "data"}
    assert read_book(sealed) == (made("Ada", 0), made("Bo", 1))
    assert sealed.stat().st_mode & 0o777 == 0o600


def test_same_book_is_never_sealed_the_same_way_twice(sealed):
    before = sealed.read_bytes()
    with changing(sealed):
        pass
    assert sealed.read_bytes() != before


@pytest.mark.parametrize(
    ("environment", "reason"),
    [({}, "key-needed"), ({"SPEAKSEP_BOOK_KEY": OTHER}, "wrong-key"), ({"SPEAKSEP_BOOK_KEY": "short"}, "bad-key")],
    ids=["no-key", "wrong-key", "short-key"],
)
def test_without_the_key_nothing_is_read_or_changed(environment, reason, sealed, monkeypatch):
    before = sealed.read_bytes()
    monkeypatch.delenv("SPEAKSEP_BOOK_KEY")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert refused(lambda: read_book(sealed)) == reason
    assert refused(lambda: forget("Ada", sealed)) == reason
    assert sealed.read_bytes() == before


def test_altered_book_is_refused(sealed):
    entry = json.loads(sealed.read_text())
    data = entry["data"]
    entry["data"] = data[:20] + {"A": "B"}.get(data[20], "A") + data[21:]
    sealed.write_text(json.dumps(entry))
    assert refused(lambda: read_book(sealed)) == "wrong-key"


def test_cut_book_is_refused(sealed):
    sealed.write_bytes(sealed.read_bytes()[:300])
    assert refused(lambda: read_book(sealed)) == "bad-book"


def test_plain_book_is_sealed_when_it_is_next_written(tmp_path, monkeypatch):
    book = made_book(tmp_path / "voices.json", "Ada", "Bo")
    assert b'"Ada"' in book.read_bytes()
    monkeypatch.setenv("SPEAKSEP_BOOK_KEY", KEY)
    assert len(read_book(book)) == 2
    with book.open("rb") as old:
        forget("Bo", book)
        assert not old.read().strip(b"\0")
    assert b'"Ada"' not in book.read_bytes()
    assert read_book(book) == (made("Ada", 0),)


def test_first_key_of_a_file_seals_and_the_others_open(sealed, tmp_path, monkeypatch):
    monkeypatch.delenv("SPEAKSEP_BOOK_KEY")
    keys = tmp_path / "keys"
    monkeypatch.setenv("SPEAKSEP_BOOK_KEY_FILE", str(keys))
    keys.write_text(f"{OTHER}\n\n{KEY}\n")
    with changing(sealed):
        pass
    keys.write_text(f"{OTHER}\n")
    assert len(read_book(sealed)) == 2
    keys.write_text(f"{KEY}\n")
    assert refused(lambda: read_book(sealed)) == "wrong-key"


@pytest.mark.parametrize("text", [None, "", "\n \n"], ids=["missing", "empty", "blank"])
def test_key_file_without_a_key_is_refused(text, tmp_path, monkeypatch):
    keys = tmp_path / "keys"
    keys.write_text(text or "")
    place = {None: tmp_path / "none"}.get(text, keys)
    monkeypatch.setenv("SPEAKSEP_BOOK_KEY_FILE", str(place))
    book = tmp_path / "voices.json"
    assert refused(lambda: made_book(book, "Ada")) == "bad-key"
    assert not book.exists()


def test_exported_voices_are_sealed_too(sealed, tmp_path):
    export_voices(tmp_path / "for-bo.json", ["Bo"], sealed)
    assert b'"Bo"' not in (tmp_path / "for-bo.json").read_bytes()
    assert import_voices(tmp_path / "for-bo.json", book=tmp_path / "new.json") == (made("Bo", 1),)
