"""What is told of loads: on a terminal, in docs/capacity.md between ``<!-- load: NAME -->`` and ``<!-- end -->``.

``python -m tests.load.page docs/capacity.md`` puts the kept figures there once more.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.load.figures import Step, read
from tests.load.paper import costs_table, needs_table
from tests.load.tables import capacity_table, carried, condition, kinds_table, parts_table, verdict_table
from tests.load.targets import missed

MEASURED = Path(__file__).with_name("measured.json")
"""The figures of the page."""
_BLOCK = re.compile(r"(?<=<!-- load: )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)


def told(steps: Sequence[Step]) -> dict[str, str]:
    """Everything that is said of loads, in Markdown; in detail of the first, and of the largest."""
    first, largest = steps[0], max(steps, key=lambda step: step.people)
    fails = missed(first)
    return {
        "condition": condition(steps),
        "capacity": capacity_table(steps),
        "carried": f"So it carries **{carried(steps)} people at once**: their pages were in time, and nothing failed.",
        "first": f"{first.people} people, {first.at_work} of them at work, for {first.seconds:.0f} s:",
        "kinds": kinds_table(first),
        "targets": verdict_table(first),
        "largest": f"What {largest.people} people took of {largest.cores} cores:",
        "parts": parts_table(largest),
        "needs": needs_table(first),
        "costs": costs_table(first),
        "verdict": f"Verdict for {first.people} people: "
        + (f"missed: {'; '.join(fails)}." if fails else "all targets are met."),
    }


def report(steps: Sequence[Step]) -> str:
    """All of it, one after the other."""
    return "\n\n".join(told(steps).values())


def with_figures(text: str, steps: Sequence[Step]) -> str:
    """A page with its figures in the place of those that it has."""
    said = told(steps)
    return _BLOCK.sub(lambda found: f"{found[1]}{found[2]}\n{said[found[1]]}\n\n", text)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        page = Path(name)
        page.write_text(with_figures(page.read_text(), read(MEASURED)))
