"""Tickets: what a kernel believes, and what it does not."""

from __future__ import annotations

import base64
import json
import time

import pytest

from speaksep_dashboards.address import Address
from speaksep_dashboards.page import Reader
from speaksep_dashboards.ticket import KERNEL, KEY, TICKET, Ticket
from speaksep_kernel.errors import InputError

SECRET = bytes(range(32))
VERA = Reader("vera", frozenset({"staff", "länder"}))
TICKET_OF_VERA = Ticket("k1", Address("recording", share="a1", within="b2"), VERA, time.time() + 3600)


def forged() -> str:
    """Vera's ticket, with another name and the old seal."""
    body, _, seal = TICKET_OF_VERA.sealed(SECRET).partition(".")
    told = json.loads(base64.urlsafe_b64decode(body))
    told["reader"]["admin"] = True
    return f"{base64.urlsafe_b64encode(json.dumps(told).encode()).decode()}.{seal}"


def test_a_ticket_comes_through_unchanged() -> None:
    assert Ticket.opened(TICKET_OF_VERA.sealed(SECRET), SECRET, "k1") == TICKET_OF_VERA


@pytest.mark.parametrize(
    ("text", "key", "kernel", "later_s", "reason"),
    [
        pytest.param("", SECRET, "k1", 0, "bad-ticket", id="none"),
        pytest.param("e30=.", SECRET, "k1", 0, "bad-ticket", id="without a seal"),
        pytest.param("é.é", SECRET, "k1", 0, "bad-ticket", id="no ticket at all"),
        pytest.param(forged(), SECRET, "k1", 0, "bad-ticket", id="changed"),
        pytest.param(TICKET_OF_VERA.sealed(SECRET), bytes(32), "k1", 0, "bad-ticket", id="of another server"),
        pytest.param(TICKET_OF_VERA.sealed(b""), b"", "k1", 0, "bad-ticket", id="without a key"),
        pytest.param(TICKET_OF_VERA.sealed(SECRET), SECRET, "k2", 0, "bad-ticket", id="of another kernel"),
        pytest.param(TICKET_OF_VERA.sealed(SECRET), SECRET, "k1", 3601, "expired-ticket", id="of before"),
    ],
)
def test_no_other_ticket_is_good(text: str, key: bytes, kernel: str, later_s: float, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        Ticket.opened(text, key, kernel, time.time() + later_s)
    assert caught.value.reason == reason


def test_a_ticket_is_good_once() -> None:
    environment = {TICKET: TICKET_OF_VERA.sealed(SECRET), KEY: SECRET.hex(), KERNEL: "k1", "PATH": "/bin"}
    assert Ticket.taken(environment).reader == VERA
    assert environment == {KERNEL: "k1", "PATH": "/bin"}
    with pytest.raises(InputError, match="not opened by a link"):
        Ticket.taken(environment)
