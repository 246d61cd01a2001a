"""Workflows of GitHub: valid by their schema, pinned, with no more rights than they need, and what they run exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_jsonschema import main as check
from click.testing import CliRunner

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FILES = pytest.mark.parametrize("place", WORKFLOWS, ids=lambda place: place.stem)
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*")


def schema_errors(schema: str, place: Path) -> str:
    """What the schema that check-jsonschema brings has against a file; empty: nothing."""
    done = CliRunner().invoke(check, ["--builtin-schema", f"vendor.{schema}", str(place)])
    return "" if done.exit_code == 0 else done.output


def jobs(place: Path) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(place.read_text())["jobs"])


@FILES
def test_a_workflow_is_valid(place: Path) -> None:
    assert schema_errors("github-workflows", place) == ""


def test_an_invalid_workflow_would_be_noticed(tmp_path: Path) -> None:
    place = tmp_path / "ci.yml"
    place.write_text(WORKFLOWS[0].read_text().replace("runs-on", "run-on"))
    assert "run-on" in schema_errors("github-workflows", place)


def test_updates_of_dependencies_are_valid() -> None:
    place = ROOT / ".github" / "dependabot.yml"
    assert schema_errors("dependabot", place) == ""
    folders = [each["directory"] for each in yaml.safe_load(place.read_text())["updates"]]
    assert [name for name in folders if not (ROOT / name.strip("/")).is_dir()] == []


@FILES
def test_actions_of_others_are_pinned_to_commits(place: Path) -> None:
    used = re.findall(r"uses: (.*)$", place.read_text(), re.MULTILINE)
    assert [each for each in used if not each.startswith("./") and not PINNED.fullmatch(each)] == []


@FILES
def test_rights_are_the_least(place: Path) -> None:
    text = place.read_text()
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in jobs(place).items() if "permissions" in job}
    allowed = {"image": {"contents": "read", "packages": "write"}, "publish": {"id-token": "write"}}
    assert more == {name: allowed[name] for name in more}
    assert text.count("persist-credentials: false") == text.count("uses: actions/checkout@")


@FILES
def test_every_job_ends_by_itself(place: Path) -> None:
    own = [job for job in jobs(place).values() if "uses" not in job]
    assert all(job["timeout-minutes"] <= 90 for job in own)


@FILES
def test_make_knows_what_is_asked_of_it(place: Path) -> None:
    asked = re.findall(r"\bmake ([\w-]+)", place.read_text())
    makefile = (ROOT / "Makefile").read_text()
    assert [name for name in asked if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


@FILES
def test_no_text_from_outside_becomes_a_command(place: Path) -> None:
    scripts = [step["run"] for job in jobs(place).values() for step in job.get("steps", ()) if "run" in step]
    assert [script for script in scripts if "${{" in script] == []


def test_a_release_publishes_what_was_tested_and_built_once() -> None:
    release = jobs(ROOT / ".github" / "workflows" / "release.yml")
    assert set(release["publish"]["needs"]) == {"build", "test", "image"}
    steps = [step.get("uses", "").partition("@")[0] for step in release["publish"]["steps"]]
    assert steps == ["actions/download-artifact", "pypa/gh-action-pypi-publish"]
    assert release["deploy"]["needs"] == "publish"


def test_the_archive_of_sources_becomes_the_same_wheel(tmp_path: Path) -> None:
    told = subprocess.run(["make", "--dry-run", "package"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.index("build_sdist") < told.stdout.index("build_wheel")
