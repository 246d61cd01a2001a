"""Which page an address means, and whether its reader may have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from speaksep_dashboards.desk import Desk
from speaksep_dashboards.opening import open_page
from speaksep_dashboards.page import KINDS, Reader
from speaksep_kernel.catalogue.share import Share, own
from speaksep_kernel.errors import InputError

OPERATIONS = "operations"
_LONGEST = 200


@dataclass(frozen=True)
class Address:
    """What stands in an address: a view, and of what.

    Attributes
    ----------
    kind
        Which view.
    share
        Id of what was shared, or "".
    mine
        What of the reader's own, as `speaksep_kernel.catalogue.share.own` takes it, or "".
    within
        Id of a job of that share, whose recording is meant, or "".
    """

    kind: str
    share: str = ""
    mine: str = ""
    within: str = ""

    @classmethod
    def of(cls, kind: str, query: Mapping[str, Sequence[str]]) -> Self:
        """Read one.

        Parameters
        ----------
        kind
            Name of the notebook or application.
        query
            What stands behind the question mark; each name once, and none but those above.

        Raises
        ------
        InputError
            Reasons ``unknown-view`` and ``bad-address``.
        """
        if kind not in KINDS:
            raise InputError(f"no view {kind[:40]!r}", reason="unknown-view", hint=f"there are: {', '.join(KINDS)}")
        wrong = sorted(query.keys() - {"share", "mine", "within"})
        if wrong or any(len(words) != 1 or len(words[0]) > _LONGEST for words in query.values()):
            raise _bad(f"the address says {', '.join(wrong or query)[:100]}")
        values = {name: words[0] for name, words in query.items() if words[0]}
        meant = [name for name in ("share", "mine") if values.get(name)]
        if (kind == OPERATIONS and values) or (kind != OPERATIONS and len(meant) != 1):
            raise _bad(f"the address of a {kind} says {' and '.join(sorted(values)) or 'nothing'}")
        if values.get("within") and (kind != "recording" or "mine" in values):
            raise _bad(f"a {kind} is not within anything")
        values["mine"] = values.get("mine", "").removeprefix(f"{kind}/")
        return cls(kind, **values)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"kind": self.kind, "share": self.share, "mine": self.mine, "within": self.within}

    @property
    def front(self) -> str:
        """The same page below the address of the front, which shows it without a kernel."""
        if self.kind == OPERATIONS:
            return f"{OPERATIONS}/"
        inner = f"recording/{self.within}/" if self.within else ""
        return f"share/{self.share}/{inner}" if self.share else f"mine/{self.kind}/{self.mine}/"


def find(address: Address, reader: Reader, desk: Desk) -> Share:
    """What the reader may see at an address.

    Raises
    ------
    InputError
        Reason ``not-allowed``: only administrators may; ``unknown-share``, ``expired-share`` and ``revoked-share``, as
        of `speaksep_kernel.catalogue.shares.Shares.open`; ``bad-share``; those of `open_page`.
    """
    if address.kind == OPERATIONS:
        if not reader.admin:
            raise InputError(
                "this page is for administrators", reason="not-allowed", hint="ask one of them what you want to know"
            )
        return Share(owner=reader.name, kind=OPERATIONS)
    if address.mine:
        return own(reader.name, address.kind, address.mine)
    share = desk.catalogue.shares.open(address.share, reader.name, reader.groups)
    if address.within:
        collection: Any = open_page(share, reader, desk)
        share = collection.within(address.within)
    if share.kind != address.kind:
        raise _bad(f"the share is a {share.kind}, and the address says {address.kind}")
    return share


def _bad(error: str) -> InputError:
    return InputError(error, reason="bad-address", hint="open the page from the list of dashboards")
