"""What somebody wants to be told of, and what follows from it when something ended."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from speaksep_hub.notices.addresses import LONGEST, Addresses, id_of, shown
from speaksep_hub.notices.quiet import Quiet, not_before
from speaksep_kernel.catalogue.notice import Ended, Wishes
from speaksep_kernel.errors import InputError

Which = Literal["all", "failed", "none"]

MOST_ADDRESSES = 5


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to be told.

    Attributes
    ----------
    addresses
        Where: addresses as they are kept, by their ids.
    jobs, batches
        Of which.
    least_s
        Of jobs that did not fail, only those that took so long.
    names
        Whether names of recordings and batches are told.
    quiet
        When nothing is told.
    """

    addresses: Mapping[str, str] = field(default_factory=dict)
    jobs: Which = "all"
    batches: Which = "all"
    least_s: float = 60.0
    names: bool = True
    quiet: Quiet | None = None

    @classmethod
    def read(cls, wishes: Wishes | None) -> Wanted:
        """As the catalogue keeps it."""
        if wishes is None:
            return cls()
        quiet = wishes.get("quiet")
        return cls(**{**wishes, "quiet": Quiet(**quiet) if quiet else None})

    def written(self) -> dict[str, Any]:
        """For the catalogue."""
        quiet = self.quiet.model_dump() if self.quiet else None
        return {**vars(self), "addresses": dict(self.addresses), "quiet": quiet}

    def wants(self, ended: Ended) -> bool:
        """Whether they are told. What somebody cancelled they know."""
        which = self.jobs if ended.kind == "job" else self.batches
        done = ended.counts.get("succeeded", 0) > 0
        if ended.failed:
            return which != "none"
        return which == "all" and done and (ended.kind == "batch" or ended.seconds >= self.least_s)


def planned(wishes: Wishes, ended: Ended, gather_s: float) -> Iterator[tuple[str, float]]:
    """Addresses that are told, and when: a `speaksep_kernel.catalogue.notices.Plan`."""
    wanted = Wanted.read(wishes)
    if wanted.wants(ended):
        for address in wanted.addresses:
            yield address, not_before(time.time() + gather_s, wanted.quiet)


def kept(addresses: Addresses, owner: str, named: list[str], before: Wanted) -> dict[str, str]:
    """Addresses as they are kept.

    Parameters
    ----------
    addresses
        What may be one.
    owner
        Whose.
    named
        Addresses, or ids of those that are known already.
    before
        What is known.

    Raises
    ------
    InputError
        Reason ``bad-address``, ``too-many-addresses`` or ``unknown-address``.
    """
    if len(named) > MOST_ADDRESSES:
        raise InputError(f"{len(named)} addresses", reason="too-many-addresses", hint=f"give at most {MOST_ADDRESSES}")
    found: dict[str, str] = {}
    for each in named:
        if each in before.addresses:
            found[each] = before.addresses[each]
        elif re.fullmatch(r"[0-9a-f]{12}", each):
            raise InputError(f"no address {each} of yours is known", reason="unknown-address", hint="give it itself")
        else:
            if len(each) > LONGEST or not each.isprintable():
                raise InputError(
                    "this is no address for notices: it is too long", reason="bad-address", hint="shorten it"
                )
            addresses.check(each)
            found[id_of(owner, each)] = addresses.seal(each)
    return found


def told(addresses: Addresses, wanted: Wanted) -> dict[str, str | None]:
    """Addresses as their owner is shown them, by id; None: it has to be given anew."""
    opened = {name: addresses.open(sealed) for name, sealed in wanted.addresses.items()}
    return {name: None if address is None else shown(address) for name, address in opened.items()}
