"""The load of docs/capacity.md, for as long as it takes four people to go round once; and what is told of loads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.hub.running import RunningHub
from tests.load.__main__ import measured
from tests.load.figures import Kind, Step, kinds_of, read, write
from tests.load.page import MEASURED, report, with_figures
from tests.load.paper import costs, needs
from tests.load.tables import QUIET_SHARE, carried, condition, verdict_table
from tests.load.targets import TARGETS, Target, missed

PAGE = Path(__file__).parents[2] / "docs" / "capacity.md"
PEOPLE, SOUND_S, MOST_S = 4, 4.0, 240.0
DONE = {
    "sign in", "upload", "ask for work", "plan", "open a stream", "open all my events", "look at a list",
    "look at a result", "download a track", "dashboard: the page", "dashboard: its data", "dashboard: seen before",
    "diagnosis: until it is there", "separation: until it is there",
}  # fmt: skip


@pytest.fixture(scope="module")
def kept() -> list[Step]:
    """The loads of the page."""
    return read(MEASURED)


@pytest.mark.slow
def test_a_short_load(platform: RunningHub, tmp_path: Path) -> None:
    (step,) = measured(platform, tmp_path, [PEOPLE], MOST_S, sound_s=SOUND_S, quiet_s=1.0, rounds=1)
    assert set(step.kinds) >= DONE
    assert step.faults == 0, step.kinds
    assert step.jobs == {"diagnose": 1, "separate": 1}
    assert step.sound_s == pytest.approx(SOUND_S, abs=0.1)
    assert step.seconds < MOST_S  # the last one at work ended it
    assert {"jobs", "service", "dashboards", "hub", "proxy"} <= set(step.cpu_s) & set(step.memory_bytes)
    assert step.cpu_s["jobs"] > 1
    assert step.stored_bytes > 2 * 16_000 * SOUND_S
    assert step.sent_bytes > step.stored_bytes / 10
    assert "| separation: until it is there | 1 |" in report([step])
    write(tmp_path / "kept.json", [step])
    assert read(tmp_path / "kept.json") == [step]


def test_the_page_has_the_figures_that_were_kept(kept: list[Step]) -> None:
    assert PAGE.read_text() == with_figures(PAGE.read_text(), kept)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.what)
def test_a_target_that_is_missed_is_told(kept: list[Step], target: Target) -> None:
    slow = Kind(count=10, faults=1, p50_ms=1e6, p95_ms=1e6, p99_ms=1e6)
    first = kept[0]
    bad = replace(first, kinds=dict.fromkeys(first.kinds, slow), looks=slow, jobs={}, memory_bytes={"jobs": 10**12})
    assert target.what in missed(bad)
    assert verdict_table(bad).count("**no**") == len(TARGETS)


def test_what_is_carried_is_what_was_in_time(kept: list[Step]) -> None:
    fine = {name: Kind(10, 0, 1, 1, 1) for name in kept[0].kinds}
    first = replace(kept[0], kinds=fine, looks=Kind(10, 0, 1, 1, 1))
    slow = replace(first, people=500, looks=Kind(10, 0, 1, 1e4, 1e4))
    failing = replace(first, people=600, kinds=fine | {"upload": Kind(10, 1, 1, 1, 1)})
    assert carried([first, replace(first, people=50), slow, failing]) == 50


@pytest.mark.parametrize(("share", "words"), [(QUIET_SHARE / 2, "idle machine"), (QUIET_SHARE * 2, "under load")])
def test_whether_others_were_busy_is_told(kept: list[Step], share: float, words: str) -> None:
    step = replace(kept[0], others_cpu_s=share * kept[0].cores * kept[0].seconds)
    assert words in condition([step])


def test_a_kind_is_all_of_its_requests() -> None:
    stats = [
        {"name": "look at a list", "num_failures": 1, "response_times": {"10": 90, "20": 5}},
        {"name": "look at a list", "num_failures": 0, "response_times": {"300": 5}},
    ]
    assert kinds_of(stats) == {"look at a list": Kind(100, 1, 10, 20, 300)}


def test_more_people_need_more_and_cost_more(kept: list[Step]) -> None:
    small, large = (needs(kept[0], times) for times in (10, 1000))
    assert large.people == 100 * small.people
    assert large.job_cores > 50 * small.job_cores
    assert sum(costs(large, alone=False).values()) > 20 * sum(costs(small, alone=False).values())
