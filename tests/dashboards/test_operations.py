"""Operations: figures of all owners for those who run the platform, and for nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from speaksep_dashboards.desk import Desk
from speaksep_dashboards.opening import open_page
from speaksep_dashboards.operations.data import finished, spread
from speaksep_dashboards.operations.machine import told
from speaksep_dashboards.page import Reader
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.errors import InputError
from speaksep_kernel.jobs.states import FINISHED
from speaksep_kernel.kernel.devices import Device
from speaksep_kernel.kernel.holders import Holder
from speaksep_kernel.kernel.occupancy import DeviceUse, Occupancy
from tests.dashboards.batches_made import Clock, ask, begin, fail, finish, succeed, table_desk

ROOT = Reader("root", admin=True)
SHARE = Share(owner="root", kind="operations")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with table_desk(tmp_path, clock) as desk:
        yield desk


@pytest.mark.parametrize("reader", [Reader("vera"), Reader(""), Reader("root", frozenset({"admin"}))])
def test_only_for_those_who_run_the_platform(desk: Desk, reader: Reader) -> None:
    with pytest.raises(InputError) as error:
        open_page(SHARE, reader, desk)
    assert error.value.reason == "not-allowed"


def test_figures_of_the_last_day(desk: Desk, clock: Clock) -> None:
    ask(desk, 1)
    begin(desk)  # and is never heard of again
    clock.now += 100_000
    ask(desk, 4)
    ask(desk, 3, owner="bob", batch="june")
    clock.now += 30
    job = begin(desk)
    clock.now += 6
    finish(desk, job, {"cached": None, "device": "CPU: no GPU", "measures": {"sound_s": 60.0}})
    succeed(desk, cached="elsewhere")
    fail(desk, "no file", "file-not-found")
    job = begin(desk)
    clock.now += 12
    finish(desk, job, {"cached": None, "device": "GPU 0 (L4), slot 1 of 1", "measures": {"sound_s": 600.0}})
    begin(desk)
    data = finished(desk.jobs.jobs(states=tuple(FINISHED), newest_first=True), clock.now)
    assert (data["jobs"], data["failed"], data["lost"]) == (4, 1, 0)
    assert data["cached"] == pytest.approx(1 / 3, abs=1e-4)
    assert data["wait_s"] == {"median": 36.0, "p95": 36.0}
    assert data["rtf_by"] == [
        {"notebook": "separate", "on": "CPU", "jobs": 1, "median": 0.1, "p95": 0.1},
        {"notebook": "separate", "on": "GPU", "jobs": 1, "median": 0.02, "p95": 0.02},
    ]
    assert data["reasons"] == [{"name": "file-not-found", "jobs": 1}]
    assert sum(hour["succeeded"] for hour in data["hours"]) == 3
    assert (data["hours"][-1]["succeeded"], data["hours"][-1]["failed"]) == (3, 1)
    page = open_page(SHARE, ROOT, desk)
    shown = page.data()
    assert shown["queue"]["due"] == 2
    assert [row["owner"] for row in shown["running"]] == ["ada", "bob"]
    assert (shown["counts"]["queued"], shown["counts"]["running"]) == (2, 2)


def test_names_of_recordings_stay_with_their_owners(desk: Desk) -> None:
    ask(desk, 2)
    fail(desk, "no file at '/srv/talk 0.wav'", "file-not-found")
    job = begin(desk)
    desk.jobs.report(job.id, job.attempt, 0.5, "separate", "talk 1.wav: 50 %")
    assert "talk" not in json.dumps(open_page(SHARE, ROOT, desk).data())


def test_the_page_is_another_when_a_job_moves(desk: Desk) -> None:
    page = open_page(SHARE, ROOT, desk)
    before = page.version()
    ask(desk, 1)
    assert page.version() != before


def test_an_empty_platform(desk: Desk) -> None:
    data = open_page(SHARE, ROOT, desk).data()
    assert data["finished"]["cached"] is data["finished"]["rtf"] is data["queue"]["oldest_s"] is None
    assert data["disk"]["free_bytes"] > 0
    json.dumps(data)


def test_leases_as_people_read_them(tmp_path: Path) -> None:
    device = Device("0", "GPU-1", "NVIDIA L4", 2, total_bytes=24 << 30, free_bytes=10 << 30)
    holder = Holder("1f2e3d4c5b6a", "ann", "job 17", since="2026-05-04T09:12:00+00:00")
    found = told(Occupancy((DeviceUse(device, (holder, None)),), (Holder("9", "bob"),), tmp_path))
    assert found["devices"][0]["slots"] == ["ann (job 17 1f2e3d4c, since 09:12 UTC)", None]
    assert found["waiting"] == ["bob (kernel 9)"]


def test_spread_of_many() -> None:
    assert spread([float(k) for k in range(1, 101)]) == {"median": 50.5, "p95": pytest.approx(95.05)}
