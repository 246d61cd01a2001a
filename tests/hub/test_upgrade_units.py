"""The upgrade of a machine with systemd, by both versions and on real tables; what upgrade notes must say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from speaksep_hub.settings import hidden, load
from speaksep_kernel.catalogue.tables import SCHEMA as CATALOGUE
from speaksep_kernel.cli import main
from speaksep_kernel.jobs.database import engine_of, revision_of, url_of
from tests.hub.earlier import ROOT, Earlier, commit
from tests.kernel.table_contents import fill

pytestmark = pytest.mark.skipif(not commit(), reason="no history to make the version before this one of")
OPEN = "from speaksep_kernel.catalogue.catalogue import Catalogue; Catalogue.open('$SPEAKSEP_JOBS').close()"
SYSTEMCTL = f"""#!/bin/sh
echo "$(readlink "$SPEAKSEP_ROOT/speaksep") $*" >> "$SPEAKSEP_ROOT/calls"
test "$1" = start || exit 0
"$SPEAKSEP_ROOT/speaksep/bin/python" -c "{OPEN}" && test "$(readlink "$SPEAKSEP_ROOT/speaksep")" != "$BROKEN"
"""
"""Takes notes; what it starts brings its tables up to date, as the platform would, and may fail then."""


class Machine:
    """One with both versions below its /opt, and a systemctl that only takes notes."""

    def __init__(self, folder: Path, earlier: Earlier) -> None:
        self.folder, self._earlier = folder, earlier
        (folder / "speaksep-1").symlink_to(earlier.folder)
        (folder / "speaksep-2").symlink_to(Path(sys.executable).parents[1])
        (folder / "speaksep").symlink_to("speaksep-1")
        (folder / "systemctl").write_text(SYSTEMCTL)
        (folder / "systemctl").chmod(0o755)
        (folder / "variables").write_text(f"SPEAKSEP_JOBS={folder / 'jobs.sqlite3'}\n")
        self.settings = folder / "hub.toml"
        self.settings.write_text(f"[hub]\nfolder = '{folder / 'hub'}'\n")

    def upgrade(self, version: str, broken: str = "") -> tuple[int, str]:
        """Code, and what the platform is afterwards."""
        told = self._earlier.environment
        told |= {"SPEAKSEP_ROOT": str(self.folder), "SPEAKSEP_VARIABLES": str(self.folder / "variables")}
        told |= {"SPEAKSEP_HUB_CONFIG": str(self.settings), "BROKEN": broken}
        told["PATH"] = f"{self.folder}:{told['PATH']}"
        command = [ROOT / "hub" / "deploy" / "systemd" / "upgrade", version]
        done = subprocess.run(command, env=told, stdout=subprocess.DEVNULL, cwd=self.folder, check=False)
        return done.returncode, os.readlink(self.folder / "speaksep")

    @property
    def tables(self) -> str:
        """Revisions, as the version after says."""
        engine = engine_of(url_of(self.folder / "jobs.sqlite3"), patience_s=5.0)
        found = f"jobs={revision_of(engine)} catalogue={revision_of(engine, CATALOGUE)}"
        engine.dispose()
        return found

    @property
    def calls(self) -> list[str]:
        """Of systemctl, with what the platform was; they are forgotten."""
        place = self.folder / "calls"
        found = place.read_text().splitlines() if place.exists() else []
        place.unlink(missing_ok=True)
        return found


def test_the_upgrade_of_units_goes_forth_and_back_by_itself_and_when_told(earlier: Earlier, tmp_path: Path) -> None:
    machine = Machine(tmp_path, earlier)
    fill(str(tmp_path / "jobs.sqlite3"))
    older, newer = earlier.run("jobs", "schema", "--needed").strip(), machine.tables
    assert older != newer
    main(["jobs", "schema", "--jobs", str(tmp_path / "jobs.sqlite3"), *older.split()])

    assert machine.upgrade("2", broken="speaksep-2") == (1, "speaksep-1")
    assert machine.calls == [f"speaksep-{each}" for each in ("1 stop speaksep", "2 start speaksep")] + [
        f"speaksep-{each}" for each in ("2 stop speaksep", "1 start speaksep")
    ]
    assert machine.tables == older

    assert machine.upgrade("2") == (0, "speaksep-2")
    assert machine.calls == ["speaksep-1 stop speaksep", "speaksep-2 start speaksep"]
    assert machine.tables == newer

    assert machine.upgrade("1") == (0, "speaksep-1")
    assert machine.calls == ["speaksep-2 stop speaksep", "speaksep-1 start speaksep"]
    assert machine.tables == older
    assert len(json.loads(earlier.run("jobs", "list", "--json", "--jobs", str(tmp_path / "jobs.sqlite3")))["jobs"]) == 4


def test_a_version_that_does_not_know_a_setting_stops_nothing(earlier: Earlier, tmp_path: Path) -> None:
    machine = Machine(tmp_path, earlier)
    machine.settings.write_text("[service]\nreplicas = ['http://127.0.0.1:1']\n")
    (tmp_path / "speaksep").unlink()
    (tmp_path / "speaksep").symlink_to("speaksep-2")
    assert machine.upgrade("1") == (2, "speaksep-2")
    assert machine.calls == []


def test_settings_that_the_version_before_refuses_are_in_the_notes(earlier: Earlier, tmp_path: Path) -> None:
    told = {"SPEAKSEP_HUB__HUB__FOLDER": str(tmp_path)}
    before = json.loads(earlier.run("hub", "config", "--show", "--json", **told))["settings"]
    notes = (ROOT / "docs" / "upgrade.md").read_text()
    new = [
        f"{section}.{name}" if section in before else f"[{section}]"
        for section, values in hidden(load(environment=told)).items()
        for name in values
        if name not in before.get(section, ())
    ]
    assert new
    assert [each for each in new if f"`{each}`" not in notes] == []
