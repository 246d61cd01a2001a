"""Notices from a running service to a mail server and a web server of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from speaksep_hub.audit.events import name_of
from speaksep_hub.audit.verify import entries
from speaksep_hub.client import Client
from speaksep_hub.notices.addresses import Addresses
from speaksep_hub.notices.post import AGAIN_S, Post
from speaksep_hub.notices.settings import NoticeSettings
from speaksep_hub.notices.wishes import Wanted
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.cli import main
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.receivers import Hook, Mails, eventually, mail_server, web_hook
from tests.hub.service_process import ServiceProcess

MAIL = "ann@example.org"


@pytest.fixture(scope="module")
def mails() -> Iterator[Mails]:
    with mail_server() as mails:
        yield mails


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with web_hook() as hook:
        yield hook


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, mails: Mails, hook: Hook) -> Iterator[ServiceProcess]:
    service = ServiceProcess(
        tmp_path_factory.mktemp("notices"),
        SPEAKSEP_HUB__NOTICES__MAIL=f"mailto://127.0.0.1:{mails.port}?from=speaksep@example.org",
        SPEAKSEP_HUB__NOTICES__SERVICES='["json"]',
        SPEAKSEP_HUB__NOTICES__HOSTS=f'["127.0.0.1:{hook.port}"]',
        SPEAKSEP_HUB__NOTICES__GATHER_S="0.3",
        SPEAKSEP_HUB__DASHBOARDS__URL="https://speech.example.org/services/dashboards/",
    ).start()
    yield service
    service.stop()


@pytest.fixture
def ann(service: ServiceProcess) -> Iterator[Client]:
    with Client(service.url, service.tokens["ann"]) as client:
        yield client
        client.notices.forget()


@pytest.fixture
def table(service: ServiceProcess) -> Iterator[JobTable]:
    with JobTable.open(service.jobs) as table:
        yield table


def work(table: JobTable, *good: bool, owner: str = "ann", batch: str | None = None) -> list[str]:
    """Jobs that are asked for together and end one after the other."""
    about = {"name": "talk.wav", "batch_name": "talks"}
    jobs = table.submit_many([JobRequest(notebook="separate", owner=owner, batch=batch, about=about) for _ in good])
    for well in good:
        job = table.claim("worker", lease_s=60)
        assert job is not None
        end: dict[bool, Callable[..., Any]] = {
            True: lambda job: table.succeed(job.id, job.attempt, {}),
            False: fail(table),
        }
        end[well](job)
    return [job.id for job in jobs]


def fail(table: JobTable) -> Callable[..., Any]:
    error = {"error": "nobody speaks", "reason": "no-speech", "hint": ""}
    return lambda job: table.fail(job.id, job.attempt, error, again=False)


def test_a_job_is_told_by_mail_and_webhook(ann: Client, table: JobTable, mails: Mails, hook: Hook) -> None:
    ann.notices.wish(MAIL, hook.address, least_s=0)
    (job,) = work(table, True)
    eventually(lambda: mails.came and hook.came)
    (people, mail), (path, posted) = mails.came[-1], hook.came[-1]
    page = f"https://speech.example.org/services/dashboards/mine/recording/{job}/"
    assert (people, mail["To"], mail["Subject"]) == ([MAIL], MAIL, "Separation of talk.wav is done")
    assert mail["From"] == "speaksep@example.org"
    assert page in mail.get_content()
    assert (path, posted["title"], posted["type"]) == ("/hook/of-ann", "Separation of talk.wav is done", "info")
    assert page in posted["message"]
    eventually(lambda: [each["state"] for each in ann.notices.get()["recent"]] == ["sent", "sent"])


def test_jobs_that_end_together_come_together_and_a_batch_as_one(
    ann: Client, table: JobTable, mails: Mails, hook: Hook
) -> None:
    ann.notices.wish(hook.address, least_s=0, jobs="failed", names=False)
    before, mailed = len(hook.came), len(mails.came)
    ids = work(table, False, True, False)
    work(table, True, False, True, batch="b51c")
    work(table, True, owner="bob")
    eventually(lambda: sum(posted["message"].count("failed") for _, posted in hook.came[before:]) == 3)
    words = "\n".join(posted["message"] for _, posted in hook.came[before:])
    assert [words.count(ids[which]) for which in range(3)] == [1, 0, 1]
    assert words.count("Batch b51c has ended: 2 done, 1 failed") == 1
    assert "talk" not in words
    assert {posted["type"] for _, posted in hook.came[before:]} == {"warning"}
    assert len(mails.came) == mailed


def test_addresses_can_be_tried_and_are_not_shown(
    ann: Client, service: ServiceProcess, mails: Mails, hook: Hook
) -> None:
    wished = ann.notices.wish(MAIL, hook.address)
    assert [each["address"] for each in wished["addresses"]] == [MAIL, "json://127.0.0.1…"]
    before = len(mails.came)
    ann.notices.test()
    eventually(lambda: [each["state"] for each in ann.notices.get()["recent"][:2]] == ["sent", "sent"])
    assert mails.came[before:][0][1]["Subject"] == "SpeakSep reaches you here"
    kept = ann.notices.wish(wished["addresses"][1]["id"], jobs="none")
    assert [each["address"] for each in kept["addresses"]] == ["json://127.0.0.1…"]
    assert "of-ann" not in str(kept)
    assert b"of-ann" not in b"".join(path.read_bytes() for path in service.folder.glob("jobs.sqlite3*"))
    assert "of-ann" not in service.log()
    trail = [
        each for each in entries(service.folder / "audit") if name_of(str(each["__schema__"])) == "notices-changed"
    ]
    assert [(each["actor"], each["addresses"]) for each in trail][-2:] == [("ann", 2), ("ann", 1)]
    assert "example" not in str(trail)


def test_the_command_says_what_the_client_says(
    service: ServiceProcess, hook: Hook, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, listed = tmp_path / "token", tmp_path / "addresses"
    kept.write_text(service.tokens["bob"])
    listed.write_text(f"{hook.address}\n")
    at = ["--url", service.url, "--token-in", str(kept)]
    wished = ["bob@example.org", "--addresses-in", str(listed), "--quiet", "22:00-07:00", "--zone", "Europe/Berlin"]
    assert main(["notices", "set", *wished, *at]) == 0
    shown = capsys.readouterr().out
    assert "bob@example.org" in shown
    assert "jobs: all of 60 s or more, batches: all, not from 22:00 to 07:00 (Europe/Berlin)" in shown
    assert main(["notices", "test", *at]) == 0
    assert main(["notices", "show", "--json", *at]) == 0
    assert '"SpeakSep reaches you here"' in capsys.readouterr().out
    assert main(["notices", "show", *at]) == 0
    assert "SpeakSep reaches you here" in capsys.readouterr().out
    assert main(["notices", "off", *at]) == 0
    assert main(["notices", "set", "--jobs", "some", *at]) == 2
    assert main(["notices", "set", "--addresses-in", str(tmp_path / "none"), *at]) == 2


def test_what_is_refused_says_why(service: ServiceProcess, hook: Hook) -> None:
    inside = {"addresses": ["json://127.0.0.1:22/"]}
    with service.client("bob") as bob, service.client("vera") as vera:
        answers = [
            bob.put("notices", json=inside),
            bob.put("notices", json={"addresses": [], "quiet": {"begins": "22:00", "ends": "22:00"}}),
            bob.put("notices", json={"addresses": ["0123456789ab"]}),
            vera.put("notices", json={"addresses": [hook.address]}),
            vera.get("notices"),
        ]
    assert [answer.status_code for answer in answers] == [400, 422, 404, 403, 403]
    assert answers[0].json()["reason"] == "bad-address"
    assert "notices.hosts" in answers[0].json()["hint"]


def test_the_service_leaves_at_once_while_something_is_sent(service: ServiceProcess, hook: Hook) -> None:
    with httpx.Client() as client:
        assert client.get(f"{service.url}ready").status_code == 200
    own = ServiceProcess(service.folder / "replica", beside=service).start()
    assert own.stop() < 5


@pytest.fixture
def alone(tmp_path: Path, hook: Hook) -> Iterator[tuple[Catalogue, Post, JobTable]]:
    """Who makes and sends notices, without a service."""
    addresses = Addresses(NoticeSettings(services=("json",), hosts=("127.0.0.1",)), "key")
    with Catalogue.open(tmp_path / "jobs.sqlite3") as catalogue, JobTable.open(tmp_path / "jobs.sqlite3") as table:
        post = Post(catalogue.notices, addresses, gather_s=0)
        post.collect()
        wanted = Wanted(addresses={"hook": addresses.seal(hook.address)}, least_s=0)
        catalogue.notices.wish("ann", wanted.written())
        yield catalogue, post, table


def test_in_quiet_hours_all_of_it_waits_for_their_end(
    alone: tuple[Catalogue, Post, JobTable], hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue, post, table = alone
    quiet = {"begins": "22:00", "ends": "07:00", "zone": "UTC"}
    catalogue.notices.wish("ann", {**(catalogue.notices.wishes("ann") or {}), "quiet": quiet})
    night = 1_800_000_000 // 86400 * 86400 + 23 * 3600.0
    monkeypatch.setattr("time.time", lambda: night)
    monkeypatch.setattr(catalogue.notices, "_clock", lambda: night)
    work(table, True)
    assert (post.collect(), post.send_next()) == (1, False)
    monkeypatch.setattr("time.time", lambda: night + 3600)
    work(table, True, False)
    assert (post.collect(), post.send_next()) == (2, False)
    before = len(hook.came)
    monkeypatch.setattr(catalogue.notices, "_clock", lambda: night + 8 * 3600)
    assert [post.send_next() for _ in range(2)] == [True, False]
    ((_, posted),) = hook.came[before:]
    assert posted["title"] == "3 jobs and batches have ended, 1 with failures"


def test_a_receiver_that_is_broken_is_tried_again_and_given_up(
    alone: tuple[Catalogue, Post, JobTable], hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue, post, table = alone
    monkeypatch.setattr(hook, "status", 500)
    work(table, True)
    post.collect()
    before = len(hook.came)
    states = []
    for wait in (*AGAIN_S, 0.0, 0.0):
        post.send_next()
        states.append(catalogue.notices.recent("ann", 1)[0].state)
        then = catalogue.notices._clock() + wait + 1
        monkeypatch.setattr(catalogue.notices, "_clock", lambda then=then: then)
        monkeypatch.setattr("time.time", lambda then=then: then)
    assert states == ["waiting"] * 5 + ["failed"] * 2
    assert len(hook.came) - before == 6


def test_nothing_follows_a_receiver_elsewhere(
    alone: tuple[Catalogue, Post, JobTable], hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue, post, table = alone
    with web_hook() as inside:
        monkeypatch.setattr(hook, "status", 307)
        monkeypatch.setattr(hook, "moved_to", f"http://127.0.0.1:{inside.port}/")
        work(table, True)
        post.collect()
        assert post.send_next()
        assert inside.came == []
    assert [each.state for each in catalogue.notices.recent("ann", 1)] == ["waiting"]


def test_an_address_that_is_gone_is_not_written_to(alone: tuple[Catalogue, Post, JobTable], hook: Hook) -> None:
    catalogue, post, table = alone
    work(table, True)
    post.collect()
    catalogue.notices.wish("ann", Wanted().written())
    before = len(hook.came)
    assert [post.send_next() for _ in range(2)] == [True, False]
    assert len(hook.came) == before
    assert [each.state for each in catalogue.notices.recent("ann", 1)] == ["dropped"]
