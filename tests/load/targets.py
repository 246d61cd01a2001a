"""What a load must come to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tests.load.figures import Step


@dataclass(frozen=True)
class Target:
    """One thing that is looked at.

    Attributes
    ----------
    what
        In words.
    value
        Finds it.
    limit, unit
        How much it may be, or must be if `least`.
    """

    what: str
    value: Callable[[Step], float]
    limit: float
    unit: str
    least: bool = False

    def met(self, step: Step) -> bool:
        """Whether it is."""
        value = self.value(step)
        return value >= self.limit if self.least else value <= self.limit


def slowest(*kinds: str) -> Callable[[Step], float]:
    """The longest 95th percentile of kinds of requests; without end where nobody came so far as to send one."""
    return lambda step: max(step.kinds[kind].p95_ms if kind in step.kinds else math.inf for kind in kinds)


DASHBOARDS = ("dashboards: first page", "dashboard: the page", "dashboard: its data", "dashboard: seen before")
PAGES = Target("all that people look at: p95", lambda step: step.looks.p95_ms, 250, "ms")
"""What they notice at once, however long jobs take."""
TARGETS = (
    PAGES,
    Target("look at a list, a result: p95", slowest("look at a list", "look at a result"), 200, "ms"),
    Target("sign in with a token: p95", slowest("sign in"), 500, "ms"),
    Target(
        "dashboards: p95", slowest("dashboards: first page", "dashboard: the page", "dashboard: its data"), 400, "ms"
    ),
    Target("ask for work, plan: p95", slowest("ask for work", "plan"), 400, "ms"),
    Target("upload of a recording: p95", slowest("upload"), 1000, "ms"),
    Target("download of a track: p95", slowest("download a track"), 300, "ms"),
    Target("open a stream of events: p95", slowest("open a stream", "open all my events"), 400, "ms"),
    Target("a separation, waiting included: p95", slowest("separation: until it is there"), 120_000, "ms"),
    Target("requests and jobs that failed", lambda step: step.faults, 0, ""),
    Target("jobs an hour", lambda step: step.jobs_per_hour, 300, "", least=True),
    Target("memory of the platform", lambda step: sum(step.memory_bytes.values()) / 1e6, 3500, "MB"),
)
"""For twenty people, five of them at work with recordings of twenty seconds, on two cores."""


def missed(step: Step) -> list[str]:
    """Targets that a load did not come to."""
    return [target.what for target in TARGETS if not target.met(step)]
