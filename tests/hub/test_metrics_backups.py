"""Metrics know when the newest backup was made, and when nobody could restore any."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event

import pytest

from speaksep_hub.backup.create import create
from speaksep_hub.backup.vault import Vault
from speaksep_hub.metrics.backups import backups, newest
from speaksep_hub.settings import Settings
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.receivers import eventually


def settings(folder: Path, **backup: str) -> Settings:
    """Of a platform with backups."""
    return Settings.model_validate({"hub": {"folder": str(folder / "hub")}, "backup": backup})


def test_the_newest_is_told_without_its_key(tmp_path: Path) -> None:
    place = tmp_path / "backups"
    chosen = settings(tmp_path, to=str(place), key="an old word of some length")
    (tmp_path / "hub").mkdir()
    JobTable.open(tmp_path / "hub" / "jobs.sqlite3").close()
    before = time.time()
    for _ in range(2):
        create(chosen, Vault.open(str(place), "an old word of some length", make=True))
    (found,) = backups(chosen)
    assert found.name == "speaksep_backup_timestamp_seconds"
    assert before - 1 <= found.value <= time.time()


def test_what_is_no_backup_yet_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    old, newer = "20260101T000000Z-00aa11", "20260102T000000Z-00aa11"
    for name in (f"{old}.json", f"{old}.files", f"{newer}.files", f"{newer}.making", "vault.json", "20270101.json"):
        (tmp_path / "backups" / name).touch()
    assert newest(str(tmp_path)) == 1767225600


def test_where_there_is_none_there_is_none_and_none_is_begun(tmp_path: Path) -> None:
    assert newest(str(tmp_path / "nothing")) == 0
    assert not (tmp_path / "nothing").exists()


def test_a_place_that_cannot_be_read_has_none(tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("is no folder")
    (tmp_path / "vault.json").touch()
    assert newest(str(tmp_path)) == 0
    assert newest("s3://Not A Bucket/x") == 0


def test_prometheus_does_not_wait_for_a_place_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = Event()
    monkeypatch.setattr("speaksep_hub.metrics.backups.PATIENCE_S", 0.01)
    monkeypatch.setattr("speaksep_hub.metrics.backups.newest", lambda place: answered.wait(60) * 12.0)
    chosen = settings(tmp_path, to=str(tmp_path / "slow"))
    assert list(backups(chosen)) == []
    answered.set()
    eventually(lambda: [found.value for found in backups(chosen)] == [12.0])


def test_nobody_asks_where_none_are_wanted(tmp_path: Path) -> None:
    assert list(backups(settings(tmp_path))) == []
