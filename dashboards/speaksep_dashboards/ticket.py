"""What a server hands to a kernel: who looks at what. A kernel believes this, and nothing that stands in an address."""

from __future__ import annotations

import base64
import hmac
import json
import os
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Self

from speaksep_dashboards.address import Address
from speaksep_dashboards.page import Reader
from speaksep_kernel.errors import InputError

TICKET, KEY, KERNEL = "SPEAKSEP_TICKET", "SPEAKSEP_TICKET_KEY", "SPEAKSEP_KERNEL_ID"
"""Variables of a kernel: its ticket, the key that only it and its server know, and its id."""
FRONT = "SPEAKSEP_DASHBOARDS_URL"
"""Another: address of the pages that need no kernel, with a slash at its end."""
DESK = "SPEAKSEP_DESK"
"""Another: folder of a desk of one's own (`speaksep_dashboards.desk.opened`), where there is no hub."""
LIFE_S = 120.0
"""A ticket is used as soon as its kernel has started."""


@dataclass(frozen=True)
class Ticket:
    """One page for one reader in one kernel, for minutes.

    Attributes
    ----------
    kernel
        Id of the kernel that may use it.
    address, reader
        What is shown to whom. The share itself is looked up again by whoever uses the ticket.
    expires_at
        Seconds since 1970 (UTC).
    """

    kernel: str
    address: Address
    reader: Reader
    expires_at: float

    def sealed(self, key: bytes) -> str:
        """As text that nobody without the key can make or change."""
        reader = {"name": self.reader.name, "groups": sorted(self.reader.groups), "admin": self.reader.admin}
        told = {"kernel": self.kernel, "expires_at": self.expires_at, "reader": reader, **self.address.to_dict()}
        body = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
        return f"{body}.{_seal(body, key)}"

    @classmethod
    def opened(cls, text: str, key: bytes, kernel: str, now: float | None = None) -> Self:
        """The ticket in a text.

        Parameters
        ----------
        text
            As `sealed` made it.
        key
            Of this kernel.
        kernel
            Id of this kernel.
        now
            Seconds since 1970; the time, if left out.

        Raises
        ------
        InputError
            Reason ``bad-ticket``: none, changed, or for another kernel; ``expired-ticket``.
        """
        body, _, seal = text.partition(".")
        if not key or not hmac.compare_digest(seal.encode(), _seal(body, key).encode()):
            raise _refused("bad-ticket")
        told = json.loads(base64.urlsafe_b64decode(body))
        if not hmac.compare_digest(str(told["kernel"]).encode(), kernel.encode()):
            raise _refused("bad-ticket")
        if told["expires_at"] < (time.time() if now is None else now):
            raise _refused("expired-ticket")
        reader = told["reader"]
        return cls(
            kernel=kernel,
            address=Address(told["kind"], told["share"], told["mine"], told["within"]),
            reader=Reader(reader["name"], frozenset(reader["groups"]), reader["admin"]),
            expires_at=told["expires_at"],
        )

    @classmethod
    def taken(cls, environment: MutableMapping[str, str] = os.environ) -> Self:
        """The ticket of this kernel. It is good once: it and its key are gone from the environment afterwards.

        Raises
        ------
        InputError
            As `opened`.
        """
        text, key = environment.pop(TICKET, ""), environment.pop(KEY, "")
        return cls.opened(text, bytes.fromhex(key), environment.get(KERNEL, ""))


def _seal(body: str, key: bytes) -> str:
    return hmac.digest(key, body.encode(), "sha256").hex()


def _refused(reason: str) -> InputError:
    return InputError("this page was not opened by a link to it", reason=reason, hint="open it from the dashboards")
