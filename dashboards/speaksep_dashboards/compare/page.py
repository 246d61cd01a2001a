"""The page of a comparison: first heard blind, then told."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from speaksep_dashboards.comments import Commented
from speaksep_dashboards.compare.ballot import EVERYTHING, SHOWN, Ballot, choices, counted, tally
from speaksep_dashboards.compare.matching import Excerpt, Pair, excerpts, matched
from speaksep_dashboards.compare.measuring import asked, digest, kept_at, measured, standing
from speaksep_dashboards.compare.sound import MIX, heard
from speaksep_dashboards.compare.takes import Takes
from speaksep_dashboards.compare.told import described, labels, turns_told
from speaksep_dashboards.desk import Desk
from speaksep_dashboards.page import Answer, Reader
from speaksep_dashboards.recording.sound import lanes_of
from speaksep_dashboards.stored import with_sound
from speaksep_kernel.catalogue.share import Share
from speaksep_kernel.errors import InputError, SpeakSepError
from speaksep_kernel.results.values import Separation
from speaksep_kernel.store import keys
from speaksep_kernel.voices.turns import Turn

SCORES = 1
"""Goes up when scores are computed otherwise."""


class ComparePage(Commented):
    """Two separations of one recording, for one reader: what tells which is which comes after their votes.

    Raises
    ------
    InputError
        Reasons ``gone-result``, ``half-written``, ``newer-version`` and ``not-comparable``.
    """

    kind: ClassVar[str] = "compare"
    reads: ClassVar[frozenset[str]] = frozenset({"sound"})
    writes: ClassVar[frozenset[str]] = Commented.writes | {"vote", "show"}

    def __init__(self, share: Share, reader: Reader, desk: Desk) -> None:
        super().__init__(share, reader, desk)
        self.takes()

    def takes(self) -> Takes:
        """Both separations, as they are now."""
        what = self.share.what
        return Takes.of(self.desk, self.share.owner, str(what["a"]), str(what["b"]))

    @property
    def separations(self) -> tuple[Separation, Separation]:
        """Both, with their sound, for a report.

        Raises
        ------
        InputError
            Reasons ``not-finished``, and ``still-blind``: the reader has not voted yet.
        """
        takes = self.takes()
        if takes.both is None:
            raise InputError("one of the two is not finished", reason="not-finished", hint="look again later")
        if not self._told(_excerpts(*takes.both)):
            raise InputError(
                "this would tell which is which", reason="still-blind", hint="vote first, or have the result shown"
            )
        first, second = takes.found
        return Separation.open(with_sound(self.desk, first)), Separation.open(with_sound(self.desk, second))

    def can(self) -> dict[str, bool]:
        """Votes are by name."""
        return super().can() | {"vote": bool(self.reader.name)}

    def _own_title(self) -> str:
        both = self.takes().both
        return f"{both[0].manifest.input.name}: two takes" if both else "Two takes"

    def state(self) -> Any:
        """See `ViewPage`."""
        takes = self.takes()
        return [takes.state(), self.said(), takes.both and standing(self._scores_at(*takes.both))]

    def shown(self) -> dict[str, Any]:
        """``ready``; ``missing`` if not; ``recording``, ``items``, ``told``; and, once told, the ``result``."""
        takes = self.takes()
        head: dict[str, Any] = {"comments": self.comments(), "ready": takes.both is not None}
        if takes.both is None:
            return head | {"missing": takes.missing(), "told": False, "items": []}
        both, ballot = takes.both, self._ballot(*takes.both)
        votes = self.desk.catalogue.remarks.votes(self.share)
        mine = choices(votes, self.reader.name) if self.reader.name else {}
        told = self._told(ballot.excerpts)
        recording = both[0].manifest.input
        head["recording"] = {"name": recording.name, "seconds": recording.seconds, "rate_hz": recording.rate_hz}
        head["items"] = [self._item(each, ballot, mine, both[0], told) for each in ballot.order()]
        head["told"] = told
        return head | ({"result": self._result(takes, ballot, votes, mine)} if told else {})

    def _item(
        self, each: Excerpt, ballot: Ballot, mine: dict[str, str], first: Separation, told: bool
    ) -> dict[str, Any]:
        name = next((t.name for t in first.tracks if t.speaker == each.a), None) or f"Speaker {each.a}"
        item = {"id": each.id, "speaker": name, "start_s": each.start_s, "seconds": round(each.end_s - each.start_s, 3)}
        choice = mine.get(each.id)
        item["voted"] = ballot.letter(each.id, choice) if choice else None
        return item | ({"x": ballot.side(each.id, "x"), "y": ballot.side(each.id, "y")} if told else {})

    def _result(self, takes: Takes, ballot: Ballot, votes: list[Any], mine: dict[str, str]) -> dict[str, Any]:
        """What tells which is which: how they were made, the votes, the scores, the turns."""
        assert takes.both is not None
        first, second = takes.both
        pairs = _pairs(first, second)
        scores, why = measured(self._scores_at(first, second), self._measure)
        heard_here = {each.id for each in ballot.excerpts}
        revisions = [each.revision for each in takes.found]
        result: dict[str, Any] = {
            "takes": {
                "a": described(first) | {"revision": revisions[0], "opens": f"recording/{takes.found[0].job.id}/"},
                "b": described(second) | {"revision": revisions[1], "opens": f"recording/{takes.found[1].job.id}/"},
            },
            "pairs": labels(pairs),
            "mine": counted({item: choice for item, choice in mine.items() if item in heard_here}),
            "scores": scores,
            "scores_word": why,
            **turns_told(first, second, pairs),
        }
        own = self.reader.name == self.share.owner
        return result | ({"tally": tally(votes, ballot.excerpts)} if own else {})

    def answer_sound(
        self,
        *,
        item: str,
        lanes: Annotated[list[Literal["x", "y", "mixture"]], Field(min_length=1, max_length=3)],
        start_s: Annotated[float, Field(ge=0, allow_inf_nan=False)],
        stop_s: Annotated[float, Field(gt=0, allow_inf_nan=False)],
        speed: float = 1.0,
    ) -> Answer:
        """A stretch of an excerpt, seconds from its beginning: (lanes, n) int16."""
        takes = self.takes()
        if takes.both is None:
            raise InputError("one of the two is not finished", reason="not-finished", hint="look again later")
        ballot = self._ballot(*takes.both)
        excerpt = ballot.excerpt(item)
        sides = [lane if lane == MIX else ballot.side(item, lane) for lane in lanes]
        both = lanes_of(self.desk, takes.found[0]), lanes_of(self.desk, takes.found[1])
        return Answer({}, (heard(both, excerpt, sides, start_s, stop_s, speed).astype("<i2").tobytes(),))

    def answer_vote(self, *, item: str, choice: Literal["x", "y", "same"], key: str) -> Answer:
        """Vote on an excerpt; before they are told, readers may change their mind.

        Raises
        ------
        InputError
            Reasons ``not-allowed``, ``unknown-item``, ``not-finished``, and ``told``: it is no longer blind.
        """
        self._check_may("vote")
        both = self.takes().both
        if both is None:
            raise InputError("one of the two is not finished", reason="not-finished", hint="look again later")
        ballot = self._ballot(*both)
        side = choice if choice == "same" else ballot.side(ballot.excerpt(item).id, choice)
        if self._told(ballot.excerpts):
            raise InputError("you have seen which is which", reason="told", hint="votes are taken before that")
        self.desk.catalogue.remarks.vote(self.share, self.reader.name, item, side, key)
        return Answer({"item": item, "choice": choice})

    def answer_show(self, *, key: str) -> Answer:
        """Have told which is which; after that the reader's votes stay as they are."""
        self._check_may("vote")
        self.desk.catalogue.remarks.vote(self.share, self.reader.name, EVERYTHING, SHOWN, key)
        return Answer({"told": True})

    def within(self, job: str) -> Share:
        """What shows one of the two by itself to the same reader, once that gives nothing away.

        Raises
        ------
        InputError
            Reasons ``unknown-recording`` and ``still-blind``.
        """
        if job not in (self.share.what["a"], self.share.what["b"]):
            raise InputError(f"no recording {job[:40]!r} here", reason="unknown-recording", hint="reload the page")
        _ = self.separations
        return replace(self.share, kind="recording", what={"job": job}, title="")

    def _told(self, items: tuple[Excerpt, ...]) -> bool:
        """Whether this reader may know which is which: whoever cannot vote, and whoever has."""
        if not items or not self.can()["vote"]:
            return True
        return choices(self.desk.catalogue.remarks.votes(self.share), self.reader.name).get(EVERYTHING) == SHOWN

    def _ballot(self, first: Separation, second: Separation) -> Ballot:
        # Hashes of the tracks, which nobody sees who has not got the files.
        secret = digest(self.share.id, first.manifest.files, second.manifest.files)
        return Ballot(self.reader.name, secret, _excerpts(first, second))

    def _scores_at(self, first: Separation, second: Separation) -> Path:
        return kept_at(SCORES, first.manifest.files, second.manifest.files, list(self.share.what.get("truth", ())))

    def _measure(self) -> dict[str, Any]:
        return asked([with_sound(self.desk, each) for each in self.takes().found], self._truth())

    def _truth(self) -> list[Path]:
        """Recordings of each speaker alone, as far as they are kept."""
        found = []
        for each in self.share.what.get("truth", ()):
            with suppress(SpeakSepError):  # removed since
                recording = self.desk.catalogue.get(self.share.owner, each)
                found.append(self.desk.store.local(keys.blob(recording.sha256)))
        return found


@lru_cache(maxsize=64)
def _matched(a: tuple[Turn, ...], b: tuple[Turn, ...], seconds: float) -> tuple[tuple[Pair, ...], tuple[Excerpt, ...]]:
    pairs = matched(a, b)
    return pairs, excerpts(a, b, pairs, seconds)


def _pairs(first: Separation, second: Separation) -> tuple[Pair, ...]:
    return _matched(first.turns, second.turns, first.manifest.input.seconds)[0]


def _excerpts(first: Separation, second: Separation) -> tuple[Excerpt, ...]:
    return _matched(first.turns, second.turns, first.manifest.input.seconds)[1]
