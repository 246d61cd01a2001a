"""The whole service with everything in S3: a real server, a real worker, presigned downloads."""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from speaksep_kernel.testing.audio_files import encode
from tests.hub.conftest import end_all_of
from tests.hub.service_process import ServiceProcess, end
from tests.kernel.s3_server import S3Server

TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def service(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service and a worker; only the database is on this machine."""
    more = s3.environment | {"SPEAKSEP_HUB__STORE__URL": s3.bucket()}
    service = ServiceProcess(tmp_path_factory.mktemp("service"), **more).start()
    words = ["jobs", "work", "--executor", "local", "--workers", "1"]
    worker = service.run("-c", "import sys; from speaksep_kernel.cli import main; sys.exit(main())", *words)
    yield service
    end(worker, signal.SIGTERM)
    end_all_of(service)
    service.stop()


@pytest.fixture
def ann(service: ServiceProcess) -> Iterator[httpx.Client]:
    with service.client("ann") as client:
        yield client


def wave(seed: int) -> bytes:
    return encode(np.random.default_rng(seed).normal(0, 0.1, 16000), 16000, "wav")


def fetch(client: httpx.Client, address: str) -> httpx.Response:
    """What a browser gets that follows, without sending its token to the store."""
    answer = client.get(address)
    assert answer.status_code == 307, answer.text
    assert "X-Amz-Signature" in answer.headers["location"]
    return httpx.get(answer.headers["location"])


def test_a_recording_goes_in_and_comes_back_past_the_service(service: ServiceProcess, ann: httpx.Client) -> None:
    data = wave(1)
    recording = ann.post("recordings", params={"name": "talk ü.wav"}, content=data).json()
    answer = fetch(ann, f"recordings/{recording['id']}/audio")
    assert (answer.status_code, answer.content) == (200, data)
    assert "talk%20%C3%BC.wav" in answer.headers["content-disposition"]
    assert ann.delete(f"recordings/{recording['id']}").status_code == 204
    assert ann.get(f"recordings/{recording['id']}/audio").status_code == 404
    assert not list((service.folder / "store").rglob("*"))


def test_pieces_are_kept_there_too(ann: httpx.Client) -> None:
    data = wave(2)
    address = (
        ann.post("uploads", headers=TUS | {"Upload-Length": str(len(data))}).headers["location"].rpartition("/")[2]
    )
    for start in range(0, len(data), 12000):
        headers = TUS | {"Upload-Offset": str(start), "Content-Type": "application/offset+octet-stream"}
        answer = ann.patch(f"uploads/{address}", content=data[start : start + 12000], headers=headers)
    assert fetch(ann, f"recordings/{answer.headers['speaksep-recording']}/audio").content == data


def test_a_separation_reads_from_there_and_writes_there(ann: httpx.Client, talk: Path, tmp_path: Path) -> None:
    recording = ann.post("recordings", params={"name": "talk.wav"}, content=talk.read_bytes()).json()
    job = ann.post(f"recordings/{recording['id']}/separations", json={"speakers": 2}).json()
    deadline_s = time.monotonic() + 240
    while (state := ann.get(f"jobs/{job['id']}").json())["state"] not in ("succeeded", "failed"):
        assert time.monotonic() < deadline_s
        time.sleep(0.5)
    assert state["state"] == "succeeded", state
    manifest = ann.get(f"results/{job['id']}").json()
    assert len(manifest["speakers"]) == 2
    for speaker in manifest["speakers"]:
        sound = fetch(ann, f"results/{job['id']}/tracks/{speaker['label']}")
        assert hashlib.sha256(sound.content).hexdigest() == manifest["files"][speaker["file"]]
        path = tmp_path / "track.flac"
        path.write_bytes(sound.content)
        assert soundfile.info(path).duration == pytest.approx(recording["seconds"], abs=0.01)
    assert "s3://" not in ann.get(f"results/{job['id']}").text + ann.get(f"jobs/{job['id']}").text
    # Corrections and other formats read a whole result from there.
    edit = {"op": "merge", "speakers": [1, 2], "into": 1}
    changed = ann.post(f"results/{job['id']}/edits", json=edit).json()["id"]
    with ann.stream("GET", f"jobs/{changed}/events", timeout=120) as response:
        response.read()
    assert ann.get(f"jobs/{changed}").json()["state"] == "succeeded"
    assert len(ann.get(f"results/{job['id']}").json()["speakers"]) == 1
    converted = fetch(ann, f"results/{job['id']}/tracks/speaker_1?format=mp3&wait_s=60")
    assert converted.headers["content-type"] == "audio/mpeg"
    whole = ann.get(f"results/{job['id']}/tracks/speaker_1", headers={"Sec-Fetch-Site": "same-origin"})
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/flac")


def test_a_store_that_goes_away_is_said_so_and_nothing_is_taken_for_stored(
    tmp_path: Path, start_service: Callable[..., ServiceProcess]
) -> None:
    server = S3Server(tmp_path)
    service = start_service(**server.environment, SPEAKSEP_HUB__STORE__URL=server.bucket())
    server.stop()
    with service.client("ann") as ann:
        answer = ann.post("recordings", content=wave(3))
        assert (answer.status_code, answer.json()["reason"]) == (503, "store-unreachable")
        assert answer.headers["retry-after"]
        assert ann.get("recordings").json()["items"] == []
    assert httpx.get(f"{service.url}ready").status_code == 503
