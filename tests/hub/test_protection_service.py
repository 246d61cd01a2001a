"""Protection as somebody meets it who talks to a running service, or to two that share a Redis."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from speaksep_hub.audit.verify import entries, verify
from speaksep_hub.protection.limiter import AWAY_S
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.redis_server import RedisServer
from tests.hub.service_process import ServiceProcess

RATE = "SPEAKSEP_HUB__PROTECTION__"
LIMITS = {"READ": "60/hour", "TOKEN": "3/minute", "GUESS": "5/minute", "JOBS_PER_USER": "3", "BODY_BYTES": "2000"}
SETTINGS = {RATE + name: value for name, value in LIMITS.items()}


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("r"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> Iterator[list[ServiceProcess]]:
    """Two processes of one service: same tokens, same jobs, same Redis, same trail."""
    folder = tmp_path_factory.mktemp("services")
    first = ServiceProcess(folder / "first", **SETTINGS, **{f"{RATE}STORAGE": redis.url})
    same = ("SPEAKSEP_HUB__SERVICE__TOKEN_FILE", "SPEAKSEP_JOBS", "SPEAKSEP_HUB__HUB__FOLDER")
    shared = {name: first.environment[name] for name in same}
    second = ServiceProcess(folder / "second", **SETTINGS, **{f"{RATE}STORAGE": redis.url}, **shared)
    second.tokens = first.tokens
    for service in (first, second):
        service.start()
    yield [first, second]
    for service in (first, second):
        service.stop()


@pytest.fixture
def service(services: list[ServiceProcess]) -> ServiceProcess:
    return services[0]


def refusals(service: ServiceProcess, actor: str) -> list[tuple[object, object]]:
    """Status and reason of what somebody was refused, from the trail."""
    found = [each for each in entries(service.folder / "audit") if each["__schema__"].endswith(":refusal")]
    return [(each["status"], each["reason"]) for each in found if each["actor"] == actor]


def ask(services: list[ServiceProcess], count: int, path: str = "me") -> list[httpx.Response]:
    """So many requests of ann to each, all at once."""

    async def run() -> list[httpx.Response]:
        clients = [
            httpx.AsyncClient(
                base_url=f"{service.api}/", headers={"Authorization": f"Bearer {services[0].tokens['ann']}"}, timeout=60
            )
            for service in services
        ]
        answers = await asyncio.gather(*(client.get(path) for _ in range(count) for client in clients))
        for client in clients:
            await client.aclose()
        return answers

    return asyncio.run(run())


def counted(answers: list[httpx.Response]) -> dict[int, int]:
    return dict(Counter(answer.status_code for answer in answers))


def test_two_services_let_exactly_the_rate_pass_also_after_redis_was_away(
    services: list[ServiceProcess], redis: RedisServer
) -> None:
    assert counted(ask(services, 50)) == {200: 60, 429: 40}
    redis.stop()
    # Each counts for itself: nobody is locked out, and nobody may do without end.
    assert counted(ask(services, 80)) == {200: 120, 429: 40}
    redis.start()
    time.sleep(AWAY_S)
    assert counted(ask(services, 1)) == {200: 2}  # one request asks whether Redis is back, so that not all wait
    assert counted(ask(services, 50)) == {200: 58, 429: 42}
    for service in services:
        assert service.log().count("Redis does not answer") == service.log().count("Redis is back") == 1


def test_who_asks_too_often_is_told_when_to_come_back(service: ServiceProcess) -> None:
    with service.client("bob") as client, service.client("ada") as other:
        answers = [client.delete("tokens/none") for _ in range(4)]
        assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert 429 not in {answer.status_code for answer in answers[:3]}
        refused = answers[-1]
        assert refused.status_code == 429
        assert set(refused.json()) == {"ok", "error", "reason", "hint"}
        assert refused.json()["reason"] == "too-many-requests"
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["RateLimit-Policy"] == "3;w=60"
        assert refused.headers["X-Request-Id"]
        assert other.delete("tokens/none").headers["RateLimit-Remaining"] == "2"
        assert client.get("me").status_code == 200
    assert (429, "too-many-requests") in refusals(service, "bob")


def test_wrong_tokens_are_refused_before_anybody_is_asked(services: list[ServiceProcess]) -> None:
    with services[0].client(None) as client, services[1].client(None) as other:
        answers = [
            each.get("me", headers={"Authorization": f"Bearer {n}", "X-Forwarded-For": f"10.0.0.{n}"})
            for n in range(4)
            for each in (client, other)
        ]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 3
        assert answers[-1].json()["reason"] == "too-many-guesses"
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert client.get("me").status_code == 401  # whoever sends nothing guesses nothing


def test_more_jobs_than_one_may_have_are_refused(service: ServiceProcess, talk: Path) -> None:
    with JobTable.open(service.jobs) as table, service.client("bat") as client:
        recording = client.post("recordings", params={"name": "talk.wav"}, content=talk.read_bytes()).json()
        table.submit_many([JobRequest(notebook="separate", parameters={"n": n}, owner="bob") for n in range(5)])
        table.submit_many([JobRequest(notebook="separate", parameters={"n": n}, owner="bat") for n in range(3)])
        refused = client.post(f"recordings/{recording['id']}/diagnosis")
        assert sum(table.counts(owner="bat").values()) == 3
        table.cancel(table.jobs(owner="bat")[0].id)
        taken = client.post(f"recordings/{recording['id']}/diagnosis")
    assert (refused.status_code, refused.json()["reason"]) == (429, "too-many-jobs")
    assert int(refused.headers["Retry-After"]) > 0
    assert taken.status_code == 202


def test_a_large_body_is_refused_and_that_is_in_the_trail(service: ServiceProcess) -> None:
    with service.client("vera") as client:
        answer = client.post("jobs", content=b"x" * 3000)
    assert (answer.status_code, answer.json()["reason"]) == (413, "too-large")
    assert answer.headers["X-Request-Id"]
    assert (413, "too-large") in refusals(service, "")


def test_the_trail_of_two_services_is_one_chain(services: list[ServiceProcess]) -> None:
    for service in services:
        with service.client("vera") as client:
            for _ in range(10):
                assert client.get("jobs").status_code == 403
    assert verify(services[0].folder / "audit").problems == ()
    assert refusals(services[0], "vera").count((403, "missing-scope")) == 20
