"""Pages as programs: one clean shell for each, with the files that its examples speak of."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.pages import ROOT, RUN, SHELL, Block, blocks

SECONDS = 280.0
CHECKED = re.compile(
    r"\s*(?:[A-Z0-9_]+=\S+ )*(?:python (?:-m tests\.|tests/)"
    r"|(?:pytest|make|promtool|apt-get|pip|npm|docker|kubectl|systemctl|jupyterhub)\b"
    r"|speaksep (?:hub up|service|dashboards up|jobs work)\b)"
)
"""Lines that are looked up and not run: the tests themselves, installers, and what runs until Ctrl-C."""


@dataclass(frozen=True)
class Scene:
    """What a page needs beside its own words.

    Attributes
    ----------
    before
        Shell that makes what the page takes for granted.
    fills
        What stands in its code for something else, and what that is here.
    after
        Shell that looks at what came of it.
    """

    before: str = ""
    fills: Mapping[str, str] = field(default_factory=dict)
    after: str = ""


def script(page: Path, scene: Scene) -> str:
    """The page as one program."""
    parts = ["set -euo pipefail", scene.before]
    for block in blocks(page):
        if is_run(block):
            code = block.code
            for stands, is_here in scene.fills.items():
                code = code.replace(stands, is_here)
            parts.append(f"echo '## {block.place}' >&2")
            parts.append(_shell(code) if block.language in SHELL else f"python - <<'PY'\n{code}PY")
    return "\n".join([*parts, scene.after, ""])


def is_run(block: Block) -> bool:
    """Whether the page's own program has it."""
    return block.language in RUN and not block.not_run and not block.run_by


def is_looked_up(line: str) -> bool:
    """Whether a line of a block that is run is left out."""
    return CHECKED.match(line) is not None


def _shell(code: str) -> str:
    return "\n".join(":" if is_looked_up(line) else line for line in code.splitlines())


@contextmanager
def warm_programs(folder: Path) -> Iterator[Path]:
    """``speaksep`` and ``python`` that start at once, in a folder for ``PATH``, while the block runs."""
    serving = subprocess.Popen(
        [sys.executable, "-m", "tests.docs.warm", str(folder)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert serving.stdout is not None
        assert serving.stdout.readline() == "ready\n"
        yield folder
    finally:
        serving.kill()
        serving.communicate()


def run_page(page: Path, scene: Scene, programs: Path, desk: Path, folder: Path, **environment: str) -> str:
    """Run a page in a new folder and home, with copies of the files of the desk; what it said.

    Parameters
    ----------
    page, scene
        What is run.
    programs
        As of :func:`warm_programs`.
    desk
        Files that pages take for granted.
    folder
        Where it is run.
    environment
        Further variables.
    """
    place, home = folder / "place", folder / "home"
    shutil.copytree(desk.with_name(f"{desk.name}-home"), home)
    shutil.copytree(desk, place)
    variables = {
        "HOME": str(home),
        "PATH": f"{programs}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder),
        "OMP_NUM_THREADS": "1",
        "SPEAKSEP_RUNTIME_DIR": str(folder / "run"),
        "REPOSITORY": str(ROOT),
        **environment,
    }
    (folder / "run").mkdir(mode=0o700)
    text = script(page, scene)
    (folder / "page.sh").write_text(text)
    words = ["timeout", "--kill-after=1", str(SECONDS), "bash", str(folder / "page.sh")]
    try:
        done = subprocess.run(words, cwd=place, env=variables, capture_output=True, text=True, check=False)
    finally:
        subprocess.run([programs / "speaksep", "kernel", "stop"], env=variables, capture_output=True, check=False)
    assert done.returncode == 0, f"{page.name}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done.stdout + done.stderr
