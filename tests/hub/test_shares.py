"""Shares at the service: by the API, the client and the command line; what others get to know, and the trail."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import httpx
import pytest

from speaksep_hub.audit.events import name_of
from speaksep_hub.audit.verify import entries
from speaksep_hub.client import Client, ServiceError
from speaksep_kernel.catalogue.catalogue import Catalogue
from speaksep_kernel.cli import main
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.service_process import ServiceProcess


@pytest.fixture
def ann(service_process: ServiceProcess) -> Iterator[httpx.Client]:
    with service_process.client("ann") as client:
        yield client


@pytest.fixture
def bob(service_process: ServiceProcess) -> Iterator[httpx.Client]:
    with service_process.client("bob") as client:
        yield client


@pytest.fixture
def catalogue(service_process: ServiceProcess) -> Iterator[Catalogue]:
    with Catalogue.open(service_process.jobs) as catalogue:
        yield catalogue


@pytest.fixture(scope="module")
def jobs(service_process: ServiceProcess) -> dict[str, str]:
    """Separations of Ann (two) and Bob, which nobody runs."""
    with JobTable.open(service_process.jobs) as table:
        made = {}
        for name, owner in (("first", "ann"), ("second", "ann"), ("bob's", "bob")):
            request = JobRequest(notebook="separate", owner=owner, batch=f"batch of {owner}", about={"name": name})
            made[name] = table.submit(request).id
            table.cancel(made[name])
        return made


def told(service: ServiceProcess, after: int) -> list[tuple[str, str, dict[str, Any]]]:
    """What the trail has, after so many entries: actor, event, all fields."""
    found = islice(entries(service.folder / "audit"), after, None)
    return [(str(each["actor"]), name_of(str(each["__schema__"])), each) for each in found]


def length(service: ServiceProcess) -> int:
    return sum(1 for _ in entries(service.folder / "audit"))


def made(client: httpx.Client, job: str, **terms: Any) -> dict[str, Any]:
    answer = client.post("shares", json={"kind": "recording", "what": {"job": job}, **terms})
    assert answer.status_code == 201, answer.text
    share: dict[str, Any] = answer.json()
    assert answer.headers["location"].endswith(f"/api/v1/shares/{share['id']}")
    return share


def test_a_share_lives_and_ends(
    service_process: ServiceProcess, ann: httpx.Client, jobs: dict[str, str], catalogue: Catalogue
) -> None:
    made(ann, jobs["second"])  # so that there is a trail
    before = length(service_process)
    share = made(ann, jobs["first"], users=["vera"], groups=["editors"], title="Talk", expires_in=3600)
    assert (share["users"], share["groups"], share["download"], share["state"]) == (
        ["vera"],
        ["editors"],
        False,
        "open",
    )
    assert share["url"] is None  # no dashboards belong to a service that is alone
    at = f"shares/{share['id']}"
    assert ann.get(at).json() == share == ann.get("shares").json()["items"][0]
    changed = ann.patch(at, json={"users": ["vik"], "download": True, "expires_in": None}).json()
    assert (changed["users"], changed["groups"], changed["download"]) == (["vik"], ["editors"], True)
    assert (changed["expires_at"], changed["title"]) == (None, "Talk")
    link = ann.post(f"{at}/links", json={"expires_in": 60, "note": "for the court"}).json()
    assert catalogue.shares.follow(link["token"]).id == share["id"]
    listed = ann.get(f"{at}/links").json()["items"]
    assert [(each["id"], each["note"], each["state"]) for each in listed] == [(link["id"], "for the court", "open")]
    assert link["token"] not in json.dumps(listed)
    assert ann.delete(f"{at}/links/{link['id']}").json()["state"] == "revoked"
    assert ann.get(at).json()["link"] is False
    for _ in range(2):
        assert ann.delete(at).json()["state"] == "revoked"
    assert ann.patch(at, json={"title": "x"}).json()["reason"] == "revoked-share"
    assert ann.post(f"{at}/links", json={}).status_code == 410
    own = [(event, fields) for actor, event, fields in told(service_process, before) if actor == "ann"]
    assert [event for event, _ in own] == [
        "share-made", "share-changed", "link-made", "link-revoked", "share-revoked", "share-revoked",
    ]  # fmt: skip
    assert {fields["share"] for _, fields in own} == {share["id"]}
    assert (own[0][1]["users"], own[0][1]["groups"], own[0][1]["what"]) == (
        ["vera"],
        ["editors"],
        f"job {jobs['first']}",
    )
    assert (own[1][1]["users"], own[1][1]["download"], "groups" in own[1][1]) == (["vik"], True, False)
    assert link["token"] not in (service_process.folder / "audit" / "audit.jsonl").read_text()
    assert link["token"] not in service_process.log()


def test_what_is_sent_again_is_made_once(ann: httpx.Client, jobs: dict[str, str]) -> None:
    sent = {"kind": "recording", "what": {"job": jobs["first"]}}
    first, second = (ann.post("shares", json=sent, headers={"Idempotency-Key": "once"}).json() for _ in range(2))
    assert first == second
    other = {**sent, "what": {"job": jobs["second"]}}
    assert ann.post("shares", json=other, headers={"Idempotency-Key": "once"}).status_code == 409


def test_lists_go_page_by_page(bob: httpx.Client, jobs: dict[str, str]) -> None:
    shares = [made(bob, jobs["bob's"], title=str(number))["id"] for number in range(5)]
    first = bob.get("shares", params={"limit": 3}).json()
    rest = bob.get("shares", params={"limit": 3, "cursor": first["next"]}).json()
    assert [each["id"] for each in first["items"] + rest["items"]][:5] == shares[::-1]


@pytest.mark.parametrize(
    ("method", "below", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"users": ["bob"]}),
        ("DELETE", "", None),
        ("GET", "/links", None),
        ("POST", "/links", {}),
        ("DELETE", "/links/{link}", None),
        ("GET", "/votes.csv", None),
        ("GET", "/comments", None),
        ("DELETE", "/comments/1", None),
    ],
    ids=["look", "change", "revoke", "links", "make a link", "revoke a link", "votes", "comments", "a comment"],
)
def test_anothers_share_is_like_none(
    service_process: ServiceProcess,
    ann: httpx.Client,
    bob: httpx.Client,
    jobs: dict[str, str],
    method: str,
    below: str,
    body: dict[str, Any] | None,
) -> None:
    share = made(ann, jobs["first"], users=["bob"])  # may look, and no more
    link = ann.post(f"shares/{share['id']}/links", json={}).json()["id"]
    before = length(service_process)
    answers = [
        bob.request(method, f"shares/{id}{below.format(link=link)}", json=body) for id in (share["id"], "0" * 32)
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    words = [answer.text.replace(share["id"], "…").replace("0" * 32, "…") for answer in answers]
    assert words[0] == words[1]
    refused = [(event, fields["share"]) for actor, event, fields in told(service_process, before) if actor == "bob"]
    assert refused == [("share-refused", share["id"]), ("share-refused", "0" * 32)]
    assert ann.get(f"shares/{share['id']}").json() == {**share, "link": True}


@pytest.mark.parametrize(
    "id",
    ["' OR '1'='1", "%25", "..%2f..%2fetc%2fpasswd", "%00", "x" * 3000, "*", "5f0c2a9be7d14c0f8d1e6a3b7c924f1g"],
    ids=["SQL", "wildcard", "path", "NUL", "long", "star", "almost"],
)
def test_odd_ids_are_like_none(ann: httpx.Client, jobs: dict[str, str], id: str) -> None:
    made(ann, jobs["first"])
    answer = ann.get(f"shares/{id}")
    assert (answer.status_code, answer.json()["ok"]) == (404, False)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param({"kind": "recording", "what": {"job": "bob's"}}, "unknown-job", id="another's job"),
        pytest.param({"kind": "recording", "what": {"job": "nobody's"}}, "unknown-job", id="no job"),
        pytest.param({"kind": "batch", "what": {"batch": "batch of bob"}}, "unknown-batch", id="another's batch"),
        pytest.param({"kind": "collection", "what": {"jobs": []}}, "empty-share", id="nothing"),
        pytest.param(
            {"kind": "collection", "what": {"jobs": ["first", "bob's"]}}, "unknown-job", id="one of another's"
        ),
        pytest.param({"kind": "operations", "what": {}}, "bad-share", id="the platform"),
        pytest.param({"kind": "recording", "what": {"job": ["first"]}}, "bad-share", id="a list"),
        pytest.param({"kind": "recording", "what": {"job": "first", "owner": "bob"}}, "bad-share", id="an owner"),
        pytest.param({"kind": "recording", "what": {"job": "first"}, "users": ["a\nb"]}, "bad-share", id="two lines"),
        pytest.param({"kind": "recording", "what": {"job": "first"}, "expires_in": 0}, "bad-request", id="no time"),
        pytest.param({"kind": "recording", "what": {"job": "first"}, "owner": "bob"}, "bad-request", id="for bob"),
        pytest.param({"kind": "recording", "what": "first"}, "bad-request", id="a word"),
    ],
)
def test_what_cannot_be_shared_is_said(
    ann: httpx.Client, jobs: dict[str, str], body: dict[str, Any], reason: str
) -> None:
    text = json.dumps(body)
    for name, job in jobs.items():
        text = text.replace(json.dumps(name), json.dumps(job))
    count = len(ann.get("shares").json()["items"])
    answer = ann.post("shares", content=text, headers={"Content-Type": "application/json"})
    assert (answer.status_code in (400, 404, 422), answer.json()["reason"]) == (True, reason)
    assert len(ann.get("shares").json()["items"]) == count


@pytest.mark.parametrize("name", ["vera", "bat", "ada"])
def test_who_may_not_share_shares_nothing(service_process: ServiceProcess, jobs: dict[str, str], name: str) -> None:
    with service_process.client(name) as client:
        body = {"kind": "recording", "what": {"job": jobs["first"]}}
        for answer in (client.post("shares", json=body), client.get("shares"), client.get(f"shares/{'0' * 32}")):
            assert (answer.status_code, answer.json()["reason"]) == (403, "missing-scope")


def test_what_people_said_is_the_owners(
    service_process: ServiceProcess, ann: httpx.Client, jobs: dict[str, str], catalogue: Catalogue
) -> None:
    two = {"a": jobs["first"], "b": jobs["second"]}
    id_ = ann.post("shares", json={"kind": "compare", "what": two, "users": ["vera"]}).json()["id"]
    share = catalogue.shares.open(id_, "vera")
    catalogue.remarks.vote(share, "vera", "1", "a", "k1")
    catalogue.remarks.vote(share, "vera", "1", "b", "k2")
    catalogue.remarks.vote(share, "=cmd|'/c calc'!A1", "1", "a", "k3")
    said = catalogue.remarks.comment(share, "vera", "Too quiet", 3.5, "k4")
    rows = list(csv.DictReader(ann.get(f"shares/{id_}/votes.csv").text.splitlines()))
    assert [(row["reader"], row["item"], row["choice"]) for row in rows] == [
        ("vera", "1", "b"),
        ("'=cmd|'/c calc'!A1", "1", "a"),
    ]
    (comment,) = ann.get(f"shares/{id_}/comments").json()["items"]
    assert (comment["reader"], comment["text"], comment["at_s"]) == ("vera", "Too quiet", 3.5)
    before = length(service_process)
    for _ in range(2):
        assert ann.delete(f"shares/{id_}/comments/{said.id}").status_code == 204
    assert ann.get(f"shares/{id_}/comments").json()["items"] == []
    assert ann.delete(f"shares/{id_}/comments/999999").status_code == 404
    assert [(event, fields["comment"]) for _, event, fields in told(service_process, before)] == [
        ("comment", said.id)
    ] * 2


def test_the_client_shares(service_process: ServiceProcess, jobs: dict[str, str]) -> None:
    with Client(service_process.url, service_process.tokens["ann"]) as client:
        share = client.shares.recording(jobs["first"], users=["vera"], expires_s=600)
        assert client.shares.get(share) == share == next(client.shares.all())
        assert client.shares.collection([jobs["first"], jobs["second"]])["what"]["jobs"] == list(jobs.values())[:2]
        assert client.shares.collection(title="All")["what"] == {"all": True}
        assert client.shares.batch("batch of ann")["kind"] == "batch"
        assert client.shares.compare(jobs["first"], jobs["second"])["kind"] == "compare"
        assert client.shares.change(share, download=True, expires_in=None)["expires_at"] is None
        link = client.shares.make_link(share, expires_s=60, note="x")
        assert [each["id"] for each in client.shares.links(share)] == [link["id"]]
        client.shares.revoke_link(share, link["id"])
        assert client.shares.votes(share) == "reader,item,choice,made_at\n"
        assert client.shares.comments(share) == []
        with pytest.raises(ServiceError) as error:
            client.shares.remove_comment(share, 1)
        assert error.value.reason == "unknown-comment"
        assert client.shares.revoke(share)["state"] == "revoked"


@pytest.fixture
def share_command(
    service_process: ServiceProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """``share_command("list", …)`` gives what ``speaksep share`` prints for Bob."""
    monkeypatch.setenv("SPEAKSEP_URL", service_process.url)
    monkeypatch.setenv("SPEAKSEP_TOKEN", service_process.tokens["bob"])

    def run(*words: str, code: int = 0) -> str:
        assert main(["share", *words]) == code
        return capsys.readouterr().out.strip()

    return run


def test_the_command_line_shares(share_command: Any, jobs: dict[str, str], catalogue: Catalogue) -> None:
    words = ("--user", "vera", "--group", "editors", "--days", "0.5", "--title", "Talk", "--link", "--json")
    share = json.loads(share_command("make", "recording", jobs["bob's"], *words))
    assert catalogue.shares.follow(share["made_link"]["token"]).id == share["id"]
    line = next(line for line in share_command("list").splitlines() if line.startswith(share["id"]))
    assert "recording  until " in line
    assert line.endswith("vera, @editors, by link  Talk")
    assert "until 20" in share_command("show", share["id"][:12])
    assert "changed" in share_command("change", share["id"], "--user", "vik", "--download", "--days", "2")
    now = catalogue.shares.get("bob", share["id"])
    assert (now.users, now.groups, now.download, now.title) == (("vera", "vik"), ("editors",), True, "Talk")
    share_command("change", share["id"], "--nobody", "--user", "ulf", "--no-download")
    now = catalogue.shares.get("bob", share["id"])
    assert (now.users, now.groups, now.download) == (("ulf",), (), False)
    token = share_command("link", share["id"], "--days", "1", "--note", "press")
    assert catalogue.shares.follow(token).id == share["id"]
    shown = json.loads(share_command("show", share["id"], "--json"))
    assert [each["note"] for each in shown["links"]] == ["press", ""]
    share_command("unlink", share["id"], shown["links"][0]["id"])
    assert share_command("votes", share["id"]) == "reader,item,choice,made_at"
    assert share_command("revoke", share["id"]) == "1 share revoked"
    assert share["id"] not in share_command("list")
    assert f"{share['id']}  recording  revoked" in share_command("list", "--all")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param(["make", "recording"], "bad-share", id="nothing"),
        pytest.param(["make", "compare", "a"], "bad-share", id="one to compare"),
        pytest.param(["make", "operations", "a"], "bad-share", id="no such kind"),
        pytest.param(["make", "recording", "a", "--all"], "bad-share", id="one and all"),
        pytest.param(["make", "recording", "none"], "unknown-job", id="no job"),
        pytest.param(["make", "collection"], "bad-share", id="a collection of nothing"),
        pytest.param(["show", "none"], "unknown-share", id="no share"),
        pytest.param(["revoke", ""], "unknown-share", id="empty"),
        pytest.param(["unlink", "0" * 32, "x"], "unknown-share", id="a link of no share"),
    ],
)
def test_what_the_command_line_cannot_do_is_said(share_command: Any, words: list[str], reason: str) -> None:
    assert json.loads(share_command(*words, "--json", code=2))["reason"] == reason
