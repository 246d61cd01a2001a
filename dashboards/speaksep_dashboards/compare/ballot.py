"""A blind vote: in which order a reader hears what, under which letters, and what they chose."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

from speaksep_dashboards.compare.matching import Excerpt
from speaksep_kernel.catalogue.remarks import Vote
from speaksep_kernel.errors import InputError

EVERYTHING, SHOWN = "*", "shown"
"""Item and choice of the vote that ends a reader's voting: they have seen which is which."""
SAME = "same"
SIDES, LETTERS = ("a", "b"), ("x", "y")


@dataclass(frozen=True)
class Ballot:
    """What one reader hears.

    Attributes
    ----------
    reader
        Who.
    secret
        What the order is made of besides the reader: it cannot be worked out from what is on the page.
    excerpts
        All of them.
    """

    reader: str
    secret: str
    excerpts: tuple[Excerpt, ...]

    def order(self) -> list[Excerpt]:
        """The excerpts as this reader hears them."""
        return sorted(self.excerpts, key=lambda each: self._digest("order", each.id))

    def side(self, item: str, letter: str) -> str:
        """Whether "x" or "y" of an excerpt is "a" or "b".

        Raises
        ------
        InputError
            Reasons ``unknown-item`` and ``bad-question``.
        """
        self.excerpt(item)
        if letter not in LETTERS:
            raise InputError(f"{letter[:20]!r} is neither x nor y", reason="bad-question", hint="reload the page")
        swapped = self._digest("side", item)[0] % 2
        return SIDES[LETTERS.index(letter) ^ swapped]

    def letter(self, item: str, side: str) -> str:
        """The letter under which this reader hears "a" or "b"; "same" stays."""
        return side if side == SAME else next(each for each in LETTERS if self.side(item, each) == side)

    def excerpt(self, item: str) -> Excerpt:
        """An excerpt by its id.

        Raises
        ------
        InputError
            Reason ``unknown-item``.
        """
        for each in self.excerpts:
            if each.id == item:
                return each
        raise InputError(f"no excerpt {item[:40]!r}", reason="unknown-item", hint="reload the page")

    def _digest(self, what: str, item: str) -> bytes:
        return hashlib.sha256("\0".join((what, self.secret, self.reader, item)).encode()).digest()


def choices(votes: Iterable[Vote], reader: str) -> dict[str, str]:
    """What a reader chose, by item."""
    return {vote.item: vote.choice for vote in votes if vote.reader == reader}


def counted(chosen: Mapping[str, str]) -> dict[str, int]:
    """How often each was chosen, of one reader or of all."""
    found = Counter(choice for item, choice in chosen.items() if item != EVERYTHING)
    return {choice: found[choice] for choice in (*SIDES, SAME)}


def tally(votes: Sequence[Vote], excerpts: Iterable[Excerpt]) -> dict[str, Any]:
    """What all readers chose, by excerpt and in sum.

    Returns
    -------
    ``readers``; ``items`` by id, ``{"a", "b", "same"}`` each; ``sum``; ``p``: how likely a sum this uneven is when
    nobody can tell them apart (two-sided sign test, those who heard no difference left out), None without votes.
    """
    known = {each.id for each in excerpts}
    items = {item: Counter(vote.choice for vote in votes if vote.item == item) for item in sorted(known)}
    total = Counter(vote.choice for vote in votes if vote.item in known)
    return {
        "readers": len({vote.reader for vote in votes if vote.item in known}),
        "items": {item: {choice: found[choice] for choice in (*SIDES, SAME)} for item, found in items.items()},
        "sum": {choice: total[choice] for choice in (*SIDES, SAME)},
        "p": sign_test(total["a"], total["b"]),
    }


def sign_test(a: int, b: int) -> float | None:
    """Two-sided sign test: the chance of counts at least this uneven if both were equally likely.

    Examples
    --------
    >>> sign_test(9, 1), sign_test(1, 1), sign_test(0, 0)
    (0.0215, 1.0, None)
    """
    count = a + b
    if not count:
        return None
    tail = sum(comb(count, k) for k in range(min(a, b) + 1)) / 2**count
    return round(float(min(1.0, 2 * tail)), 4)
