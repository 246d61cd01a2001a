"""What notices say, when they may come, and what may be an address."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from speaksep_hub.notices.addresses import Addresses, shown
from speaksep_hub.notices.quiet import Quiet, not_before
from speaksep_hub.notices.settings import NoticeSettings
from speaksep_hub.notices.wishes import Wanted, kept, told
from speaksep_hub.notices.words import LONGEST_NAME, message
from speaksep_kernel.catalogue.notice import Ended
from speaksep_kernel.errors import InputError

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Quiet(begins="22:00", ends="07:00", zone="Europe/Berlin")
NOON = Quiet(begins="12:00", ends="13:30", zone="Europe/Berlin")


def at(words: str) -> float:
    return datetime.datetime.fromisoformat(words).replace(tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("quiet", "then", "told_at"),
    [
        (NIGHT, "2026-05-04T21:59:59", "2026-05-04T21:59:59"),
        (NIGHT, "2026-05-04T22:00:00", "2026-05-05T07:00:00"),
        (NIGHT, "2026-05-05T06:59:59", "2026-05-05T07:00:00"),
        (NIGHT, "2026-05-05T07:00:00", "2026-05-05T07:00:00"),
        (NIGHT, "2026-03-28T23:00:00", "2026-03-29T07:00:00"),  # the night is an hour shorter
        (NIGHT, "2026-10-24T23:00:00", "2026-10-25T07:00:00"),  # and an hour longer
        (NOON, "2026-05-04T12:10:00", "2026-05-04T13:30:00"),
        (NOON, "2026-05-04T11:59:59", "2026-05-04T11:59:59"),
        (None, "2026-05-04T23:00:00", "2026-05-04T23:00:00"),
    ],
)
def test_quiet_hours(quiet: Quiet | None, then: str, told_at: str) -> None:
    assert not_before(at(then), quiet) == at(told_at)


@given(
    st.floats(0, 4e9),
    st.integers(0, 1439),
    st.integers(1, 1439),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"]),
)
def test_quiet_hours_end_within_a_day_and_an_hour(then: float, begin: int, lasts: int, zone: str) -> None:
    begins, ends = (f"{minute // 60:02}:{minute % 60:02}" for minute in (begin, (begin + lasts) % 1440))
    quiet = Quiet(begins=begins, ends=ends, zone=zone)
    told_at = not_before(then, quiet)
    assert then <= told_at <= then + 25 * 3600
    assert told_at == then or f"{datetime.datetime.fromtimestamp(told_at, ZoneInfo(zone)):%H:%M}" >= ends


@pytest.mark.parametrize(
    "wrong",
    [
        {"begins": "22:00", "ends": "22:00"},
        {"begins": "24:00", "ends": "07:00"},
        {"begins": "22", "ends": "07:00"},
        {"begins": "22:00", "ends": "07:00", "zone": "Mars/Olympus"},
        {"begins": "22:00", "ends": "07:00", "zone": "../../etc/passwd"},
    ],
)
def test_quiet_hours_that_are_none(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Quiet(**wrong)


def job(**more: object) -> Ended:
    own = {
        "owner": "ann",
        "about": "job 1",
        "kind": "job",
        "id": "51c4f1d2",
        "notebook": "separate",
        "name": "talk.wav",
    }
    return Ended(**{**own, "counts": {"succeeded": 1}, "seconds": 200.0, **more})  # type: ignore[arg-type]


BATCH = {"kind": "batch", "id": "b51c", "name": "talks", "counts": {"succeeded": 97, "failed": 2, "cancelled": 1}}
FAILED = {"counts": {"failed": 1}, "reason": "no-speech"}


@pytest.mark.parametrize(
    ("ended", "names", "title"),
    [
        (job(), True, "Separation of talk.wav is done"),
        (job(), False, "Separation of 51c4f1d2 is done"),
        (job(notebook="diagnose", **FAILED), True, "Diagnosis of talk.wav failed (no-speech)"),
        (job(notebook="mine"), True, "Notebook mine of talk.wav is done"),
        (job(**BATCH), True, "Batch talks has ended: 97 done, 2 failed, 1 cancelled"),
        (job(**BATCH), False, "Batch b51c has ended: 97 done, 2 failed, 1 cancelled"),
    ],
)
def test_one_thing_is_told(ended: Ended, names: bool, title: str) -> None:
    said = message([ended], names=names, link=lambda ended: f"https://x/{ended.id}")
    assert said.title == title
    assert said.body == f"{title}, 3 min 20 s after it was asked for.\nhttps://x/{ended.id}"
    assert said.bad == ended.failed


def test_many_things_are_told_in_one_message() -> None:
    said = message([job()] * 29 + [job(**FAILED)], names=True, link=lambda ended: None)
    assert said.title == "30 jobs and batches have ended, 1 with failures"
    assert said.body.splitlines()[-2:] == ["Separation of talk.wav is done", "… and 10 more"]
    assert len(said.body.splitlines()) == 21


def test_names_are_only_names() -> None:
    odd = "a\nBcc: all@example.org\r\n<!channel> `x` \u202e" + "y" * 200
    said = message([job(name=odd)], names=True, link=lambda ended: None)
    assert said.title.startswith("Separation of aBcc: allexample.org!channel x yyy")
    assert len(said.title) < LONGEST_NAME + 40


@pytest.mark.parametrize(
    ("wanted", "ended", "told_of"),
    [
        (Wanted(), job(), True),
        (Wanted(), job(seconds=59.0), False),
        (Wanted(), job(seconds=1.0, **FAILED), True),
        (Wanted(jobs="failed"), job(), False),
        (Wanted(jobs="failed"), job(**FAILED), True),
        (Wanted(jobs="none"), job(**FAILED), False),
        (Wanted(jobs="none"), job(**BATCH), True),
        (Wanted(batches="none"), job(**BATCH), False),
        (Wanted(batches="failed"), job(**{**BATCH, "counts": {"succeeded": 3}}), False),
        (Wanted(), job(counts={"cancelled": 1}), False),
        (Wanted(), job(**{**BATCH, "counts": {"cancelled": 3}}), False),
    ],
)
def test_what_is_wanted(wanted: Wanted, ended: Ended, told_of: bool) -> None:
    assert wanted.wants(ended) == told_of
    assert Wanted.read(wanted.written()) == wanted


SETTINGS = NoticeSettings(
    mail="mailto://127.0.0.1:25?from=speaksep@example.org",
    mail_domains=("example.org",),
    hosts=("chat.example.org", "127.0.0.1:81"),
    services=("slack", "jsons", "json", "ntfys"),
)
ADDRESSES = Addresses(SETTINGS, "key")
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/%23general"


@pytest.mark.parametrize(
    "address",
    ["ann@example.org", "Ann.B+x@EXAMPLE.org", SLACK, "jsons://chat.example.org:8443/hook", "json://127.0.0.1:81/x"],
)
def test_addresses(address: str) -> None:
    ADDRESSES.check(address)


@pytest.mark.parametrize(
    "address",
    [
        "ann@elsewhere.org",
        "ann@example.org.evil.net",
        "ann@notexample.org",
        "ann@example.org,bob@elsewhere.org",
        "ann@example.org\nBcc: bob@elsewhere.org",
        "mailto://smtp.elsewhere.org?to=ann@example.org",
        "json://127.0.0.1:82/x",
        "json://169.254.169.254/latest/meta-data",
        "json://localhost:81/",
        "jsons://chat.example.org.evil.net/",
        "jsons://chat.example.org@evil.net/",
        "jsons://[::1/",
        "jsons://chat.example.org:99999/",
        "syslog://",
        "file:///etc/passwd",
        "dbus://",
        "slack://short",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "http://chat.example.org/",
        "",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InputError) as error:
        ADDRESSES.check(address)
    assert error.value.reason == "bad-address"
    assert error.value.hint


def test_no_mail_without_a_server() -> None:
    with pytest.raises(InputError, match="sends no e-mail"):
        Addresses(NoticeSettings(), "key").check("ann@example.org")


def test_addresses_are_sealed_and_shown_without_secrets() -> None:
    found = kept(ADDRESSES, "ann", ["ann@example.org", SLACK, "jsons://chat.example.org/secret"], Wanted())
    assert not [sealed for sealed in found.values() if "secret" in sealed or "example" in sealed]
    wanted = Wanted(addresses=found)
    seen = told(ADDRESSES, wanted)
    assert list(seen.values()) == ["ann@example.org", "slack://…", "jsons://chat.example.org…"]
    assert kept(ADDRESSES, "ann", list(seen), wanted) == found
    assert set(told(Addresses(SETTINGS, "another"), wanted).values()) == {None}
    assert shown("ann@example.org") == "ann@example.org"


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        (["a@example.org"] * 6, "too-many-addresses"),
        (["0123456789ab"], "unknown-address"),
        (["jsons://chat.example.org/" + "x" * 1000], "bad-address"),
    ],
)
def test_addresses_that_are_not_kept(named: list[str], reason: str) -> None:
    with pytest.raises(InputError) as error:
        kept(ADDRESSES, "ann", named, Wanted())
    assert error.value.reason == reason
