"""The timer and the nightly job in pods: they start what there is, shut in, with the settings of the platform.

systemd's own tools look at the units where they are installed; nothing here runs in a cluster.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from speaksep_hub.settings import load
from speaksep_kernel.cli import main

DEPLOY = Path(__file__).parents[2] / "hub" / "deploy"
UNITS = DEPLOY / "systemd"


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    """The nightly job in pods."""
    return dict(yaml.safe_load((DEPLOY / "kubernetes" / "backup.yaml").read_text()))


@pytest.fixture(scope="module")
def pod(job: dict[str, Any]) -> dict[str, Any]:
    return dict(job["spec"]["jobTemplate"]["spec"]["template"]["spec"])


def test_the_unit_makes_one_and_removes_old_ones() -> None:
    commands = re.findall(r"^ExecStart=(.*)$", (UNITS / "speaksep-backup.service").read_text(), re.MULTILINE)
    assert [shlex.split(command)[2] for command in commands] == ["create", "prune"]
    assert [main([*shlex.split(command)[1:], "--help"]) for command in commands] == [0, 0]


def test_the_timer_starts_it_every_night_and_makes_up_for_one_that_was_missed() -> None:
    text = (UNITS / "speaksep-backup.timer").read_text()
    assert re.search(r"^OnCalendar=\*-\*-\* \d\d:\d\d$", text, re.MULTILINE)
    assert "Persistent=yes" in text


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    for path in ("opt/speaksep/bin/speaksep", "etc/systemd/system/sysinit.target"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("[Unit]\n")
    (tmp_path / "opt/speaksep/bin/speaksep").chmod(0o755)
    for name in ("speaksep-backup.service", "speaksep-backup.timer"):
        shutil.copy(UNITS / name, tmp_path / "etc/systemd/system")
    units = ["/etc/systemd/system/speaksep-backup.service", "/etc/systemd/system/speaksep-backup.timer"]
    command = ["systemd-analyze", "verify", "--man=no", f"--root={tmp_path}", *units]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in told.stderr.splitlines() if "speaksep-backup" in line] == []
    subprocess.run(["systemd-analyze", "calendar", "*-*-* 02:30"], check=True, capture_output=True)


def test_in_pods_one_is_made_before_old_ones_are_removed_and_never_two_at_once(
    job: dict[str, Any], pod: dict[str, Any]
) -> None:
    assert (job["kind"], job["spec"]["concurrencyPolicy"]) == ("CronJob", "Forbid")
    (first,), (then,) = pod["initContainers"], pod["containers"]
    assert (first["command"], then["command"]) == (["speaksep", "backup", "create"], ["speaksep", "backup", "prune"])
    assert [main([*each["command"][1:], "--help"]) for each in (first, then)] == [0, 0]


def test_pods_may_nothing_and_see_what_the_services_see(pod: dict[str, Any]) -> None:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes" / "services.yaml").read_text())
    services = next(each for each in documents if each["kind"] == "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"] == services["securityContext"]
    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["securityContext"] == services["containers"][0]["securityContext"]
        assert container["volumeMounts"] == services["containers"][0]["volumeMounts"]
    assert {each["name"] for each in pod["volumes"]} == {each["name"] for each in services["volumes"]}


def test_the_secret_says_where_and_with_which_key(tmp_path: Path) -> None:
    told = {"SPEAKSEP_HUB__BACKUP__TO": "s3://speech/backups", "SPEAKSEP_HUB__BACKUP__KEY": "the key of the backups"}
    text = (DEPLOY / "kubernetes" / "backup.yaml").read_text()
    assert [name for name in told if name not in text] == []
    settings = load(environment=told).backup
    assert (settings.to, settings.keep_days) == ("s3://speech/backups", 30)
