"""What a load came to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kind:
    """Requests of one kind, as people had them.

    Attributes
    ----------
    count, faults
        How many there were; how many of them failed.
    p50_ms, p95_ms, p99_ms
        How long they took, to two digits.
    """

    count: int
    faults: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Step:
    """So many people for so long.

    Attributes
    ----------
    people, at_work
        All of them; those who send recordings. The others look on.
    seconds
        How long it lasted.
    cores
        Of the machine.
    kinds
        Requests by kind.
    looks
        All kinds of looking at something as one.
    jobs
        That ended well meanwhile, by notebook.
    jobs_cpu_s
        Of processors per job, by notebook, as the jobs tell it.
    sound_s
        Length of what was separated.
    stored_bytes, sent_bytes
        By which the store grew; that people got.
    writes
        Events of jobs that the table noted.
    cpu_s, memory_bytes
        By part of the platform.
    quiet_cores
        By part: how many processors it takes while nobody is there.
    people_cpu_s
        Of processors, for the people themselves.
    others_cpu_s
        Of processors, for whatever else runs on the machine.
    """

    people: int
    at_work: int
    seconds: float
    cores: int
    kinds: Mapping[str, Kind]
    looks: Kind
    jobs: Mapping[str, int]
    jobs_cpu_s: Mapping[str, float]
    sound_s: float
    stored_bytes: int
    sent_bytes: int
    writes: int
    cpu_s: Mapping[str, float]
    memory_bytes: Mapping[str, int]
    quiet_cores: Mapping[str, float]
    people_cpu_s: float
    others_cpu_s: float

    @property
    def jobs_per_hour(self) -> float:
        """Of all notebooks."""
        return 3600 * sum(self.jobs.values()) / self.seconds

    @property
    def requests(self) -> int:
        """That were sent, however they ended."""
        return sum(kind.count for name, kind in self.kinds.items() if not name.endswith(WAITS))

    @property
    def dashboard_requests(self) -> int:
        """Those of them that dashboards answered; the job service answered the others."""
        return sum(kind.count for name, kind in self.kinds.items() if name.startswith("dashboard"))

    @property
    def faults(self) -> int:
        """Requests and jobs that failed."""
        return sum(kind.faults for kind in self.kinds.values())

    @property
    def others_share(self) -> float:
        """Of all processors, for what is not part of the load."""
        return self.others_cpu_s / (self.cores * self.seconds)


WAITS = "until it is there"
"""How the kinds end that are no requests."""


LOOKS = ("look at", "dashboard")
"""How the kinds begin that only look."""
Stats = Sequence[Mapping[str, Any]]
"""What Locust writes down: times, rounded, with how often each was taken."""


def kinds_of(stats: Stats) -> dict[str, Kind]:
    """Requests by kind."""
    names = sorted({entry["name"] for entry in stats})
    return {name: kind_of([entry for entry in stats if entry["name"] == name]) for name in names}


def looks_of(stats: Stats) -> Kind:
    """Requests that only look."""
    return kind_of([entry for entry in stats if entry["name"].startswith(LOOKS)])


def sent_of(stats: Stats) -> int:
    """Bytes of all answers."""
    return sum(entry["total_content_length"] for entry in stats)


def kind_of(stats: Stats) -> Kind:
    """Some entries as one kind."""
    times: Counter[float] = Counter()
    for entry in stats:
        times.update({float(taken_ms): count for taken_ms, count in entry["response_times"].items()})
    faults = sum(entry["num_failures"] for entry in stats)
    return Kind(times.total(), faults, *(percentile(times, share) for share in (0.5, 0.95, 0.99)))


def percentile(times: Mapping[float, int], share: float) -> float:
    """The least value that so many do not exceed.

    Examples
    --------
    >>> percentile({10.0: 98, 200.0: 2}, 0.95), percentile({10.0: 98, 200.0: 2}, 0.99)
    (10.0, 200.0)
    """
    left = share * sum(times.values())
    for value in sorted(times):
        left -= times[value]
        if left <= 1e-9:
            return value
    return 0.0


def write(path: Path, steps: Iterable[Step]) -> None:
    """Keep them."""
    path.write_text(json.dumps([asdict(step) for step in steps], indent=1) + "\n")


def read(path: Path) -> list[Step]:
    """Kept ones."""
    return [_step(**told) for told in json.loads(path.read_text())]


def _step(*, looks: dict[str, Any], kinds: dict[str, dict[str, Any]], **more: Any) -> Step:
    return Step(looks=Kind(**looks), kinds={name: Kind(**kind) for name, kind in kinds.items()}, **more)
