"""The pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
SHELL = ("sh", "bash")
RUN = (*SHELL, "python")
MARKER = re.compile(r"<!-- (not run|run by): (.+?) -->")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes
    ----------
    page, line
        Where it begins.
    language
        What its fence says.
    code
        What it has.
    not_run
        Why it cannot be run, if it says so.
    run_by
        The test that runs it, if it names one.
    """

    page: Path
    line: int
    language: str
    code: str
    not_run: str = ""
    run_by: str = ""

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All blocks of a page, in order, each with the marker that stands above it."""
    found: list[Block] = []
    marker = ("", "")
    start, language, lines = 0, "", list[str]()
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        if start:
            if line.strip() == "```":
                more = {marker[0].replace(" ", "_"): marker[1]} if marker[0] else {}
                found.append(Block(page, start, language, "\n".join(lines) + "\n", **more))
                start, marker = 0, ("", "")
            else:
                lines.append(line)
        elif line.startswith("```"):
            start, language, lines = number, line[3:].strip(), []
        elif said := MARKER.fullmatch(line.strip()):
            marker = (said[1], said[2])
        elif line.strip():
            marker = ("", "")
    return found


ALL = [block for page in PAGES for block in blocks(page)]
