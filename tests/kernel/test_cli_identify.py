"""Names for the tracks of a result, from the command line."""

import hashlib
import json
import shutil

import numpy as np
import pytest
import soundfile as sf

import speaksep_kernel as speaksep
from speaksep_kernel.cli import main
from speaksep_kernel.diagnosis.plan import Plan
from speaksep_kernel.recording import Recording
from speaksep_kernel.results.identify import speaking
from speaksep_kernel.results.separate import separate_recording
from speaksep_kernel.testing import conversation, voice
from speaksep_kernel.voices.identification import THRESHOLD
from speaksep_kernel.voices.turns import Turn
from tests.kernel.separation_oracle import Halves, install

SPEAKERS = ("allison", "librivox", "carlo")
KNOWN = ("allison", "carlo", "june")
RATE_HZ = 16000


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A result of a talk of three, and a book that knows two of them and somebody else."""
    folder = tmp_path_factory.mktemp("identify")
    talk = conversation(30, speakers=3, overlap=0.1, seed=5, voices=SPEAKERS)
    sf.write(folder / "talk.wav", talk.audio, RATE_HZ)
    truth = {"speakers": talk.speakers, "turns": [[t.start_s, t.end_s, t.speaker] for t in talk.turns]}
    (folder / "talk.json").write_text(json.dumps(truth))
    with pytest.MonkeyPatch.context() as patch:
        install(patch, Halves)
        separate_recording(
            Recording.open(folder / "talk.wav"), Plan(separator="halves", speakers=3), directory=folder / "tracks"
        )
    for name in KNOWN:
        sf.write(folder / f"{name}.wav", np.concatenate(voice(name)[-2:]), RATE_HZ)
        words = ["voices", "enroll", name.title(), str(folder / f"{name}.wav"), "--consent", "--note", "a test"]
        assert main([*words, "--book", str(folder / "book.json"), "--quiet"]) == 0
    return folder


@pytest.fixture
def tracks(place, tmp_path):
    return shutil.copytree(place / "tracks", tmp_path / "tracks")


@pytest.fixture
def book(place, tmp_path):
    return shutil.copy(place / "book.json", tmp_path / "book.json")


def true_names(place, turns):
    """Who each found speaker is, by the turns that are known."""
    talk = json.loads((place / "talk.json").read_text())
    truth = [Turn(*turn) for turn in talk["turns"]]
    found = sorted({turn.speaker for turn in turns})
    names = []
    for number in found:
        mine = speaking(number, turns)[0]
        common = []
        for speaker in range(1, len(SPEAKERS) + 1):
            theirs = speaking(speaker, truth)[0]
            shared = min(len(mine), len(theirs))
            common.append((mine[:shared] & theirs[:shared]).sum())
        names.append(talk["speakers"][int(np.argmax(common))])
    return names


def contents(directory):
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_known_voices_are_named_and_nothing_else_changes(place, tracks, book, capsys):
    before = contents(tracks)
    assert main(["identify", str(tracks), "--book", str(book), "--json", "--quiet"]) == 0
    manifest = json.loads(capsys.readouterr().out)
    separation = speaksep.Separation.open(tracks)
    wanted = [{"allison": "Allison", "carlo": "Carlo"}.get(name) for name in true_names(place, separation.turns)]
    assert sorted(filter(None, wanted)) == ["Allison", "Carlo"]
    assert [entry["name"] for entry in manifest["speakers"]] == wanted
    assert [track.name for track in separation.tracks] == wanted
    assert all((entry["score"] is None) == (entry["name"] is None) for entry in manifest["speakers"])
    assert all(entry["runner_up"] in {"Allison", "Carlo", "June"} for entry in manifest["speakers"])
    assert manifest == json.loads((tracks / "manifest.json").read_text())
    after = contents(tracks)
    assert {name for name in after if after[name] != before.get(name)} == {"manifest.json"}
    assert manifest["files"].items() <= after.items()
    assert after.keys() == before.keys()


def test_summary_says_who_is_known(place, tracks, book, capsys):
    assert main(["identify", str(tracks), "--book", str(book), "--quiet"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said] == ["speaker_1", "speaker_2", "speaker_3"]
    assert sum("not known" in line for line in said) == 1
    assert sum("Allison (score" in line for line in said) == 1


def test_forgotten_voice_is_not_named_any_more(tracks, book, capsys):
    assert main(["identify", str(tracks), "--book", str(book), "--quiet"]) == 0
    assert main(["voices", "forget", "Allison", "--book", str(book)]) == 0
    again = speaksep.identify(tracks, book)
    assert {track.name for track in again.tracks} == {None, "Carlo"}
    assert "Allison" not in (tracks / "manifest.json").read_text()


def test_manifest_says_what_was_compared(tracks, book):
    found = speaksep.identify(tracks, book).manifest.identification
    assert (found.encoder, found.threshold, found.voices) == ("campplus", THRESHOLD, 3)


def by_hand(directory, label, name):
    path = directory / "manifest.json"
    manifest = json.loads(path.read_text())
    entry = next(entry for entry in manifest["speakers"] if entry["label"] == label)
    entry |= {"name": name, "renamed": True}
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("given", ["Carlo", None], ids=["another-name", "no-name"])
def test_what_was_said_by_hand_stays_and_nobody_else_gets_that_name(given, place, tracks, book):
    names = true_names(place, speaksep.Separation.open(tracks).turns)
    by_hand(tracks, f"speaker_{names.index('allison') + 1}", given)
    again = speaksep.identify(tracks, book)
    found = {who: track.name for who, track in zip(names, again.tracks, strict=True)}
    assert found == {"allison": given, "carlo": {"Carlo": None}.get(given, "Carlo"), "librivox": None}


def test_recording_is_separated_on_the_way(place, book):
    found = speaksep.identify((np.concatenate(voice("june")[:2]), RATE_HZ), book)
    assert [track.name for track in found.tracks] == ["June"]
    assert found.tracks[0].file.is_file()


def test_list_names_voices_and_never_shows_vectors(book, capsys):
    assert main(["voices", "list", "--book", str(book), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed["voices"]] == ["Allison", "Carlo", "June"]
    assert listed["voices"][0].keys() == {"name", "samples", "seconds", "enrolled", "consent", "note", "book"}
    assert main(["voices", "list", "--book", str(book)]) == 0
    assert "Carlo  1 samples" in capsys.readouterr().out


def test_empty_book_is_refused_before_any_work(tracks, tmp_path, capsys):
    assert main(["identify", str(tracks), "--book", str(tmp_path / "none.json"), "--json"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["reason"] == "empty-book"
    assert captured.err.count("\n") == 1


def test_directory_that_is_no_result_is_refused(tmp_path, book, capsys):
    assert main(["identify", str(tmp_path), "--book", str(book)]) == 2
    assert "no manifest" in capsys.readouterr().err


def test_no_consent_is_one_line_and_exit_2(place, tmp_path, capsys):
    words = ["voices", "enroll", "June", str(place / "june.wav"), "--book", str(tmp_path / "b.json")]
    assert main(words) == 2
    captured = capsys.readouterr()
    assert "--consent" in captured.err
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", ["enroll", "list", "rename", "forget", "forgotten", "export", "import"])
def test_every_command_says_what_it_does(word, capsys):
    assert main(["voices", word, "--help"]) == 0
    assert "--book" in capsys.readouterr().out
