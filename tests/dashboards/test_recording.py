"""One recording as a page: what it says, what can be heard, what may be taken, and bad results."""

from __future__ import annotations

import json
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

import speaksep_kernel as speaksep
from speaksep_dashboards.page import MOST_BYTES, Reader
from speaksep_dashboards.recording.page import RecordingPage
from speaksep_kernel.catalogue.share import own
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.results.values import Separation
from tests.dashboards.stored_results import OWNER, SECONDS, StoredResults, desk_at, finished, request


@pytest.fixture
def opened(desk: StoredResults) -> Callable[..., RecordingPage]:
    """``opened(job)``: its owner's look at it; ``download=False`` as of a share that allows none."""

    def open_(job: Job, download: bool = True) -> RecordingPage:
        share = replace(own(OWNER, "recording", job.id), download=download)
        return RecordingPage(share, Reader("grace"), desk.desk)

    return open_


@pytest.fixture
def changing(desk: StoredResults, tmp_path: Path) -> Iterator[tuple[StoredResults, Path]]:
    """A desk of one's own with the quick separation, and the folder of that."""
    mine = desk_at(tmp_path)
    tracks = Path(desk.fast.output) / "tracks"
    job = finished(mine, "separate", lambda place: shutil.copytree(tracks, place / "tracks"), {}, "meeting.wav")
    yield replace(desk, desk=mine, fast=job, folder=tmp_path), Path(job.output) / "tracks"
    mine.close()


def look(results: StoredResults, job: Job) -> RecordingPage:
    """Its owner's."""
    return RecordingPage(own(OWNER, "recording", job.id), Reader(OWNER), results.desk)


def samples(page: RecordingPage, *lanes: str, start_s: float = 0.0, stop_s: float = 2.0) -> Any:
    """(lanes, n) of what is heard."""
    answer = page.answer({"ask": "sound", "lanes": list(lanes), "start_s": start_s, "stop_s": stop_s})
    return np.frombuffer(answer.buffers[0], "<i2").reshape(len(lanes), -1)


def test_the_data_say_what_the_result_says(desk: StoredResults, opened: Callable[..., RecordingPage]) -> None:
    page = opened(desk.fast)
    data, separation = page.data(), page.separation
    assert separation is not None
    assert data["title"] == data["name"] == "meeting.wav"
    assert [each["label"] for each in data["speakers"]] == [track.label for track in separation.tracks]
    assert [turn[:3] for turn in data["turns"]] == [
        [round(t.start_s, 3), round(t.end_s, 3), t.speaker] for t in separation.turns
    ]
    assert [span[:2] for span in data["overlaps"]] == [
        [round(o.start_s, 3), round(o.end_s, 3)] for o in separation.overlap_map()
    ]
    assert len(data["diagnosis"]["findings"]) == len(separation.diagnosis.findings)
    assert data["made"]["sha256"] == separation.manifest.input.sha256
    assert data["cleaning"] is None


def test_pairs_add_up_to_the_overlap_of_two(desk: StoredResults, opened: Callable[..., RecordingPage]) -> None:
    data = opened(desk.fast).data()
    of_two = sum(stop - start for start, stop, numbers in data["overlaps"] if len(numbers) == 2)
    of_three = sum(stop - start for start, stop, numbers in data["overlaps"] if len(numbers) == 3)
    assert sum(seconds for _, _, seconds, _ in data["pairs"]) == pytest.approx(of_two + 3 * of_three, abs=0.01)


def test_the_first_paint_is_small_and_says_nothing_of_the_machine(
    desk: StoredResults, opened: Callable[..., RecordingPage]
) -> None:
    for job in (desk.fast, desk.cleaned, desk.diagnosed, desk.silent, desk.failed, desk.waiting):
        text = json.dumps(opened(job).data())
        assert len(text) < 80_000
        assert str(desk.folder) not in text


def test_lanes_at_a_glance_are_the_peaks_of_the_sound(
    desk: StoredResults, opened: Callable[..., RecordingPage]
) -> None:
    page = opened(desk.fast)
    data = page.data()
    assert list(data["snapshot"]) == sorted(data["lanes"])
    glance = np.frombuffer(b64decode(data["snapshot"]["speaker_1"]), "<i2").reshape(-1, 2)
    whole = samples(page, "speaker_1", stop_s=SECONDS)
    assert glance.max() == pytest.approx(whole.max(), abs=2)
    asked = page.answer({"ask": "peaks", "pieces": [["speaker_1", 0, SECONDS]], "pixels": 1024})
    assert asked.content == {"done": [1.0]}
    exact = np.frombuffer(asked.buffers[0], "<i2").reshape(-1, 2)
    assert np.corrcoef(exact[:, 1], glance[:, 1])[0, 1] > 0.98


def test_speakers_and_the_rest_are_the_recording(desk: StoredResults, opened: Callable[..., RecordingPage]) -> None:
    page = opened(desk.fast)
    lanes = [lane for lane in page.data()["lanes"] if lane != "mixture"]
    parts, whole = samples(page, *lanes), samples(page, "mixture")
    assert np.abs(parts.sum(axis=0, dtype=np.int32) - whole[0]).max() <= len(lanes)


def test_before_and_after_cleaning_can_be_heard(desk: StoredResults, opened: Callable[..., RecordingPage]) -> None:
    page = opened(desk.cleaned)
    data = page.data()
    assert data["cleaning"]["steps"] == ["hum", "denoise"]
    noise = {figure["code"]: (figure["before"], figure["after"]) for figure in data["cleaning"]["figures"]}[
        "noise-floor"
    ]
    assert noise[1] < noise[0] - 5
    before, after = samples(page, "mixture", "cleaned", stop_s=SECONDS).astype(float)
    assert np.corrcoef(before, after)[0, 1] > 0.9
    quiet = slice(0, 4000)  # nobody speaks yet
    assert np.sqrt(np.mean(after[quiet] ** 2)) < 0.5 * np.sqrt(np.mean(before[quiet] ** 2))


def test_a_cleaned_recording_is_drawn_once_it_is_measured(
    desk: StoredResults, opened: Callable[..., RecordingPage]
) -> None:
    answer = opened(desk.cleaned).answer({"ask": "peaks", "pieces": [["cleaned", 0.0, SECONDS]], "pixels": 64})
    assert answer.content["done"][0] > 0
    assert np.frombuffer(answer.buffers[0], "<i2").max() > 1000


def test_a_diagnosis_has_findings_turns_and_the_recording_to_hear(
    desk: StoredResults, opened: Callable[..., RecordingPage]
) -> None:
    page = opened(desk.diagnosed)
    data = page.data()
    assert data["lanes"] == ["mixture"]
    assert len(data["speakers"]) == data["diagnosis"]["speakers"] == 3
    assert page.separation is None
    assert np.abs(samples(page, "mixture")).max() > 1000


def test_a_recording_without_speech_is_a_page(desk: StoredResults, opened: Callable[..., RecordingPage]) -> None:
    page = opened(desk.silent)
    data = page.data()
    assert data["speakers"] == data["turns"] == data["pairs"] == []
    assert data["lanes"] == ["mixture", "residual"]
    assert samples(page, "residual").shape == (1, 32000)


def test_a_job_that_failed_says_why_and_not_where(desk: StoredResults, opened: Callable[..., RecordingPage]) -> None:
    data = opened(desk.failed).data()
    assert data["job"]["state"] == "failed"
    assert data["job"]["error"] == {
        "error": "no file at 'gone.wav'", "reason": "file-not-found", "hint": "look where it is",
    }  # fmt: skip


def test_a_job_that_waits_is_a_page_without_sound(desk: StoredResults, opened: Callable[..., RecordingPage]) -> None:
    page = opened(desk.waiting)
    assert page.data()["job"]["state"] == "queued"
    with pytest.raises(InputError) as refused:
        samples(page, "mixture")
    assert refused.value.reason == "not-finished"


def test_the_page_of_a_running_job_changes_with_it(desk: StoredResults, tmp_path: Path) -> None:
    mine = desk_at(tmp_path)
    job = mine.jobs.submit(request(mine, "separate", {}, "meeting.wav"))
    page = look(replace(desk, desk=mine), job)
    versions = [page.version()]
    claimed = mine.jobs.claim("a test", lease_s=60)
    assert claimed is not None
    mine.jobs.report(job.id, claimed.attempt, 0.5, "separate")
    assert page.data()["job"]["fraction"] == 0.5
    versions.append(page.version())
    place = Path(job.output) / "tracks"
    shutil.copytree(Path(desk.fast.output) / "tracks", place)
    mine.jobs.succeed(job.id, claimed.attempt, {"directory": job.output})
    versions.append(page.version())
    assert len(set(versions)) == 3
    assert len(page.data()["speakers"]) == 3
    mine.close()


def test_a_correction_is_seen_while_it_is_made_and_when_it_is(changing: tuple[StoredResults, Path]) -> None:
    results, tracks = changing
    page = look(results, results.fast)
    before = page.version()
    about = {"kind": "edit", "result": results.fast.id, "revision": 1}

    def rename(place: Path) -> None:
        shutil.copytree(tracks, place / "tracks")
        speaksep.edit(Separation.open(place / "tracks"), {"op": "rename", "speaker": 1, "name": "Ada"})

    finished(
        results.desk,
        "edit",
        rename,
        {"directory": "tracks"},
        "meeting.wav",
        about=about,
        batch=f"result/{results.fast.id}",
    )
    data = page.data()
    assert data["speakers"][0]["name"] == "Ada"
    assert data["speakers"][0]["named"] == "hand"
    assert data["revision"] == data["made"]["corrections"] == 1
    assert page.version() != before


def test_files_are_to_be_had_only_if_the_share_says_so(
    desk: StoredResults, opened: Callable[..., RecordingPage]
) -> None:
    files = opened(desk.fast).files()
    assert {"residual.flac", "speaker_1.flac", "turns.rttm", "summary.png"} <= files.keys()
    assert [name for name in files if name.startswith(".") or "manifest" in name] == []
    assert all(desk.desk.store.local(key).is_file() for key in files.values())
    closed = opened(desk.fast, download=False)
    assert closed.files() == {}
    assert closed.data()["files"] == []


@pytest.mark.parametrize(
    "question",
    [
        pytest.param({"ask": "sound", "lanes": ["speaker_9"], "start_s": 0, "stop_s": 1}, id="a lane that is none"),
        pytest.param({"ask": "sound", "lanes": [], "start_s": 0, "stop_s": 1}, id="no lane"),
        pytest.param({"ask": "sound", "lanes": ["mixture"], "start_s": 1, "stop_s": 0}, id="backwards"),
        pytest.param({"ask": "sound", "lanes": ["mixture"], "start_s": 0, "stop_s": 1e9}, id="for ever"),
        pytest.param({"ask": "sound", "lanes": ["mixture"], "start_s": 0, "stop_s": float("nan")}, id="not a number"),
        pytest.param({"ask": "sound", "lanes": ["mixture"], "start_s": 0, "stop_s": 1, "speed": 99}, id="too fast"),
        pytest.param({"ask": "sound", "lanes": ["mixture"] * 50, "start_s": 0, "stop_s": 14}, id="too much"),
        pytest.param({"ask": "sound", "lanes": ["../../x"], "start_s": 0, "stop_s": 1}, id="a path"),
        pytest.param({"ask": "peaks", "pieces": [["mixture", 0, 1]], "pixels": 10**9}, id="a very wide screen"),
        pytest.param({"ask": "peaks", "pieces": [["mixture", 0, 1]] * 1000, "pixels": 1024}, id="a thousand pieces"),
        pytest.param(
            {"ask": "tile", "lane": "mixture", "start_s": 0, "stop_s": 1, "columns": 8, "rows": 8, "scale": "bark"},
            id="a scale that is none",
        ),
        pytest.param({"ask": "edit", "edit": {"op": "rename"}}, id="a correction"),
    ],
)
def test_bad_questions_are_refused_in_words(
    desk: StoredResults, opened: Callable[..., RecordingPage], question: dict[str, Any]
) -> None:
    with pytest.raises(InputError):
        opened(desk.fast).answer(question)


def test_the_longest_answer_is_one_message(desk: StoredResults, opened: Callable[..., RecordingPage]) -> None:
    assert 0 < samples(opened(desk.fast), "mixture", stop_s=SECONDS).nbytes < MOST_BYTES


def test_a_tile_is_a_picture(desk: StoredResults, opened: Callable[..., RecordingPage]) -> None:
    where = {"lane": "mixture", "start_s": 0, "stop_s": 4, "columns": 32, "rows": 16, "scale": "mel"}
    tile = np.frombuffer(opened(desk.fast).answer({"ask": "tile", **where}).buffers[0], np.uint8)
    assert tile.shape == (512,)
    assert tile.max() > tile.min()


def _remove(tracks: Path) -> None:
    shutil.rmtree(tracks.parent)


def _without_manifest(tracks: Path) -> None:
    (tracks / "manifest.json").unlink()


def _cut_manifest(tracks: Path) -> None:
    text = (tracks / "manifest.json").read_bytes()
    (tracks / "manifest.json").write_bytes(text[: len(text) // 2])


def _other_manifest(tracks: Path) -> None:
    (tracks / "manifest.json").write_text('["no", "manifest"]')


def _without_turns(tracks: Path) -> None:
    (tracks / "turns.rttm").unlink()


def _from_the_future(tracks: Path) -> None:
    told = json.loads((tracks / "manifest.json").read_bytes())
    (tracks / "manifest.json").write_text(json.dumps({"schema_version": 99, "files": {}, "what": told["input"]}))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(_remove, "gone-result", id="removed"),
        pytest.param(_without_manifest, "half-written", id="without its manifest"),
        pytest.param(_cut_manifest, "half-written", id="with half a manifest"),
        pytest.param(_other_manifest, "half-written", id="with something else as manifest"),
        pytest.param(_without_turns, "half-written", id="without turns"),
        pytest.param(_from_the_future, "newer-version", id="from a later version"),
    ],
)
def test_a_spoiled_result_is_told_in_words(
    changing: tuple[StoredResults, Path], spoil: Callable[[Path], None], reason: str
) -> None:
    results, tracks = changing
    spoil(tracks)
    with pytest.raises(InputError) as refused:
        look(results, results.fast)
    assert refused.value.reason == reason
    assert refused.value.hint
    assert str(results.folder) not in str(refused.value)


def test_a_track_that_is_gone_is_told_when_it_is_to_be_heard(changing: tuple[StoredResults, Path]) -> None:
    results, tracks = changing
    (tracks / "speaker_2.flac").unlink()
    page = look(results, results.fast)
    assert len(page.data()["speakers"]) == 3
    with pytest.raises(InputError) as refused:
        samples(page, "speaker_2")
    assert str(results.folder) not in str(refused.value)


def test_a_result_without_stored_peaks_is_measured(changing: tuple[StoredResults, Path]) -> None:
    results, tracks = changing
    shutil.rmtree(tracks / ".speaksep" / "peaks")
    page = look(results, results.fast)
    assert page.data()["snapshot"] == {}
    answer = page.answer({"ask": "peaks", "pieces": [["speaker_1", 0, SECONDS]], "pixels": 16})
    assert np.frombuffer(answer.buffers[0], "<i2").any()


def test_a_diagnosis_outlives_its_recording(desk: StoredResults, tmp_path: Path) -> None:
    mine = desk_at(tmp_path)
    told = Path(desk.diagnosed.output) / "diagnosis"
    source = {"source": f"{mine.store.url}/named/{'0' * 64}/gone.wav"}
    job = finished(mine, "diagnose", lambda place: shutil.copytree(told, place / "diagnosis"), source, "gone.wav")
    page = look(replace(desk, desk=mine), job)
    assert len(page.data()["turns"]) >= 3
    with pytest.raises(InputError) as refused:
        samples(page, "mixture")
    assert refused.value.reason == "no-sound"
    mine.close()


def test_what_is_sent_is_what_the_files_hold(desk: StoredResults, opened: Callable[..., RecordingPage]) -> None:
    file = Path(desk.fast.output) / "tracks" / "speaker_2.flac"
    stored, _ = sf.read(file, start=16000, stop=32000, dtype="int16")
    assert np.abs(samples(opened(desk.fast), "speaker_2", start_s=1.0, stop_s=2.0)[0].astype(int) - stored).max() <= 1
