"""Rates over real processes and a real Redis, which goes away, hangs, forgets and comes back."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from speaksep_hub.protection import limiter as limiter_module
from speaksep_hub.protection.limiter import Limiter, Verdict
from speaksep_hub.protection.settings import ProtectionSettings
from speaksep_hub.protection.too_many import TooMany
from speaksep_kernel.errors import InputError
from tests.hub.redis_server import RedisServer

HITTER = """
import asyncio, json, sys
from pydantic import SecretStr
from speaksep_hub.protection.limiter import Limiter
from speaksep_hub.protection.settings import ProtectionSettings

async def main(url, rate, count):
    limiter = Limiter.open(ProtectionSettings(storage=SecretStr(url), read=rate))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    verdicts = await asyncio.gather(*(limiter.hit("read", "ann") for _ in range(count)))
    print(json.dumps([verdict.allowed for verdict in verdicts]), flush=True)
    await limiter.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    yield server
    server.stop()


def settings(redis: RedisServer | None = None, **rates: str) -> ProtectionSettings:
    return ProtectionSettings(storage=SecretStr(redis.url) if redis else None, **rates)  # type: ignore[arg-type]


async def hits(limiter: Limiter, count: int, who: str = "ann", name: str = "read") -> list[Verdict]:
    return [await limiter.hit(name, who) for _ in range(count)]


def allowed(verdicts: list[Verdict]) -> int:
    return sum(verdict.allowed for verdict in verdicts)


def test_exactly_so_many_pass_over_two_processes(redis: RedisServer) -> None:
    command = [sys.executable, "-c", HITTER, redis.url, "100/minute", "150"]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    counts = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        counts.append(sum(json.loads(process.communicate(timeout=60)[0])))
        assert process.returncode == 0
    assert sum(counts) == 100


@pytest.mark.parametrize("shared", [False, True], ids=["memory", "redis"])
def test_a_window_lets_exactly_its_rate_pass_and_opens_again(shared: bool, redis: RedisServer) -> None:
    async def run() -> None:
        limiter = Limiter.open(settings([None, redis][shared], read="7/second"))
        first = await hits(limiter, 10)
        assert [verdict.allowed for verdict in first] == [True] * 7 + [False] * 3
        assert [verdict.remaining for verdict in first] == [6, 5, 4, 3, 2, 1, 0, 0, 0, 0]
        assert all(0 <= verdict.reset_s <= 1 for verdict in first)
        await asyncio.sleep(1.1)
        assert allowed(await hits(limiter, 10)) == 7
        await limiter.close()

    asyncio.run(run())


def test_users_and_groups_count_apart(redis: RedisServer) -> None:
    async def run() -> None:
        limiter = Limiter.open(settings(redis, read="3/minute", write="2/minute"))
        assert allowed(await hits(limiter, 5, "ann")) == 3
        assert allowed(await hits(limiter, 5, "bob")) == 3
        assert allowed(await hits(limiter, 5, "ann", "write")) == 2
        assert allowed(await hits(limiter, 5, "ann/write")) == 3
        await limiter.close()

    asyncio.run(run())


def test_looking_counts_nothing(redis: RedisServer) -> None:
    async def run() -> None:
        limiter = Limiter.open(settings(redis, guess="2/minute"))
        assert [(await limiter.look("guess", "1.2.3.4")).allowed for _ in range(5)] == [True] * 5
        await hits(limiter, 2, "1.2.3.4", "guess")
        assert not (await limiter.look("guess", "1.2.3.4")).allowed
        await limiter.close()

    asyncio.run(run())


def test_headers_say_what_is_left() -> None:
    verdict = Verdict(allowed=True, limit=600, window_s=60, remaining=599, reset_s=29.2)
    assert verdict.headers == {
        "RateLimit-Limit": "600",
        "RateLimit-Remaining": "599",
        "RateLimit-Reset": "30",
        "RateLimit-Policy": "600;w=60",
    }


def test_redis_goes_away_and_comes_back(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(limiter_module, "AWAY_S", 0.5)
    caplog.set_level(logging.WARNING, "speaksep.protection")

    async def run() -> None:
        limiter = Limiter.open(settings(redis, read="10/minute"))
        assert allowed(await hits(limiter, 4)) == 4
        redis.stop()
        # Nobody is refused because of that, and the rate still holds.
        assert allowed(await hits(limiter, 25)) == 10
        assert not limiter.shared
        redis.start()
        await asyncio.sleep(0.6)
        assert allowed(await hits(limiter, 25)) == 10
        assert limiter.shared
        await limiter.close()

    asyncio.run(run())
    assert [record.message.split(":")[0].split(" (")[0] for record in caplog.records] == [
        "Redis does not answer",
        "Redis is back",
    ]


def test_that_redis_is_away_is_known_without_any_request(redis: RedisServer) -> None:
    async def run() -> tuple[bool, bool]:
        limiter = Limiter.open(settings(redis, read="10/minute"))
        before = await limiter.reachable()
        redis.stop()
        after = await limiter.reachable()
        await limiter.close()
        return before, after

    assert asyncio.run(run()) == (True, False)


def test_a_redis_that_hangs_holds_up_requests_only_once(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> float:
        limiter = Limiter.open(settings(redis, read="1000/minute"))
        await hits(limiter, 3)
        assert redis.process is not None
        os.kill(redis.process.pid, signal.SIGSTOP)
        try:
            began_s = time.monotonic()
            await hits(limiter, 200)
            took_s = time.monotonic() - began_s
        finally:
            os.kill(redis.process.pid, signal.SIGCONT)
        await limiter.close()
        return took_s

    assert limiter_module.ANSWER_S <= asyncio.run(run()) < 4 * limiter_module.ANSWER_S + 1


def test_a_redis_that_is_not_there_at_the_start_is_no_reason_not_to_start(tmp_path: Path) -> None:
    async def run() -> None:
        limiter = Limiter.open(ProtectionSettings(storage=SecretStr(f"unix://{tmp_path}/none.sock"), read="3/minute"))
        assert allowed(await hits(limiter, 5)) == 3
        await limiter.close()

    asyncio.run(run())


def test_streams_of_a_user_are_limited_and_given_back() -> None:
    limiter = Limiter({}, streams_per_user=2)
    with (
        limiter.stream("ann"),
        limiter.stream("ann"),
        limiter.stream("bob"),
        pytest.raises(TooMany, match="2 streams of ann are open") as caught,
        limiter.stream("ann"),
    ):
        pass
    assert (caught.value.reason, caught.value.headers) == ("too-many-streams", {"Retry-After": "5"})
    with limiter.stream("ann"), limiter.stream("ann"):
        pass


@pytest.mark.parametrize("rate", ["0/minute", "many", "5/fortnight", "5 per minute", "-1/second", ""])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="read"):
        ProtectionSettings(read=rate)


def test_an_address_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(InputError) as caught:
        Limiter.open(ProtectionSettings(storage=SecretStr("http://user:hush@host")))
    assert caught.value.reason == "bad-settings"
    assert "hush" not in str(caught.value)
