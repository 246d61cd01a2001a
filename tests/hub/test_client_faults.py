"""The Python client when the network breaks and the service goes away, and what it says to bad input."""

from __future__ import annotations

import hashlib
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile as sf

from speaksep_hub.client import Client, ServiceError, UploadInterrupted, uploads
from speaksep_kernel.testing import conversation
from tests.hub.cutting_proxy import CuttingProxy
from tests.hub.service_process import ServiceProcess

PIECE_BYTES = 4 << 20


@pytest.fixture(scope="module")
def long_talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven megabytes: three pieces."""
    made = conversation(60.0, speakers=2, overlap=0.2, seed=5, rate_hz=48000)
    path = tmp_path_factory.mktemp("long") / "long talk.wav"
    sf.write(path, made.audio, made.rate_hz, subtype="FLOAT")
    return path


@pytest.fixture(autouse=True)
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Smaller ones than usual."""
    monkeypatch.setattr(uploads, "PIECE_BYTES", PIECE_BYTES)


@pytest.fixture
def network(service_process: ServiceProcess) -> Iterator[CuttingProxy]:
    with CuttingProxy(service_process.port) as proxy:
        yield proxy


@pytest.fixture
def client(service_process: ServiceProcess, network: CuttingProxy) -> Iterator[Client]:
    """Over a network that breaks."""
    with Client(network.url, service_process.tokens["bob"], patience_s=20) as client:
        yield client


@pytest.fixture
def sent(client: Client, long_talk: Path) -> Iterator[str]:
    """A long recording that is there."""
    recording = client.recordings.upload(long_talk)
    yield recording["id"]
    client.recordings.delete(recording)


def test_an_upload_goes_on_where_it_broke(
    client: Client, network: CuttingProxy, long_talk: Path, tmp_path: Path
) -> None:
    network.cut("up", 2_000_000, 6_000_000, 1_000_000)
    arrived: list[int] = []
    recording = client.recordings.upload(long_talk, progress=lambda offset, length: arrived.append(offset))
    assert network.cuts == 3
    assert arrived[-1] == long_talk.stat().st_size
    assert arrived == sorted(arrived)
    assert recording["name"] == "long talk.wav"
    back = client.recordings.audio(recording, tmp_path / "back.wav")
    assert back.read_bytes() == long_talk.read_bytes()
    client.recordings.delete(recording)


def test_another_process_goes_on_with_an_upload(
    client: Client, network: CuttingProxy, service_process: ServiceProcess, long_talk: Path
) -> None:
    hasty = Client(network.url, service_process.tokens["bob"], patience_s=0)
    network.cut("up", 5_000_000)
    with pytest.raises(UploadInterrupted) as broken:
        hasty.recordings.upload(long_talk)
    hasty.close()
    resume = pickle.loads(pickle.dumps(broken.value)).address
    arrived: list[int] = []
    recording = client.recordings.upload(
        long_talk, resume=resume, progress=lambda offset, length: arrived.append(offset)
    )
    assert arrived[0] > PIECE_BYTES  # the first piece was not sent again
    assert recording["sha256"] == hashlib.sha256(long_talk.read_bytes()).hexdigest()
    client.recordings.delete(recording)


def test_what_is_there_is_not_sent_again(client: Client, network: CuttingProxy, sent: str, long_talk: Path) -> None:
    network.cut("up", 100_000)  # sending any of it would break
    assert client.recordings.upload(long_talk)["id"] == sent
    assert network.cuts == 0


def test_a_download_goes_on_where_it_broke(
    client: Client, network: CuttingProxy, sent: str, long_talk: Path, tmp_path: Path
) -> None:
    network.cut("down", 3_000_000, 5_000_000)
    back = client.recordings.audio(sent, tmp_path / "back.wav")
    assert network.cuts == 2
    assert back.read_bytes() == long_talk.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["back.wav"]


def test_a_download_that_fails_leaves_nothing(client: Client, tmp_path: Path) -> None:
    with pytest.raises(ServiceError) as refused:
        client.recordings.audio("no-such-recording", tmp_path / "back.wav")
    assert refused.value.status == 404
    assert list(tmp_path.iterdir()) == []


def test_events_come_once_each_though_the_service_is_killed(
    start_service: Callable[..., ServiceProcess], talk: Path
) -> None:
    service = start_service()
    seen = []
    with Client(service.url, service.tokens["ann"], patience_s=60) as client:
        recording = client.recordings.upload(talk)
        job = client.recordings.separate(recording)
        service.kill()  # nobody works here: it waits in the table
        back = threading.Timer(2.0, service.start)
        back.start()
        stream = client.jobs.events(job)
        seen.append(next(stream))
        back.join()
        service.kill()
        service.start()
        client.jobs.cancel(job)
        seen += stream
    assert [event["state"] for event in seen] == ["queued", "cancelled"]
    assert len({event["seq"] for event in seen}) == len(seen)


def test_a_request_whose_answer_got_lost_creates_nothing_twice(
    client: Client, network: CuttingProxy, service_process: ServiceProcess, talk: Path
) -> None:
    recording = client.recordings.upload(talk)
    before = len(list(client.jobs.all()))
    network.cut("down", 1)  # it arrives, and its answer does not
    job = client.recordings.separate(recording)
    assert network.cuts == 1
    assert len(list(client.jobs.all())) == before + 1
    client.jobs.cancel(job)


def test_a_job_that_was_cancelled_is_no_success(client: Client, talk: Path) -> None:
    job = client.recordings.separate(client.recordings.upload(talk), key="to-be-cancelled")
    client.jobs.cancel(job)
    with pytest.raises(ServiceError, match=job["id"]) as ended:
        client.jobs.wait(job)
    assert ended.value.reason == "job-cancelled"


@pytest.mark.parametrize(
    ("address", "token", "reason"),
    [("", "t", "no-address"), ("http://127.0.0.1:9", "", "no-token")],
    ids=["no address", "no token"],
)
def test_it_says_what_it_was_not_given(address: str, token: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPEAKSEP_URL", raising=False)
    monkeypatch.delenv("SPEAKSEP_TOKEN", raising=False)
    with pytest.raises(ServiceError) as refused:
        Client(address, token)
    assert refused.value.reason == reason


def test_nobody_there(network: CuttingProxy) -> None:
    start_s = time.monotonic()
    with Client("http://127.0.0.1:9", "token", patience_s=0.3) as client, pytest.raises(ServiceError) as away:
        client.me()
    assert away.value.reason == "service-unreachable"
    assert away.value.exit_code == 1
    assert time.monotonic() - start_s < 30


def test_a_refusal_in_the_services_own_words(service_process: ServiceProcess) -> None:
    with Client(service_process.url, "made-up") as client, pytest.raises(ServiceError) as refused:
        client.me()
    error = refused.value
    assert (error.status, error.exit_code) == (401, 2)
    assert error.hint
    assert error.request_id
    again = pickle.loads(pickle.dumps(error))
    assert vars(again) == vars(error)


def test_a_name_is_one_step_of_a_path(client: Client) -> None:
    with pytest.raises(ServiceError) as refused:
        client.voices.forget("../recordings")
    assert refused.value.status in (404, 422)


def test_an_existing_folder_is_not_written_into(client: Client, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        client.results.download("job", tmp_path)
