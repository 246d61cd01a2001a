"""What ten times and a thousand times the measured load needs, and costs: on paper, from measured figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.load.figures import Step
from tests.load.tables import table

SIZES = {"a lab": 1, "an institute": 10, "a provider": 1000}
"""Times the measured load."""
JOBS_BUSY, ANSWERS_BUSY = 0.8, 0.5
"""How busy processors are: those of jobs may wait a little, those that answer people must have room for a rush."""
JOB_CORE_BYTES = 1.5e9
"""Memory of a worker with its kernel, per core."""
PROCESS_BYTES = {"service": 0.15e9, "dashboards": 0.2e9}
LOOKS_PER_S = 4
"""That each process of the service takes at the job table while anybody listens."""
STEPS_PER_DATABASE_CORE = 200
"""Writes and looks a second; one takes 2 to 5 ms of which half is the database's."""
HOURS_A_MONTH, WORK_HOURS_A_MONTH = 730, 176
"""All of them, and eight on each of 22 days: when people work."""
CORE_HOUR, DATABASE_CORE_HOUR, DISK_GB_MONTH, STORE_GB_MONTH, SENT_GB = 0.045, 0.10, 0.10, 0.023, 0.09
"""Prices in US dollars: rounded from what large providers ask without a contract; put yours here.

A core comes with 4 GB of memory. Sent is what leaves the provider's network.
"""
MONTHS_KEPT = 12
SMALLEST_CORES = 2
"""Of a machine, and of a database."""


@dataclass(frozen=True)
class Needs:
    """What so many times a measured load needs.

    Attributes
    ----------
    people
        At once.
    sound_h
        Hours of sound that are diagnosed and separated in an hour.
    busy_cores
        Processors that are busy, all parts together.
    job_cores, services, dashboards
        Cores for jobs; processes, of one core each.
    proxy_cores, hub_cores
        Of the two parts of which there is one.
    writes_per_s, looks_per_s
        At the job table.
    memory_bytes
        Of jobs, services and dashboards.
    stored_bytes_per_h, sent_bytes_per_h
        That the store grows by, and that people get.
    """

    people: int
    sound_h: float
    busy_cores: float
    job_cores: int
    services: int
    dashboards: int
    proxy_cores: float
    hub_cores: float
    writes_per_s: float
    looks_per_s: int
    memory_bytes: float
    stored_bytes_per_h: float
    sent_bytes_per_h: float


def needs(step: Step, times: float) -> Needs:
    """Of a load that was measured."""
    rates = {
        part: grown(cpu_s / step.seconds, step.quiet_cores.get(part, 0.0), times) for part, cpu_s in step.cpu_s.items()
    }
    job_cores = math.ceil((rates.get("jobs", 0.0) + rates.get("worker", 0.0)) / JOBS_BUSY)
    services, dashboards = (math.ceil(rates.get(part, 0.0) / ANSWERS_BUSY) for part in ("service", "dashboards"))
    answering = services * PROCESS_BYTES["service"] + dashboards * PROCESS_BYTES["dashboards"]
    return Needs(
        people=round(times * step.people),
        sound_h=times * step.sound_s / step.seconds,
        busy_cores=sum(rates.values()),
        job_cores=job_cores,
        services=services,
        dashboards=dashboards,
        proxy_cores=rates.get("proxy", 0.0),
        hub_cores=rates.get("hub", 0.0),
        writes_per_s=times * step.writes / step.seconds,
        looks_per_s=LOOKS_PER_S * services,
        memory_bytes=job_cores * JOB_CORE_BYTES + answering,
        stored_bytes_per_h=times * step.stored_bytes / step.seconds * 3600,
        sent_bytes_per_h=times * step.sent_bytes / step.seconds * 3600,
    )


def grown(cores: float, quiet_cores: float, times: float) -> float:
    """Processors of a part for so many times the people; what it takes without any does not grow.

    Examples
    --------
    >>> grown(0.75, 0.25, 10)
    5.25
    """
    return quiet_cores + times * max(0.0, cores - quiet_cores)


def costs(need: Needs, *, alone: bool) -> dict[str, float]:
    """A month of it in US dollars; `alone`: on one machine that does everything."""
    stored_gb, sent_gb = (each * WORK_HOURS_A_MONTH / 1e9 for each in (need.stored_bytes_per_h, need.sent_bytes_per_h))
    single = math.ceil((need.proxy_cores + need.hub_cores) / ANSWERS_BUSY)
    always = need.services + need.dashboards + single
    steps_per_s = need.writes_per_s + need.looks_per_s
    database = max(SMALLEST_CORES, math.ceil(steps_per_s / STEPS_PER_DATABASE_CORE))
    job_cores, disk = need.job_cores, STORE_GB_MONTH
    if alone:
        always, database, job_cores = max(SMALLEST_CORES, math.ceil(need.busy_cores / ANSWERS_BUSY)), 0, 0
        disk = DISK_GB_MONTH
    return {
        "processors that are always on": always * HOURS_A_MONTH * CORE_HOUR,
        "processors for jobs, while people work": job_cores * WORK_HOURS_A_MONTH * CORE_HOUR,
        "database": database * HOURS_A_MONTH * DATABASE_CORE_HOUR,
        f"store, after {MONTHS_KEPT} months": stored_gb * MONTHS_KEPT * disk,
        "sent to people": sent_gb * SENT_GB,
    }


def needs_table(step: Step) -> str:
    """A column for each size."""
    found = [needs(step, times) for times in SIZES.values()]
    rows = [
        ("people at once", [f"{need.people:,}" for need in found]),
        ("hours of sound in an hour", [number(need.sound_h) for need in found]),
        (f"cores for jobs, {JOBS_BUSY:.0%} busy", [f"{need.job_cores:,}" for need in found]),
        (f"processes of the service, {ANSWERS_BUSY:.0%} of a core each", [f"{need.services:,}" for need in found]),
        (f"processes of the dashboards, {ANSWERS_BUSY:.0%} of a core each", [f"{need.dashboards:,}" for need in found]),
        ("cores of the proxy", [number(need.proxy_cores) for need in found]),
        ("cores of the hub, of which there is one", [number(need.hub_cores) for need in found]),
        ("writes of the job table a second", [number(need.writes_per_s) for need in found]),
        ("looks at the job table a second", [f"{need.looks_per_s:,}" for need in found]),
        ("memory of jobs and answers", [f"{need.memory_bytes / 1e9:,.0f} GB" for need in found]),
        ("the store grows in an hour by", [f"{need.stored_bytes_per_h / 1e9:,.1f} GB" for need in found]),
        ("sent to people in an hour", [f"{need.sent_bytes_per_h / 1e9:,.1f} GB" for need in found]),
    ]
    head = ("", *(f"{name} (×{times:,})" for name, times in SIZES.items()))
    return table(head, [(what, *values) for what, values in rows])


def costs_table(step: Step) -> str:
    """A column for each size."""
    found = [(needs(step, times), costs(needs(step, times), alone=times == 1)) for times in SIZES.values()]
    names = list(found[0][1])
    rows = [(name, *(f"{cost[name]:,.0f}" for _, cost in found)) for name in names]
    rows.append(("**a month**", *(f"**{sum(cost.values()):,.0f}**" for _, cost in found)))
    hours = [need.sound_h * WORK_HOURS_A_MONTH for need, _ in found]
    each = [sum(cost.values()) / hour if hour else math.inf for hour, (_, cost) in zip(hours, found, strict=True)]
    rows.append(("for an hour of sound", *(f"{cost:.2f}" if cost < math.inf else "—" for cost in each)))
    return table(("US dollars", *SIZES), rows)


def number(value: float) -> str:
    """With two digits that mean something.

    Examples
    --------
    >>> number(0.0234), number(3.14), number(20800.0)
    ('0.02', '3.1', '20,800')
    """
    digits = 2 if value < 1 else 1 if value < 10 else 0
    return f"{value:,.{digits}f}"
