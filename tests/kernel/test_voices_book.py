"""The voice book: who gets in, who is recognised, and that nothing is left of those who left."""

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.testing import conversation, voice
from speaksep_kernel.voices.book import Sample, Voice, book_path, changing, forget, joined, read_book
from speaksep_kernel.voices.encoders import CamPlusPlus
from speaksep_kernel.voices.enrolment import enroll
from speaksep_kernel.voices.identification import THRESHOLD, identify_voices
from speaksep_kernel.voices.telephone import by_telephone
from speaksep_kernel.voices.voiceprint import voiceprint
from tests.kernel.voices_made import DIM, direction, made, made_book, near, numbers

RATE_HZ = 16000


@pytest.fixture
def book(tmp_path):
    return tmp_path / "book" / "voices.json"


@pytest.fixture
def filled(book):
    return made_book(book, "Ada", "Bo", "Cy")


def refusal(reason, *arguments, **keywords):
    with pytest.raises(InputError) as caught:
        enroll(*arguments, **keywords)
    assert caught.value.reason == reason
    assert caught.value.hint
    return str(caught.value)


def test_enrolled_voice_is_recognised_and_strangers_are_not(book):
    allison = voice("allison")
    entry = enroll("Allison", [(np.concatenate(allison[:2]), RATE_HZ)], consent=True, note="form 7", book=book)
    assert read_book(book) == (entry,)
    assert entry.seconds > 8
    assert np.linalg.norm(entry.centroid) == pytest.approx(1, abs=1e-5)
    said = CamPlusPlus().embed([allison[4], voice("june")[3], voice("carlo")[2], voice("librivox")[1]], RATE_HZ)
    matches = [identify_voices(row[None], read_book(book))[0] for row in said]
    assert [match.name for match in matches] == ["Allison", None, None, None]
    assert matches[0].score > THRESHOLD > max(match.runner_up_score for match in matches[1:])


def heard(speech):
    return Sample(
        seconds=len(speech) / RATE_HZ,
        vector=numbers(voiceprint(speech)),
        telephone=numbers(voiceprint(by_telephone(speech))),
    )


@pytest.fixture(scope="module")
def june():
    sample = heard(np.concatenate(voice("june")[:2]))
    return Voice(name="June", consent=True, enrolled="2026-01-31", samples=(sample,))


def test_voice_enrolled_from_clean_speech_is_known_by_telephone(june):
    said = [by_telephone(np.concatenate(voice(name)[4:6])) for name in ("june", "carlo")]
    vectors = CamPlusPlus().embed(said, RATE_HZ)
    assert [match.name for match in identify_voices(vectors, [june])] == ["June", None]
    clean_only = [june.model_copy(update={"samples": (june.samples[0].model_copy(update={"telephone": None}),)})]
    assert [match.name for match in identify_voices(vectors, clean_only)] == [None, None]


@pytest.mark.parametrize(("who", "samples"), [("june", 2), ("carlo", 1)], ids=["same", "another"])
def test_sample_by_telephone_joins_its_own_voice_only(who, samples, june):
    fresh = [("call.wav", heard(by_telephone(np.concatenate(voice(who)[2:4]))))]
    with contextlib.suppress(InputError):
        june = joined(june, fresh)
    assert len(june.samples) == samples


def test_more_samples_join_the_voice_and_keep_its_note(book):
    first = enroll("J", [(voice("june")[0], RATE_HZ)], consent=True, note="agreed on paper", book=book)
    second = enroll("J", [(voice("june")[1], RATE_HZ)], consent=True, book=book)
    assert second.samples[:1] == first.samples
    assert (len(second.samples), second.note) == (2, "agreed on paper")


def test_another_voice_under_the_same_name_is_refused_and_nothing_changes(book):
    samples = [(voice(name)[0], RATE_HZ) for name in ("june", "carlo")]
    said = refusal("samples-differ", "J", samples, consent=True, book=book)
    assert "does not sound like" in said
    assert read_book(book) == ()


def noise(seconds):
    return np.random.default_rng(3).normal(0, 0.05, round(seconds * RATE_HZ)).astype(np.float32)


UNUSABLE = {
    "a third of a second": ("too-little-speech|no-speech", lambda: voice("carlo")[0][: round(0.3 * RATE_HZ)]),
    "two seconds": ("too-little-speech", lambda: voice("librivox")[0][: 2 * RATE_HZ]),
    "noise": ("no-speech", lambda: noise(5)),
    "silence": ("no-speech", lambda: np.zeros(5 * RATE_HZ, np.float32)),
    "two people": ("several-voices", lambda: conversation(16, speakers=2, overlap=0.1, seed=1).audio),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_recording_that_does_not_show_one_voice_is_refused(kind, book):
    reasons, samples = UNUSABLE[kind]
    with pytest.raises(InputError) as caught:
        enroll("X", [(samples(), RATE_HZ)], consent=True, book=book)
    assert caught.value.reason in reasons.split("|")
    assert not book.exists()


def test_nobody_is_enrolled_without_consent(book):
    assert "consent" in refusal("no-consent", "Ada", [(voice("june")[0], RATE_HZ)], book=book)
    assert not book.parent.exists()


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101], ids=["empty", "blank", "two-lines", "long"])
def test_bad_name_is_refused(name, book):
    refusal("bad-name", name, [(voice("june")[0], RATE_HZ)], consent=True, book=book)


def test_name_without_recordings_is_refused(book):
    refusal("no-samples", "Ada", [], consent=True, book=book)


def test_only_the_owner_may_read_a_new_book_and_a_shared_one_stays_shared(filled):
    assert filled.stat().st_mode & 0o777 == 0o600
    filled.chmod(0o640)
    forget("Ada", filled)
    assert filled.stat().st_mode & 0o777 == 0o640


def test_full_disk_leaves_the_old_book(filled, monkeypatch):
    before = {path: path.read_bytes() for path in filled.parent.iterdir()}

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        forget("Ada", filled)
    assert {path: path.read_bytes() for path in filled.parent.iterdir()} == before


def test_enrolments_at_the_same_time_all_arrive(book):
    def add(seed):
        with changing(book) as opened:
            opened.voices[f"voice {seed:02d}"] = made(f"voice {seed:02d}", seed)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(16)))
    assert [entry.name for entry in read_book(book)] == [f"voice {seed:02d}" for seed in range(16)]


@pytest.mark.parametrize(
    "change", [{"encoder_version": "0.9"}, {"encoder": "resemblyzer", "voices": [{"v": 1}]}], ids=str
)
def test_book_of_another_encoder_is_refused_by_all(change, filled):
    filled.write_text(json.dumps(json.loads(filled.read_text()) | change))
    before = filled.read_bytes()
    for use in (lambda: read_book(filled), lambda: forget("Ada", filled)):
        with pytest.raises(InputError) as caught:
            use()
        assert caught.value.reason == "other-encoder"
    refusal("other-encoder", "Di", [(voice("june")[0], RATE_HZ)], consent=True, book=filled)
    assert filled.read_bytes() == before


def test_mean_voice_and_version_of_the_encoder_change_together():
    """Whoever changes what embeddings are measured from must raise the version, or old books are misread."""
    mean = resources.files("speaksep_kernel.voices").joinpath("campplus_mean.npy").read_bytes()
    assert (CamPlusPlus.info.version, sha256(mean).hexdigest()[:16]) == ("1.1", "a6ee75ef6a83e6ec")


HEAD = f'{{"encoder": "campplus", "encoder_version": "{CamPlusPlus.info.version}",'
BROKEN = {
    "text": "Dear all",
    "another file": '{"speakers": []}',
    "cut": '{"encoder": "campplus", "enco',
    "short vector": f'{HEAD} "voices": [{{"name": "A", "consent": true, "enrolled": "2026-01-31", '
    '"samples": [{"seconds": 3, "vector": [1.0]}]}]}',
    "no consent": f'{HEAD} "voices": [{{"name": "A", "consent": false}}]}}',
}


@pytest.mark.parametrize("kind", BROKEN)
def test_file_that_is_no_book_is_refused(kind, book):
    book.parent.mkdir()
    book.write_text(BROKEN[kind])
    with pytest.raises(InputError, match="not a voice book") as caught:
        read_book(book)
    assert caught.value.reason == "bad-book"


def test_book_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("SPEAKSEP_BOOK", str(tmp_path / "shared.json"))
    assert book_path() == tmp_path / "shared.json"
    assert book_path(tmp_path / "mine.json") == tmp_path / "mine.json"
    monkeypatch.delenv("SPEAKSEP_BOOK")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert book_path().is_relative_to(tmp_path)


def test_the_better_of_two_tracks_gets_the_name():
    voices = [made("Ada", 0), made("Bo", 1)]
    matches = identify_voices(np.stack([near(0, 7, 0.6), near(0, 8, 0.3), direction(9)]), voices)
    assert [match.name for match in matches] == [None, "Ada", None]
    assert matches[0].runner_up == "Ada"
    assert matches[0].runner_up_score < matches[1].score


def test_too_little_speech_gets_no_name():
    vectors = np.stack([np.full(DIM, np.nan, np.float32), direction(0)])
    assert [match.name for match in identify_voices(vectors, [made("Ada", 0)])] == [None, "Ada"]


@given(
    tracks=st.lists(st.tuples(st.integers(0, 5), st.integers(6, 20), st.floats(0, 4)), max_size=8),
    enrolled=st.sets(st.integers(0, 5), max_size=6),
)
def test_names_are_of_the_book_unique_and_above_the_threshold(tracks, enrolled):
    voices = [made(f"voice {seed}", seed) for seed in sorted(enrolled)]
    vectors = np.array([near(*track) for track in tracks], np.float32).reshape(-1, DIM)
    matches = identify_voices(vectors, voices)
    named = [match for match in matches if match.name]
    assert len(matches) == len(tracks)
    assert len({match.name for match in named}) == len(named)
    assert {match.name for match in named} <= {entry.name for entry in voices}
    assert all(match.score >= THRESHOLD and match.runner_up != match.name for match in named)
