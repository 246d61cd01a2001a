"""What a load came to, as tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tests.load.figures import Step
from tests.load.targets import PAGES, TARGETS

QUIET_SHARE = 0.15
"""More than that of the processors for something else, and the figures are those of a loaded machine.

Not nothing: what a kernel spends in the half second before it ends is counted there, too.
"""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """One of them."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def taken(milliseconds: float) -> str:
    """A time for people.

    Examples
    --------
    >>> taken(8.0), taken(1300.0), taken(23000.0)
    ('8 ms', '1.3 s', '23 s')
    """
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s" if milliseconds < 10_000 else f"{milliseconds / 1000:.0f} s"


def kinds_table(step: Step) -> str:
    """How long people waited, by what they did."""
    rows = [
        (name, kind.count, taken(kind.p50_ms), taken(kind.p95_ms), taken(kind.p99_ms), kind.faults)
        for name, kind in step.kinds.items()
    ]
    return table(("what people did", "times", "p50", "p95", "p99", "failed"), rows)


def verdict_table(step: Step) -> str:
    """Every target, and whether it was met."""
    rows = []
    for target in TARGETS:
        value, limit = (told(number, target.unit) for number in (target.value(step), target.limit))
        bound = "at least" if target.least else "at most"
        rows.append((target.what, value, f"{bound} {limit}", "yes" if target.met(step) else "**no**"))
    return table(("target", "came to", "must be", "met"), rows)


def told(value: float, unit: str) -> str:
    """A value of a target.

    Examples
    --------
    >>> told(12.0, "ms"), told(1683.2, "MB"), told(0.0, ""), told(math.inf, "ms")
    ('12 ms', '1683 MB', '0', 'never')
    """
    if value == math.inf:
        return "never"
    return taken(value) if unit == "ms" else f"{value:.0f} {unit}".strip()


def parts_table(step: Step) -> str:
    """What each part of the platform took of the machine, the greediest first."""
    whole_s = step.cores * step.seconds
    spent = [*step.cpu_s.items(), ("the people (Locust)", step.people_cpu_s), ("other programs", step.others_cpu_s)]
    rows = [
        (part, f"{cpu_s / whole_s:.0%}", f"{cpu_s / step.seconds:.2f}", memory_mb(step, part))
        for part, cpu_s in sorted(spent, key=lambda each: -each[1])
    ]
    return table(("part", "of all processors", "cores", "memory, MB"), rows)


def capacity_table(steps: Sequence[Step]) -> str:
    """One line for each number of people."""
    rows = []
    for step in steps:
        separation = step.kinds.get("separation: until it is there")
        rows.append(
            (
                step.people,
                step.at_work,
                f"{step.requests / step.seconds:.0f}",
                *map(taken, (step.looks.p50_ms, step.looks.p95_ms, step.looks.p99_ms)),
                *(map(taken, (separation.p50_ms, separation.p95_ms)) if separation else ("—", "—")),
                f"{step.jobs_per_hour:.0f}",
                f"{step.sound_s / step.seconds:.2f}",
                step.faults,
                f"{sum(step.memory_bytes.values()) / 1e9:.2f} GB",
                f"{step.others_share:.0%}",
            )
        )
    head = (
        "people", "at work", "requests/s", "a look: p50", "p95", "p99", "a separation: p50", "p95", "jobs an hour",
        "hours of sound an hour", "failed", "memory", "other programs",
    )  # fmt: skip
    return table(head, rows)


def carried(steps: Sequence[Step]) -> int:
    """The largest number of people whose pages were in time, while nothing failed; 0: none."""
    good = [step.people for step in steps if PAGES.met(step) and not step.faults]
    return max(good, default=0)


def condition(steps: Sequence[Step]) -> str:
    """How much the figures are worth."""
    share = max(step.others_share for step in steps)
    cores = steps[0].cores
    if share <= QUIET_SHARE:
        return f"Taken on an idle machine with {cores} cores (other programs: {share:.0%} of the processors at most)."
    return (
        f"**Taken under load**: other programs had up to {share:.0%} of the {cores} cores, so times are pessimistic "
        "and jobs an hour too few."
    )


def memory_mb(step: Step, part: str) -> str:
    """Of a part; a dash where nobody weighed it."""
    return f"{step.memory_bytes[part] / 1e6:.0f}" if part in step.memory_bytes else "—"
