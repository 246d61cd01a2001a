"""What ``speaksep doctor`` says of the trail and of the place where requests are counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from speaksep_hub.audit.log import AuditLog
from speaksep_hub.checks import check_settings
from speaksep_hub.settings import Settings
from speaksep_kernel.cli.doctor import Check
from tests.hub.redis_server import RedisServer


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    yield server
    server.stop()


def check(name: str, tmp_path: Path, **protection: str) -> Check:
    settings = Settings.model_validate({"hub": {"folder": tmp_path}, "protection": protection})
    return next(each for each in check_settings(settings) if each.name == name)


def test_the_trail_is_looked_at(tmp_path: Path) -> None:
    assert "nothing yet" in check("hub audit", tmp_path).found
    audit = AuditLog.open(tmp_path / "audit", service="hub", sync=False)
    audit.record("sign-in", actor="ann")
    assert check("hub audit", tmp_path).found.startswith("1 entries")
    path = tmp_path / "audit" / "audit.jsonl"
    path.write_bytes(path.read_bytes().replace(b"ann", b"bob"))
    broken = check("hub audit", tmp_path)
    assert (broken.ok, "line 1: changed" in broken.found) == (False, True)


def test_redis_is_asked(tmp_path: Path, redis: RedisServer) -> None:
    assert check("hub rates", tmp_path).found == "counted in the memory of each service"
    assert check("hub rates", tmp_path, storage=redis.url).ok
    redis.stop()
    away = check("hub rates", tmp_path, storage=redis.url)
    assert (away.ok, "Redis does not answer" in away.found) == (False, True)
    redis.start()
