"""Recordings in pieces: tus 1.0 against a running service, with connections that break and services that are killed."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.store import keys
from speaksep_kernel.store.store import Store
from speaksep_kernel.testing.audio_files import encode
from tests.hub.cutting_proxy import CuttingProxy
from tests.hub.service_process import ServiceProcess

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {"Content-Type": "application/offset+octet-stream"}


def wave(seed: int, seconds: float = 1.0) -> bytes:
    return encode(np.random.default_rng(seed).normal(0, 0.1, int(seconds * 16000)), 16000, "wav")


def b64(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


@pytest.fixture
def ann(service_process: ServiceProcess) -> Iterator[httpx.Client]:
    with service_process.client("ann") as client:
        yield client


def begin(client: httpx.Client, data: bytes, name: str = "long.wav", **headers: str) -> str:
    about = {"Upload-Length": str(len(data)), "Upload-Metadata": f"filename {b64(name)}"}
    answer = client.post("uploads", headers=TUS | about | headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["upload-offset"] == "0"
    return answer.headers["location"].rpartition("/")[2]


def send(client: httpx.Client, upload: str, data: bytes, start: int, **headers: str) -> httpx.Response:
    return client.patch(
        f"uploads/{upload}", content=data, headers=TUS | PIECE | {"Upload-Offset": str(start)} | headers
    )


def arrived(client: httpx.Client, upload: str) -> int:
    answer = client.head(f"uploads/{upload}", headers=TUS)
    assert answer.status_code == 200, answer.status_code
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


def pieces_of(service: ServiceProcess, upload: str) -> list[Path]:
    return list((service.folder / "store" / "uploads").glob(f"{upload}/*"))


def test_what_it_can_is_told_to_anybody(service_process: ServiceProcess) -> None:
    with service_process.client(None) as client:
        answer = client.options("uploads")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert set(answer.headers["tus-extension"].split(",")) == {"creation", "checksum", "termination", "expiration"}
    assert "sha1" in answer.headers["tus-checksum-algorithm"]
    assert int(answer.headers["tus-max-size"]) > 10**9


def test_pieces_become_the_recording(service_process: ServiceProcess, ann: httpx.Client) -> None:
    data = wave(100)
    digest = hashlib.sha256(data).hexdigest()
    upload = begin(ann, data, **{"Upload-Metadata": f"filename {b64('../long ü.wav')},sha256 {b64(digest)},private"})
    for start in range(0, len(data), 9000):
        piece = data[start : start + 9000]
        checksum = f"sha256 {b64(hashlib.sha256(piece).digest())}"
        answer = send(ann, upload, piece, start, **{"Upload-Checksum": checksum})
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(start + len(piece)))
    recording = ann.get(f"recordings/{answer.headers['speaksep-recording']}").json()
    assert (recording["name"], recording["sha256"]) == ("long ü.wav", digest)
    assert ann.get(f"recordings/{recording['id']}/audio").content == data
    assert ann.head(f"uploads/{upload}", headers=TUS).headers["speaksep-recording"] == recording["id"]
    assert pieces_of(service_process, upload) == []


def test_it_goes_on_where_the_connection_was_cut(service_process: ServiceProcess) -> None:
    data = wave(101, 20.0)
    with CuttingProxy(service_process.port) as network:
        headers = {"Authorization": f"Bearer {service_process.tokens['ann']}"}
        upload, offset, cuts = "", 0, 0
        with httpx.Client(base_url=f"{network.url}/api/v1/", headers=headers, timeout=20) as client:
            upload = begin(client, data)
        network.cut("up", 200_000, 200_000)
        while offset < len(data):
            with httpx.Client(base_url=f"{network.url}/api/v1/", headers=headers, timeout=20) as client:
                try:
                    send(client, upload, data[offset:], offset)
                except httpx.TransportError:
                    cuts += 1
                before, deadline_s = offset, time.monotonic() + 20
                while (offset := arrived(client, upload)) == before:
                    assert time.monotonic() < deadline_s  # the service needs a moment to hear of the cut
                    time.sleep(0.05)
        assert cuts == network.cuts == 2
    with service_process.client("ann") as client:
        recording = client.head(f"uploads/{upload}", headers=TUS).headers["speaksep-recording"]
        assert client.get(f"recordings/{recording}/audio").content == data


def test_a_killed_service_loses_nothing(start_service: Callable[..., ServiceProcess]) -> None:
    service = start_service()
    data = wave(102)
    with service.client("ann") as ann:
        upload = begin(ann, data)
        send(ann, upload, data[:20000], 0)
    service.kill()
    service.start()
    with service.client("ann") as ann:
        assert arrived(ann, upload) == 20000
        answer = send(ann, upload, data[20000:], 20000)
        assert ann.get(f"recordings/{answer.headers['speaksep-recording']}/audio").content == data


def test_an_upload_is_finished_by_asking_where_its_last_taker_was_killed(
    service_process: ServiceProcess, ann: httpx.Client
) -> None:
    data = wave(103)
    upload = begin(ann, data)
    store = Store.open(service_process.folder / "store")
    with Catalogue.open(service_process.jobs) as catalogue, store.incoming("piece") as file:
        file.write(data)
        key = keys.part(upload, 0, "token")
        store.put(file.path, key)
        catalogue.uploads.advance(catalogue.uploads.get("ann", upload), 0, len(data), key, keep_s=60)
    answer = ann.head(f"uploads/{upload}", headers=TUS)
    assert ann.get(f"recordings/{answer.headers['speaksep-recording']}/audio").content == data


def test_two_processes_take_pieces_by_turns(
    service_process: ServiceProcess, ann: httpx.Client, start_service: Callable[..., ServiceProcess]
) -> None:
    other = start_service(beside=service_process)
    data = wave(104)
    with other.client("ann") as two:
        upload = begin(ann, data)
        for number, start in enumerate(range(0, len(data), 9000)):
            answer = send((ann, two)[number % 2], upload, data[start : start + 9000], start)
        assert two.get(f"recordings/{answer.headers['speaksep-recording']}/audio").content == data


def test_of_two_who_send_the_same_piece_at_once_one_counts(ann: httpx.Client, service_process: ServiceProcess) -> None:
    data = wave(105)
    upload = begin(ann, data)
    answers: list[int] = []

    def race() -> None:
        with service_process.client("ann") as client:
            answers.append(send(client, upload, data[:20000], 0).status_code)

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [204, 409, 409, 409]
    assert len(pieces_of(service_process, upload)) == 1
    answer = send(ann, upload, data[20000:], 20000)
    assert ann.get(f"recordings/{answer.headers['speaksep-recording']}/audio").content == data


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"Upload-Offset": "1"}, 409, "offset-conflict"),
        ({"Upload-Offset": "-1"}, 400, "bad-header"),
        ({"Upload-Offset": "x"}, 400, "bad-header"),
        ({"Upload-Offset": "9" * 30}, 400, "bad-header"),
        ({"Content-Type": "audio/wav"}, 415, "content-type"),
        ({"Tus-Resumable": "0.2.2"}, 412, "tus-version"),
        ({"Upload-Checksum": f"sha256 {b64(bytes(32))}"}, 460, "checksum-mismatch"),
        ({"Upload-Checksum": "sha256 !"}, 400, "bad-checksum"),
        ({"Upload-Checksum": "crc32 AAAA"}, 400, "bad-checksum"),
    ],
    ids=["elsewhere", "negative", "no number", "huge", "type", "version", "damaged", "no base64", "algorithm"],
)  # fmt: skip
def test_a_wrong_piece_is_refused_and_nothing_of_it_is_kept(
    service_process: ServiceProcess, ann: httpx.Client, headers: dict[str, str], status: int, reason: str
) -> None:
    data = wave(106)
    upload = begin(ann, data)
    answer = send(ann, upload, data[:1000], 0, **headers)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert (arrived(ann, upload), pieces_of(service_process, upload)) == (0, [])


def test_what_is_no_recording_is_refused_with_its_first_piece(
    ann: httpx.Client, service_process: ServiceProcess
) -> None:
    upload = begin(ann, bytes(5000), "page.wav")
    answer = send(ann, upload, b"<html>" * 100, 0)
    assert (answer.status_code, answer.json()["reason"]) == (400, "not-audio")
    assert ann.head(f"uploads/{upload}", headers=TUS).status_code == 404


def test_pieces_may_be_tiny_and_empty(ann: httpx.Client) -> None:
    data = wave(113)
    upload = begin(ann, data)
    assert send(ann, upload, b"", 0).headers["upload-offset"] == "0"
    assert send(ann, upload, data[:3], 0).headers["upload-offset"] == "3"
    answer = send(ann, upload, data[3:], 3)
    assert ann.get(f"recordings/{answer.headers['speaksep-recording']}/audio").content == data


@pytest.mark.parametrize("wrong", ["hash", "content"], ids=str)
def test_what_turns_out_to_be_none_is_dropped(ann: httpx.Client, service_process: ServiceProcess, wrong: str) -> None:
    good = wave(107)
    data = {"hash": good, "content": good[:2000] + bytes(100)}[wrong]
    announced = hashlib.sha256({"hash": b"other", "content": data}[wrong]).hexdigest()
    upload = begin(ann, data, **{"Upload-Metadata": f"filename {b64('x.wav')},sha256 {b64(announced)}"})
    send(ann, upload, data[:1000], 0)
    answer = send(ann, upload, data[1000:], 1000)
    assert (answer.status_code, answer.json()["ok"]) == (400, False)
    assert ann.head(f"uploads/{upload}", headers=TUS).status_code == 404
    assert pieces_of(service_process, upload) == []


def test_more_bytes_than_announced_are_refused(ann: httpx.Client) -> None:
    data = wave(108)
    upload = begin(ann, data[:5000])
    answer = send(ann, upload, data, 0)
    assert (answer.status_code, answer.json()["reason"]) == (413, "too-many-bytes")
    assert arrived(ann, upload) == 0


def test_an_upload_is_its_owners_alone(ann: httpx.Client, service_process: ServiceProcess) -> None:
    data = wave(109)
    upload = begin(ann, data)
    with service_process.client("bob") as bob:
        assert send(bob, upload, data, 0).json()["reason"] == "unknown-upload"
        assert bob.head(f"uploads/{upload}", headers=TUS).status_code == 404
        assert bob.delete(f"uploads/{upload}", headers=TUS).status_code == 404
    with service_process.client("vera") as vera:
        assert vera.head(f"uploads/{upload}", headers=TUS).status_code == 403
    assert arrived(ann, upload) == 0


def test_giving_up_leaves_nothing(ann: httpx.Client, service_process: ServiceProcess) -> None:
    data = wave(110)
    upload = begin(ann, data)
    send(ann, upload, data[:20000], 0)
    assert ann.delete(f"uploads/{upload}", headers=TUS).status_code == 204
    assert ann.head(f"uploads/{upload}", headers=TUS).status_code == 404
    assert pieces_of(service_process, upload) == []


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"Upload-Length": "0"}, 400, "empty-file"),
        ({"Upload-Length": "-5"}, 400, "bad-header"),
        ({"Upload-Length": str(10**15)}, 413, "too-many-bytes"),
        ({"Upload-Metadata": f"filename {b64('/')}"}, 400, "bad-name"),
        ({"Upload-Metadata": f"filename {b64(bytes([255]))}"}, 400, "bad-header"),
        ({"Upload-Metadata": f"sha256 {b64('zz')}"}, 400, "bad-header"),
        ({"Tus-Resumable": "2"}, 412, "tus-version"),
    ],
    ids=["empty", "negative", "huge", "name", "not text", "hash", "version"],
)
def test_what_cannot_come_is_refused_before_it_does(
    ann: httpx.Client, headers: dict[str, str], status: int, reason: str
) -> None:
    about = {"Upload-Length": "5000", "Upload-Metadata": f"filename {b64('x.wav')}"}
    answer = ann.post("uploads", headers=TUS | about | headers)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


def test_the_same_key_begins_the_same_upload(ann: httpx.Client) -> None:
    data = wave(111)
    key = {"Idempotency-Key": os.urandom(8).hex()}
    assert begin(ann, data, **key) == begin(ann, data, **key)
    about = {"Upload-Length": "77", "Upload-Metadata": f"filename {b64('x.wav')}"}
    assert ann.post("uploads", headers=TUS | about | key).json()["reason"] == "key-conflict"


def test_uploads_count_for_the_quota_and_end_with_their_time(start_service: Callable[..., ServiceProcess]) -> None:
    service = start_service(SPEAKSEP_HUB__STORE__QUOTA_BYTES="100000", SPEAKSEP_HUB__STORE__UPLOAD_HOURS="0.0003")
    data = wave(112)
    with service.client("ann") as ann:
        uploads = [begin(ann, data) for _ in range(3)]
        send(ann, uploads[0], data[:20000], 0)
        about = {"Upload-Length": str(len(data)), "Upload-Metadata": f"filename {b64('x.wav')}"}
        assert ann.post("uploads", headers=TUS | about).json()["reason"] == "quota-bytes"
        time.sleep(1.3)
        assert ann.head(f"uploads/{uploads[0]}", headers=TUS).status_code == 404
    service.stop()
    service.start()  # tidies as it starts
    deadline_s = time.monotonic() + 10
    while pieces_of(service, uploads[0]):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    with service.client("ann") as ann:
        begin(ann, data)
