"""Metrics of a job worker: what its jobs came to, its machine, and who may read them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from speaksep_hub.local.ports import free_ports
from speaksep_hub.metrics.access import KEY, key_of
from speaksep_hub.metrics.machine import look_at_machine
from speaksep_hub.metrics.registry import Metrics
from speaksep_hub.metrics.work import Work
from speaksep_hub.metrics.worker import monitor
from speaksep_kernel.errors import InputError, PluginError
from speaksep_kernel.jobs import monitor as monitors
from speaksep_kernel.jobs.dispatcher import Glance
from speaksep_kernel.jobs.job import Job, JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.states import State
from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.leases import acquire
from speaksep_kernel.kernel.settings import LeaseSettings
from tests.hub.test_metrics import TOKEN, told

RESULT = {
    "cached": None,
    "cpu_s": 12.0,
    "device": "GPU 0 (NVIDIA L4), slot 1 of 2",
    "kernel_start_s": 0.21,
    "measures": {"sound_s": 60.0, "speakers": 3},
}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A separation of a minute that took thirty seconds after ten of waiting."""
    with JobTable.open(tmp_path / "jobs.sqlite3") as table:
        made = table.submit(
            JobRequest(notebook="separate", parameters={"source": "secret.wav"}, output="x", owner="ann")
        )
    times = {"created_at": 1000.0, "started_at": 1010.0, "finished_at": 1040.0, "attempt": 1}
    return replace(made, worker="dispatcher-a host:1", state=State.SUCCEEDED, result=RESULT, **times)


def counted(*finished: Job, held: tuple[Job, ...] = (), trouble: str = "") -> dict[str, dict[tuple[str, ...], float]]:
    """What a worker tells after a glance."""
    metrics = Metrics("worker")
    Work(metrics).see(Glance({}, 0, held, finished, trouble, "dispatcher-a", 4))
    text = metrics.text().decode()
    assert "ann" not in text
    assert "secret" not in text
    return told(text)


def test_a_separation_is_counted_in_full(job: Job) -> None:
    found = counted(job, job)
    assert found["speaksep_jobs_finished_total"] == {("separate", "succeeded"): 2}
    assert found["speaksep_speakers_separated_total"] == {(): 6}
    assert found["speaksep_recording_seconds_total"] == {("separate",): 120}
    assert found["speaksep_job_cpu_seconds_total"] == {("separate",): 24}
    assert found["speaksep_result_lookups_total"] == {("made",): 2}
    assert found["speaksep_job_wait_seconds_sum"] == {("separate",): 20}
    assert found["speaksep_job_run_seconds_sum"] == {("separate",): 60}
    assert found["speaksep_job_real_time_ratio_sum"] == {("separate",): 1.0}
    assert found["speaksep_kernel_start_seconds_count"] == {("gpu",): 2}
    assert found["speaksep_workers"] == {(): 4}


def test_what_was_used_again_is_no_work(job: Job) -> None:
    found = counted(replace(job, result={**RESULT, "cached": "/somewhere"}))
    assert found["speaksep_result_lookups_total"] == {("used-again",): 1}
    assert "speaksep_speakers_separated_total" not in found
    assert "speaksep_kernel_start_seconds_count" not in found


def test_failures_losses_and_later_attempts(job: Job) -> None:
    failed = replace(job, state=State.FAILED, result=None, attempt=3, losses=2)
    never_begun = replace(job, state=State.CANCELLED, result=None, started_at=None)
    found = counted(failed, never_begun)
    assert found["speaksep_jobs_finished_total"] == {("separate", "failed"): 1, ("separate", "cancelled"): 1}
    assert found["speaksep_job_losses_total"] == {(): 2}
    assert "speaksep_job_wait_seconds_count" not in found


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(None, id="none"),
        pytest.param("a text", id="no object"),
        pytest.param({}, id="empty"),
        pytest.param({"measures": None, "cpu_s": "much", "device": None}, id="of another version"),
        pytest.param({"measures": {"sound_s": -1, "speakers": None}}, id="not measured"),
    ],
)
def test_a_row_of_another_version_is_no_fault(job: Job, result: object) -> None:
    assert counted(replace(job, result=result))["speaksep_jobs_finished_total"] == {("separate", "succeeded"): 1}


def test_jobs_of_others_are_theirs_to_count(job: Job) -> None:
    others = replace(job, worker="dispatcher-ab host:2")
    found = counted(others, replace(job, worker=None), held=(job, others), trouble="the table is away")
    assert "speaksep_jobs_finished_total" not in found
    assert (found["speaksep_workers_busy"], found["speaksep_worker_trouble"]) == ({(): 1}, {(): 1})


def test_leases_and_lines_of_gpus_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEAKSEP_GPUS", "pretend:0,1")
    monkeypatch.setenv("SPEAKSEP_LEASES", str(tmp_path))
    settings = LeaseSettings.of()
    lease = acquire(Holder.now("kernel-1", settings), settings)
    seen = {(each.name, each.labels): each.value for each in look_at_machine()}
    lease.close()  # type: ignore[union-attr]
    assert seen["speaksep_gpu_slots_held", ("0",)] + seen["speaksep_gpu_slots_held", ("1",)] == 1
    assert seen["speaksep_gpu_slots", ("0",)] == settings.slots_per_gpu
    assert seen["speaksep_gpu_leases_usable", ()] == 1
    assert (seen["speaksep_gpu_waiting", ()], seen["speaksep_gpu_longest_wait_seconds", ()]) == (0, 0)
    assert seen["speaksep_gpu_memory_free_bytes", ("1",)] > 0
    assert 0 < seen["speaksep_host_memory_available_bytes", ()] < seen["speaksep_host_memory_bytes", ()]


def test_broken_leases_are_seen_and_the_machine_beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leases").write_text("no folder")
    monkeypatch.setenv("SPEAKSEP_GPUS", "pretend:0")
    monkeypatch.setenv("SPEAKSEP_LEASES", str(tmp_path / "leases"))
    seen = {each.name: each.value for each in look_at_machine()}
    assert seen["speaksep_gpu_leases_usable"] == 0
    assert seen["speaksep_host_memory_bytes"] > 0


def test_only_the_token_opens_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv(KEY, key_of(TOKEN))
    with monitor(f"127.0.0.1:{port}") as see, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        see(Glance({}, 0, (), (), "", "dispatcher-a", 4))
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN[1:]}"}).status_code == 401
        assert client.get("/").status_code == 404
        assert client.get("/health").text == "ok\n"
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        found = told(answer.text)
        assert found["speaksep_workers"] == {(): 4}
        # Of what appears with its first count, Prometheus does not see that it grew.
        assert found["speaksep_job_losses_total"] == {(): 0}
        assert found["speaksep_jobs_finished_total"]["separate", "failed"] == 0
        with pytest.raises(InputError, match="cannot listen"), monitor(f"127.0.0.1:{port}"):
            pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/health")


@pytest.mark.parametrize(
    ("address", "key", "reason"),
    [
        pytest.param("8014", key_of(TOKEN), "bad-address", id="no host"),
        pytest.param("127.0.0.1:http", key_of(TOKEN), "bad-address", id="no port"),
        pytest.param("127.0.0.1:99999", key_of(TOKEN), "bad-address", id="no such port"),
        pytest.param("127.0.0.1:0", "", "no-metrics-key", id="nobody has a token"),
        pytest.param("127.0.0.1:0", TOKEN + "x", "no-metrics-key", id="no hash"),
    ],
)
def test_a_worker_that_could_not_be_read_safely_does_not_start(
    tmp_path: Path, address: str, key: str, reason: str
) -> None:
    words = ["jobs", "work", "--until-done", "--jobs", str(tmp_path / "jobs.sqlite3"), "--metrics", address]
    done = subprocess.run(
        [sys.executable, "-m", "speaksep_kernel.cli", *words],
        env=os.environ | {KEY: key},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert {"bad-address": "is not HOST:PORT", "no-metrics-key": KEY}[reason] in done.stderr


def test_without_the_hub_there_are_no_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitors, "entry_points", lambda **_: ())
    with monitors.metrics_at(None) as see:
        see(Glance({}, 0, (), ()))
    with pytest.raises(PluginError, match="metrics"), monitors.metrics_at("127.0.0.1:0"):
        pass
