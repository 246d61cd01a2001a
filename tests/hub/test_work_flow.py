"""The whole work through a running service with a worker: from a recording to names for its speakers."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile as sf

from speaksep_hub.audit.events import name_of
from speaksep_hub.audit.verify import entries
from speaksep_kernel.diagnosis.report import Diagnosis
from speaksep_kernel.testing import voice
from speaksep_kernel.voices.rttm import parse_rttm
from tests.hub.service_process import ServiceProcess

pytestmark = pytest.mark.timeout(600)
BATCH = 10


@pytest.fixture(scope="module")
def ann(working_service: ServiceProcess) -> Iterator[httpx.Client]:
    # Somebody whom no other test is: what they have had diagnosed or enrolled there would be found here.
    with working_service.client("flo", timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def recording(ann: httpx.Client, talk: Path) -> str:
    sent = ann.post("recordings", params={"name": "meeting.wav"}, content=talk.read_bytes())
    found: str = sent.json()["id"]
    return found


@pytest.fixture(scope="module")
def separation(ann: httpx.Client, recording: str) -> str:
    """Job of a finished separation of two people."""
    return finished(ann, ann.post(f"recordings/{recording}/separations", json={"speakers": 2}))["id"]


def finished(client: httpx.Client, asked: httpx.Response) -> dict[str, Any]:
    """A job once it has succeeded, as its stream tells."""
    assert asked.status_code == 202, asked.text
    job = asked.json()["id"]
    with client.stream("GET", f"jobs/{job}/events", timeout=300) as response:
        ended = any(line == "event: end" for line in response.iter_lines())
    found: dict[str, Any] = client.get(f"jobs/{job}").json()
    assert (ended, found["state"]) == (True, "succeeded"), found["error"]
    return found


def sound(data: bytes) -> tuple[np.ndarray, int]:
    return sf.read(io.BytesIO(data), dtype="float32")


def names(client: httpx.Client, job: str, **query: Any) -> list[str | None]:
    return [speaker["name"] for speaker in client.get(f"results/{job}", params=query).json()["speakers"]]


def test_a_diagnosis_leads_to_a_plan(ann: httpx.Client, recording: str) -> None:
    job = finished(ann, ann.post(f"recordings/{recording}/diagnosis"))
    assert (job["kind"], job["recording"], job["name"], job["fraction"]) == ("diagnosis", recording, "meeting.wav", 1.0)
    at_once, later = ann.post(f"recordings/{recording}/diagnosis"), ann.get(f"recordings/{recording}/diagnosis")
    assert (at_once.status_code, at_once.json()) == (200, later.json())
    assert Diagnosis.from_dict(later.json()).recording.name == "meeting.wav"
    plan = ann.post(f"recordings/{recording}/plan", json={"speakers": 2, "quality": "best"}).json()
    assert (plan["speakers"], plan["quality"], plan["device"], plan["hop_s"]) == (2, "best", "auto", 4.0)
    assert "2 speakers, as asked" in plan["explanation"][0]
    assert any("GPU if the worker" in reason for reason in plan["explanation"])
    assert plan["predicted_seconds"] > 1
    on_gpu = ann.post(f"recordings/{recording}/plan", json={"device": "cuda"}).json()
    assert on_gpu["device"] == "cuda"
    assert on_gpu["predicted_seconds"] < 60


def test_two_speakers_in_two_tracks_out_that_add_up(ann: httpx.Client, talk: Path, separation: str) -> None:
    manifest = ann.get(f"results/{separation}").json()
    assert (manifest["revision"], manifest["pending"]) == (0, None)
    assert (manifest["input"]["name"], manifest["input"]["path"]) == ("meeting.wav", None)
    labels = [speaker["label"] for speaker in manifest["speakers"]]
    assert labels == ["speaker_1", "speaker_2"]
    answers = [ann.get(f"results/{separation}/tracks/{label}") for label in (*labels, "residual")]
    assert [answer.headers["content-type"] for answer in answers] == ["audio/flac"] * 3
    whole, rate_hz = sf.read(talk, dtype="float32")
    tracks = [sound(answer.content) for answer in answers]
    assert {rate for _, rate in tracks} == {rate_hz}
    assert np.abs(sum(track for track, _ in tracks) - whole).max() < 10 ** (-90 / 20)
    turns, _ = parse_rttm(ann.get(f"results/{separation}/files/turns.rttm").text)
    assert len(turns) >= 2
    saved = ann.get(f"results/{separation}/files/manifest.json")
    assert saved.headers["content-disposition"] == 'attachment; filename="manifest.json"'
    assert saved.json()["files"] == manifest["files"]


def test_a_track_comes_in_parts_and_not_again_if_it_is_the_same(ann: httpx.Client, separation: str) -> None:
    path = f"results/{separation}/tracks/speaker_1"
    whole = ann.get(path)
    part = ann.get(path, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    assert ann.get(path, headers={"Range": "bytes=99999999-"}).status_code == 416
    same = ann.get(path, headers={"If-None-Match": whole.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize(
    ("format", "kind", "magic"),
    [
        ("mp3", "audio/mpeg", b""),
        ("m4a", "audio/mp4", b"ftyp"),
        ("opus", "audio/ogg", b"OggS"),
        ("wav", "audio/wav", b"RIFF"),
    ],
)
def test_any_format_is_made_once(ann: httpx.Client, separation: str, format: str, kind: str, magic: bytes) -> None:
    path, query = f"results/{separation}/tracks/speaker_2", {"format": format, "wait_s": 60}
    first = ann.get(path, params=query)
    assert (first.status_code, first.headers["content-type"]) == (200, kind), first.text
    assert magic in first.content[:12]
    before = [job["id"] for job in ann.get("jobs").json()["items"]]
    second = ann.get(path, params={"format": format}, headers={"Range": "bytes=0-9"})
    assert (second.status_code, second.content) == (206, first.content[:10])
    assert ann.get(f"results/{separation}/tracks/residual", params={"format": format}).status_code == 200
    assert [job["id"] for job in ann.get("jobs").json()["items"]] == before


def test_what_is_not_ready_says_when_to_come_back(ann: httpx.Client, separation: str) -> None:
    early = ann.get(f"results/{separation}/exports/webvtt", params={"wait_s": 0})
    assert (early.status_code, early.json()["reason"], early.headers["retry-after"]) == (503, "being-made", "2")
    ready = ann.get(f"results/{separation}/exports/webvtt", params={"wait_s": 60})
    assert ready.text.startswith("WEBVTT")
    assert ready.headers["content-disposition"] == 'attachment; filename="meeting.vtt"'


def test_files_are_those_of_the_person_and_no_others(ann: httpx.Client, separation: str) -> None:
    listed = {each["name"]: each["bytes"] for each in ann.get(f"results/{separation}/files").json()["items"]}
    tracks = {"speaker_1.flac", "speaker_2.flac", "residual.flac"}
    assert set(listed) == {"manifest.json", "turns.rttm", "summary.png", *tracks}
    assert len(ann.get(f"results/{separation}/files/summary.png").content) == listed["summary.png"]


@pytest.mark.parametrize(
    "name",
    [
        "../job.json",
        "..%2fjob.json",
        "%2e%2e/job.json",
        ".speaksep/tracks.f16",
        "job.json",
        "separate.ipynb",
        "nope.flac",
        "%2fetc%2fpasswd",
        "a%00b",
        "..%5cjob.json",
        "x" * 300,
    ],
)
def test_no_name_leads_anywhere_else(ann: httpx.Client, separation: str, name: str) -> None:
    # httpx tidies paths; a socket would not.
    url = httpx.URL(f"{ann.base_url}results/{separation}/files/").copy_with(
        raw_path=f"{ann.base_url.path}results/{separation}/files/{name}".encode()
    )
    answer = ann.get(url)
    assert answer.status_code == 404
    assert answer.json()["ok"] is False


def test_the_report_is_a_page_on_which_nothing_runs(
    working_service: ServiceProcess, ann: httpx.Client, separation: str
) -> None:
    page = ann.get(f"jobs/{separation}/report")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "<script" not in page.text
    assert "2 speaker(s)" in page.text
    notebook = ann.get(f"jobs/{separation}/report", params={"format": "ipynb"})
    assert json.loads(notebook.text)["nbformat"] == 4
    for text in (page.text, notebook.text):
        assert str(working_service.folder / "store") not in text


def test_corrections_make_revisions_and_are_taken_back(
    ann: httpx.Client, working_service: ServiceProcess, separation: str
) -> None:
    path = f"results/{separation}/edits"
    first = ann.post(path, json={"op": "rename", "speaker": 1, "name": "Anna"})
    second = ann.post(path, json={"op": "rename", "speaker": 1, "name": "Bea"})
    assert (second.status_code, second.json()["reason"]) == (409, "edit-under-way")
    assert ann.get(path).json()["pending"]["id"] == first.json()["id"]
    finished(ann, first)
    assert (names(ann, separation), names(ann, separation, revision=0)) == (["Anna", None], [None, None])
    merged = {"edits": [{"op": "merge", "speakers": [1, 2], "into": 1}, {"op": "noise", "start_s": 0, "end_s": 1}]}
    finished(ann, ann.post(path, json=merged, headers={"Idempotency-Key": "merge"}))
    again = ann.post(path, json=merged, headers={"Idempotency-Key": "merge"})
    assert (again.status_code, again.json()["state"]) == (202, "succeeded")
    assert names(ann, separation) == ["Anna"]
    assert ann.get(f"results/{separation}/tracks/speaker_2").json()["reason"] == "unknown-track"
    assert ann.get(f"results/{separation}/tracks/speaker_2", params={"revision": 1}).status_code == 200
    finished(ann, ann.post(f"{path}/undo", json={"count": 3}))
    log = ann.get(path).json()
    assert (log["revision"], log["position"], len(log["edits"]), log["pending"]) == (3, 0, 3, None)
    assert names(ann, separation) == [None, None]
    assert ann.post(f"{path}/undo").json()["reason"] == "nothing-to-undo"
    assert ann.post(f"{path}/redo", json={"count": 9}).json()["reason"] == "nothing-to-redo"
    finished(ann, ann.post(f"{path}/redo"))
    assert names(ann, separation) == ["Anna", None]
    assert ann.get(f"results/{separation}", params={"revision": 9}).json()["reason"] == "unknown-revision"
    audited = [
        (name_of(str(each["__schema__"])), each.get("what")) for each in entries(working_service.folder / "audit")
    ]
    assert {("result-edited", None), ("download", "track")} <= set(audited)


def test_of_two_corrections_at_once_one_is_told_to_wait(ann: httpx.Client, separation: str) -> None:
    answers: list[httpx.Response] = []

    def correct(name: str) -> None:
        answers.append(ann.post(f"results/{separation}/edits", json={"op": "rename", "speaker": 2, "name": name}))

    threads = [threading.Thread(target=correct, args=(name,)) for name in ("Cleo", "Dora", "Emma")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409]
    (taken,) = (answer for answer in answers if answer.status_code == 202)
    finished(ann, taken)


@pytest.mark.parametrize(
    "edit",
    [
        {"op": "explode"},
        {"op": "merge", "speakers": [], "into": 1},
        {"op": "rename", "speaker": 1, "name": "\n"},
        {
            "op": "reseparate",
            "start_s": 0,
            "end_s": 2,
            "separator": "file",
            "separator_options": {"path": "/tmp/evil.pt"},
        },
        {"op": "reseparate", "start_s": 0, "end_s": 2, "version": "1", "sha256": None, "to": [1]},
        {"edits": []},
        {"edits": "all"},
        {"edits": [{"op": "noise", "start_s": 2, "end_s": 1}]},
        {"edits": [{"op": "rename", "speaker": 1, "name": "A"}, {"op": "reseparate", "start_s": 0, "end_s": 2}]},
    ],
    ids=["unknown", "nobody", "name", "model file", "foreign log", "none", "text", "backwards", "span among others"],
)
def test_an_edit_that_makes_no_sense_is_refused_at_once(ann: httpx.Client, separation: str, edit: Any) -> None:
    before = [job["id"] for job in ann.get("jobs").json()["items"]]
    answer = ann.post(f"results/{separation}/edits", json=edit)
    assert (answer.status_code, answer.json()["reason"]) == (400, "bad-edit")
    assert [job["id"] for job in ann.get("jobs").json()["items"]] == before


def test_an_edit_that_does_not_fit_fails_and_changes_nothing(ann: httpx.Client, separation: str) -> None:
    before = ann.get(f"results/{separation}").json()
    job = ann.post(f"results/{separation}/edits", json={"op": "merge", "speakers": [1, 7], "into": 1}).json()["id"]
    with ann.stream("GET", f"jobs/{job}/events") as response:
        response.read()
    failed = ann.get(f"jobs/{job}").json()
    assert failed["state"] == "failed"
    assert "7" in failed["error"]["error"]
    assert ann.get(f"results/{separation}").json() == before


def test_voices_are_enrolled_named_and_forgotten(
    ann: httpx.Client, working_service: ServiceProcess, recording: str
) -> None:
    alone = io.BytesIO()
    sf.write(alone, np.concatenate(voice("allison")[-2:]), 16000, format="WAV")
    hers = ann.post("recordings", content=alone.getvalue()).json()["id"]
    job = finished(ann, ann.post(f"recordings/{recording}/separations", json={"speakers": 2}))["id"]
    assert ann.post(f"results/{job}/identify").json()["reason"] == "empty-book"
    finished(ann, ann.post("voices", json={"name": "Allison", "consent": True, "recording": hers, "note": "filed"}))
    (known,) = ann.get("voices").json()["items"]
    assert (known["name"], known["samples"], known["note"]) == ("Allison", 1, "filed")
    assert set(known) == {"name", "samples", "seconds", "enrolled", "note"}
    finished(ann, ann.post(f"results/{job}/identify"))
    assert names(ann, job).count("Allison") == 1
    with working_service.client("bob") as bob:
        assert bob.get("voices").json()["items"] == []
    assert ann.patch("voices/Allison", json={"name": "A/L"}).json()["name"] == "A/L"
    told = ann.delete("voices/A%2FL").json()
    assert (told["name"], len(told["receipt"])) == ("A/L", 32)
    assert ann.get("voices").json()["items"] == []
    assert "enroll" not in {each["notebook"] for each in ann.get("jobs", params={"limit": 200}).json()["items"]}
    audited = {name_of(str(each["__schema__"])) for each in entries(working_service.folder / "audit")}
    assert audited >= {"voice-enrolled", "voice-renamed", "voice-forgotten", "identified"}


def test_a_voice_of_two_people_is_not_learnt(ann: httpx.Client, recording: str) -> None:
    job = ann.post("voices", json={"name": "Both", "consent": True, "recording": recording}).json()["id"]
    with ann.stream("GET", f"jobs/{job}/events") as response:
        response.read()
    assert ann.get(f"jobs/{job}").json()["error"]["reason"] == "several-voices"
    assert ann.get("voices").json()["items"] == []


def test_a_batch_of_ten_and_its_table(ann: httpx.Client, recording: str) -> None:
    rows = [{"source": recording, "speakers": 1 + number % 2} for number in range(BATCH)]
    batch = ann.post("batches", json={"notebook": "diagnose", "rows": rows, "name": "ten"}).json()
    left = BATCH
    with ann.stream("GET", "events", params={"after": 0}) as response:
        lines = (json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: "))
        while left:
            event = next(lines)
            left -= event["state"] == "succeeded" and _batch_of(ann, event["job_id"]) == batch["id"]
    now = ann.get(f"batches/{batch['id']}").json()
    assert (now["counts"]["succeeded"], now["finished"], now["name"]) == (BATCH, True, "ten")
    table = list(csv.DictReader(io.StringIO(ann.get(f"batches/{batch['id']}/results.csv").text)))
    assert [(row["state"], row["name"], row["speakers"]) for row in table] == [
        ("succeeded", "meeting.wav", str(1 + number % 2)) for number in range(BATCH)
    ]


def _batch_of(client: httpx.Client, job: str) -> str | None:
    found: str | None = client.get(f"jobs/{job}").json().get("batch")
    return found
