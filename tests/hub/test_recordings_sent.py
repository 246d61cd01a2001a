"""Recordings on their way in and out of a running service."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from speaksep_kernel.testing.audio_files import encode
from tests.hub.service_process import ServiceProcess

RATE_HZ = 16000


def wave(seed: int, seconds: float = 1.0, format: str = "wav") -> bytes:
    """A recording that nobody has sent yet."""
    return encode(np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE_HZ)), RATE_HZ, format)


def digest(data: bytes) -> dict[str, str]:
    return {"Repr-Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"}


def stored(service: ServiceProcess) -> list[str]:
    """Names of all files in the store that are no folders."""
    root = service.folder / "store"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def events(service: ServiceProcess, name: str) -> list[dict[str, Any]]:
    """What the audit trail tells of a kind of event."""
    lines = [line for path in service.folder.rglob("audit*.jsonl*") for line in path.read_text().splitlines()]
    found: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [each for each in found if name in str(each)]


@pytest.fixture
def ann(service_process: ServiceProcess) -> Iterator[httpx.Client]:
    with service_process.client("ann") as client:
        yield client


@pytest.fixture
def bob(service_process: ServiceProcess) -> Iterator[httpx.Client]:
    with service_process.client("bob") as client:
        yield client


def test_a_recording_comes_back_byte_for_byte_and_in_parts(ann: httpx.Client) -> None:
    data = wave(1)
    answer = ann.post("recordings", params={"name": "talk ü.wav"}, content=data, headers=digest(data))
    assert answer.status_code == 201
    recording = answer.json()
    assert answer.headers["location"].endswith(f"/api/v1/recordings/{recording['id']}")
    assert recording["sha256"] == hashlib.sha256(data).hexdigest()
    assert (recording["name"], recording["bytes"], recording["seconds"]) == ("talk ü.wav", len(data), 1.0)
    assert (recording["rate_hz"], recording["channels"], recording["format"]) == (RATE_HZ, 1, "WAV")
    assert ann.get(f"recordings/{recording['id']}").json() == recording
    whole = ann.get(f"recordings/{recording['id']}/audio")
    assert whole.content == data
    assert "talk%20%C3%BC.wav" in whole.headers["content-disposition"]
    part = ann.get(f"recordings/{recording['id']}/audio", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    tag = {"If-None-Match": whole.headers["etag"]}
    assert ann.get(f"recordings/{recording['id']}/audio", headers=tag).status_code == 304


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "m4a", "ogg", "webm"])
def test_what_it_is_is_told_by_its_content(ann: httpx.Client, format: str) -> None:
    samples = np.sin(np.arange(48000, dtype=np.float32) / 9)
    answer = ann.post("recordings", params={"name": "talk.bin"}, content=encode(samples, 48000, format))
    assert answer.status_code == 201
    assert answer.json()["seconds"] == pytest.approx(1.0, abs=0.1)


def test_the_same_file_is_one_recording_and_is_not_sent_again(ann: httpx.Client) -> None:
    data = wave(2)
    first = ann.post("recordings", params={"name": "a.wav"}, content=data)
    again = ann.post("recordings", params={"name": "b.wav"}, content=data)
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    known = ann.post("recordings", content=data, headers=digest(data))
    assert (known.status_code, known.json()) == (200, first.json())
    assert ann.get("recordings", params={"sha256": first.json()["sha256"]}).json()["items"] == [first.json()]
    assert ann.get("recordings", params={"sha256": "0" * 64}).json() == {"items": [], "next": None}


def test_who_waits_for_a_word_sends_nothing_that_is_there(service_process: ServiceProcess, ann: httpx.Client) -> None:
    data = wave(3)
    ann.post("recordings", content=data)
    head = (
        f"POST /api/v1/recordings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service_process.tokens['ann']}\r\n"
        f"Content-Length: {len(data)}\r\nExpect: 100-continue\r\nRepr-Digest: {digest(data)['Repr-Digest']}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service_process.port), timeout=20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def test_nobody_learns_what_others_have(ann: httpx.Client, bob: httpx.Client, service_process: ServiceProcess) -> None:
    data = wave(4)
    mine = ann.post("recordings", params={"name": "secret.wav"}, content=data).json()
    for address in (f"recordings/{mine['id']}", f"recordings/{mine['id']}/audio"):
        answer = bob.get(address)
        assert (answer.status_code, answer.json()["reason"]) == (404, "unknown-recording")
        assert answer.json()["error"] == bob.get("recordings/0000000000000000").json()["error"].replace(
            "0" * 16, mine["id"]
        )
    assert bob.delete(f"recordings/{mine['id']}").status_code == 404
    assert bob.get("recordings", params={"sha256": mine["sha256"]}).json()["items"] == []
    theirs = bob.post("recordings", params={"name": "mine.wav"}, content=data, headers=digest(data))
    assert (theirs.status_code, theirs.json()["name"]) == (201, "mine.wav")
    blob = f"blobs/{mine['sha256'][:2]}/{mine['sha256']}"
    assert stored(service_process).count(blob) == 1
    assert ann.delete(f"recordings/{mine['id']}").status_code == 204
    assert bob.get(f"recordings/{theirs.json()['id']}/audio").content == data
    assert bob.delete(f"recordings/{theirs.json()['id']}").status_code == 204
    assert blob not in stored(service_process)


def test_lists_are_given_in_pages(service_process: ServiceProcess) -> None:
    with service_process.client("bat") as bat:
        made = [bat.post("recordings", content=wave(10 + number)).json()["id"] for number in range(3)]
        first = bat.get("recordings", params={"limit": 2}).json()
        rest = bat.get("recordings", params={"limit": 200, "cursor": first["next"]}).json()
        assert [each["id"] for each in first["items"] + rest["items"]][:3] == made[::-1]
        assert rest["next"] is None
        assert bat.get("recordings", params={"cursor": "WzFd"}).json()["reason"] == "bad-cursor"


def test_a_form_brings_several_at_once(ann: httpx.Client) -> None:
    files = [("file", (f"{number}.wav", wave(20 + number))) for number in range(3)]
    answer = ann.post("recordings", data={"note": "no file"}, files=files)
    assert answer.status_code == 201
    assert [each["name"] for each in answer.json()["items"]] == ["0.wav", "1.wav", "2.wav"]
    assert ann.post("recordings", files=files).status_code == 200
    refused = ann.post("recordings", files=[("file", ("3.wav", wave(23))), ("file", ("page.wav", b"<html>" * 99))])
    assert (refused.status_code, refused.json()["reason"]) == (400, "not-audio")
    assert ann.get("recordings").json()["items"][0]["name"] == "3.wav"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=y"),
        (
            b"--x\r\nContent-Disposition: form-data; name=a; filename=b.wav\r\n\r\nRIFF",
            "multipart/form-data; boundary=x",
        ),
        (b"--x\r\n" + b"A" * 20000 + b": b\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n", "multipart/form-data; boundary=x"),
    ],
    ids=["no boundary", "another boundary", "cut off", "endless header", "no file"],
)
def test_a_broken_form_is_refused(ann: httpx.Client, body: bytes, kind: str) -> None:
    answer = ann.post("recordings", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["reason"]) == (400, "bad-form")


HTML = b"<!DOCTYPE html><script>fetch('/hub/api')</script>" * 100
HOURS = b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0\x80>\0\0\0}\0\0\x02\0\x10\0data\xdb\xff\xff\x7f" + bytes(
    2000
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (HTML, "not-audio"),
        (b"PK\x03\x04" + bytes(2000), "not-audio"),
        (b"\x1f\x8b\x08" + bytes(2000), "not-audio"),
        (b"ID3\x04\0\0\0\0\0\x0a" + bytes(2000), "not-audio"),
        (b"", "empty-file"),
        (HOURS, "truncated"),
        (wave(30)[:5000], "truncated"),
        (wave(31, format="flac")[:5000], "truncated"),
        (b"#EXTM3U\n/etc/passwd\n" * 9, "not-audio"),
    ],
    ids=["html", "zip", "gzip", "only a tag", "nothing", "ten hours", "cut wav", "cut flac", "playlist"],
)
def test_what_is_no_recording_is_refused_and_not_kept(
    service_process: ServiceProcess, ann: httpx.Client, body: bytes, reason: str
) -> None:
    before = stored(service_process)
    answer = ann.post("recordings", params={"name": "talk.wav"}, content=body)
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)
    assert answer.json()["ok"] is False
    assert str(service_process.folder) not in answer.text
    assert stored(service_process) == before


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "..%2f..%2fx.wav",
        "a/b\\c.wav",
        "/etc/x",
        "C:\\x.wav",
        ".x",
        "a\x00b",
        "x\r\nSet-Cookie: a=b",
    ],
    ids=["up", "encoded", "both slashes", "absolute", "drive", "hidden", "nul", "header"],
)
def test_names_never_become_paths_or_headers(service_process: ServiceProcess, ann: httpx.Client, name: str) -> None:
    answer = ann.post("recordings", params={"name": name}, content=wave(abs(hash(name)) % 10**6))
    kept = answer.json()["name"]
    assert answer.status_code == 201
    assert not {"/", "\\", "\0", "\r", "\n"} & set(kept)
    assert not kept.startswith(".")
    audio = ann.get(f"recordings/{answer.json()['id']}/audio")
    assert audio.status_code == 200
    assert "set-cookie" not in audio.headers
    assert not (service_process.folder.parent / "x.wav").exists()


@pytest.mark.parametrize("name", ["..", "/", "\x00", "n" * 300], ids=["dots", "slash", "nul", "long"])
def test_a_name_of_which_nothing_is_left_is_refused(ann: httpx.Client, name: str) -> None:
    answer = ann.post("recordings", params={"name": name}, content=wave(40))
    assert (answer.status_code, answer.json()["reason"]) == (400, "bad-name")


@pytest.mark.parametrize("recording", ["..", "%2e%2e%2f%2e%2e", "x" * 65, "%00", "' OR 1=1 --"], ids=ascii)
def test_ids_never_become_paths(ann: httpx.Client, recording: str) -> None:
    assert ann.get(f"recordings/{recording}/audio").status_code in (404, 422)


def test_another_hash_than_announced_is_refused(service_process: ServiceProcess, ann: httpx.Client) -> None:
    before = stored(service_process)
    answer = ann.post("recordings", content=wave(41), headers=digest(b"another"))
    assert (answer.status_code, answer.json()["reason"]) == (400, "digest-mismatch")
    assert ann.post("recordings", content=wave(41), headers={"Repr-Digest": "md5=:x:"}).json()["reason"] == "bad-digest"
    assert stored(service_process) == before


def test_packed_bodies_are_not_unpacked(ann: httpx.Client) -> None:
    answer = ann.post("recordings", content=b"\x1f\x8b\x08", headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["reason"]) == (415, "content-coding")


def test_a_viewer_and_a_stranger_may_not_send(service_process: ServiceProcess) -> None:
    for name, status in (("vera", 403), (None, 401)):
        with service_process.client(name) as client:
            assert client.post("recordings", content=wave(42)).status_code == status
            assert client.get("recordings").status_code == status


def test_sending_getting_and_removing_are_in_the_audit_trail(service_process: ServiceProcess) -> None:
    with service_process.client("bat") as bat:
        recording = bat.post("recordings", params={"name": "trail.wav"}, content=wave(43)).json()["id"]
        bat.get(f"recordings/{recording}/audio")
        bat.delete(f"recordings/{recording}")
    told = [json.dumps(each) for each in events(service_process, recording)]
    assert [sum(word in each for each in told) for word in ("upload", "download", "recording-removed")] == [1, 1, 1]
    assert all('"bat"' in each for each in told)


def test_what_was_cut_off_leaves_nothing(service_process: ServiceProcess) -> None:
    before = stored(service_process)
    head = (
        f"POST /api/v1/recordings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service_process.tokens['ann']}\r\n"
        "Content-Length: 100000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service_process.port), timeout=20) as connection:
        connection.sendall(head.encode() + wave(44)[:30000])
        time.sleep(0.3)
    deadline_s = time.monotonic() + 10
    while stored(service_process) != before:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_large_slow_and_too_many_are_refused(start_service: Callable[..., ServiceProcess]) -> None:
    service = start_service(
        SPEAKSEP_HUB__STORE__UPLOAD_BYTES="60000",
        SPEAKSEP_HUB__STORE__QUOTA_BYTES="100000",
        SPEAKSEP_HUB__STORE__QUOTA_RECORDINGS="3",
        SPEAKSEP_HUB__STORE__RECORDING_HOURS="0.0005",
        SPEAKSEP_HUB__STORE__RECORDINGS_DAYS="1",
        SPEAKSEP_HUB__PROTECTION__BODY_IDLE_S="1",
    )
    with service.client("ann") as ann:
        said = ann.post("recordings", content=wave(1, 3.0))
        assert said.status_code == 413
        streamed = ann.post("recordings", content=iter([wave(1, 3.0)]))
        assert (streamed.status_code, streamed.json()["reason"]) in [(413, "too-large"), (413, "too-many-bytes")]
        long = encode(np.random.default_rng(2).normal(0, 0.1, 3 * 8000), 8000, "wav")
        assert ann.post("recordings", content=long).json()["reason"] == "too-long"
        kept = [ann.post("recordings", content=wave(seed, 1.5)) for seed in (3, 4)]
        assert [each.status_code for each in kept] == [201, 201]
        assert kept[0].json()["expires_at"] is not None
        over = ann.post("recordings", content=wave(5, 1.0))
        assert (over.status_code, over.json()["reason"]) == (413, "quota-bytes")
        over = ann.post("recordings", content=iter([wave(5, 1.0)]))
        assert (over.status_code, over.json()["reason"]) == (413, "quota-bytes")
        assert ann.post("recordings", content=wave(6, 0.05)).status_code == 201
        over = ann.post("recordings", content=wave(7, 0.05))
        assert (over.status_code, over.json()["reason"]) == (413, "quota-recordings")
        assert len([name for name in stored(service) if name.startswith("blobs/")]) == 3
        assert ann.delete(f"recordings/{kept[0].json()['id']}").status_code == 204
        assert ann.post("recordings", content=wave(5, 1.0)).status_code == 201
    head = (
        f"POST /api/v1/recordings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.tokens['bob']}\r\n"
        "Content-Length: 50000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", service.port), timeout=15) as connection:  # usual patience: 20 s
        connection.sendall(head.encode() + b"RIFF")
        assert b" 408 " in connection.recv(4096).split(b"\r\n")[0]
    assert [name for name in stored(service) if name.startswith("incoming/")] == []


def test_a_recording_that_a_job_reads_stays(service_process: ServiceProcess, ann: httpx.Client, tmp_path: Path) -> None:
    recording = ann.post("recordings", content=wave(50)).json()["id"]
    job = ann.post("jobs", json={"notebook": "separate", "parameters": {"source": recording}}).json()["id"]
    answer = ann.delete(f"recordings/{recording}")
    assert (answer.status_code, answer.json()["reason"]) == (409, "recording-in-use")
    ann.post(f"jobs/{job}/cancel")
    assert ann.delete(f"recordings/{recording}").status_code == 204
