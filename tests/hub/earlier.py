"""The version before this one, made from the history: a wheel, installed in a place of its own.

It is the last state of the sources whose tables were older than today's. Where there is no history, as in an archive of
the sources, there is none; tests/kernel/test_jobs_table_rollback.py does the same then with this version as the older
one, and one with a further migration as the newer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
WHAT_A_WHEEL_IS_MADE_OF = (
    *("pyproject.toml", "README.md", "LICENSE", "NOTICE"),
    *("speaksep_kernel", "widgets", "dashboards", "hub", "notebooks"),
)
OTHERS = ("JUPYTER", "JPY_", "SPEAKSEP_")


def commit() -> str:
    """The one before the newest migration came; empty: the history does not say."""
    migrations = [str(path.relative_to(ROOT)) for path in ROOT.glob("speaksep_kernel/*/migrations/versions")]
    command = ["git", "log", "-1", "--diff-filter=A", "--format=%P", "--", *migrations]
    try:
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""
    return told.split()[0] if told.split() else ""


@dataclass(frozen=True)
class Earlier:
    """It, installed.

    Parameters
    ----------
    folder
        A virtual environment with its wheel, and this one's other packages.
    """

    folder: Path

    @classmethod
    def install(cls, folder: Path) -> Earlier:
        """Build its wheel from the history and install it."""
        sources, wheels, made = folder / "sources", folder / "wheels", folder / "environment"
        sources.mkdir(parents=True)
        wheels.mkdir()
        archive = subprocess.run(
            ["git", "archive", commit(), *WHAT_A_WHEEL_IS_MADE_OF], cwd=ROOT, capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", sources], input=archive.stdout, check=True)
        build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
        subprocess.run([sys.executable, "-c", build, wheels], cwd=sources, check=True)
        venv.create(made, symlinks=True)
        own = Path(sysconfig.get_path("purelib", "venv", {"base": str(made)}))
        # Only what is installed here, not what leads to these sources: .pth files there are not read.
        others = [each for each in sys.path if each.endswith("site-packages")]
        (own / "packages.pth").write_text("\n".join(others) + "\n")
        (wheel,) = wheels.glob("*.whl")
        pip = [sys.executable, "-m", "pip", "--python", made / "bin" / "python", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--no-index", "--disable-pip-version-check", wheel], check=True)
        return cls(made)

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.folder / "bin" / "python")

    @property
    def environment(self) -> dict[str, str]:
        """Variables that let it find what the other packages brought beside their code; nothing of the platform."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
        here = Path(sys.executable).parent
        path = os.pathsep.join((str(self.folder / "bin"), str(here), os.environ["PATH"]))
        return inherited | {"PATH": path, "JUPYTER_PATH": str(here.parent / "share" / "jupyter")}

    def run(self, *words: str, **environment: str) -> str:
        """What its ``speaksep`` prints."""
        told = self.environment | environment
        command = [self.folder / "bin" / "speaksep", *words]
        done = subprocess.run(command, env=told, capture_output=True, text=True, check=False, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout
