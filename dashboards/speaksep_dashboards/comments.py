"""Pages that people may comment: at a time of a recording, or about all of it."""

from __future__ import annotations

from typing import Any, ClassVar

from speaksep_dashboards.page import Answer, ViewPage, iso
from speaksep_kernel.errors import InputError


class Commented(ViewPage):
    """A page with comments, which ``esm/comments.js`` shows.

    `shown` of the page says ``"comments": self.comments()``, and `state` has `said` in it.
    """

    writes: ClassVar[frozenset[str]] = frozenset({"comment", "uncomment"})

    def said(self) -> str:
        """Changes whenever somebody votes, comments, or takes a comment back."""
        return self.desk.catalogue.remarks.version(self.share)

    def comments(self) -> list[dict[str, Any]]:
        """``{"id", "author", "text", "at_s", "made_at", "removable"}`` each, the oldest first."""
        own = {self.reader.name} - {""}
        everything = self.reader.name == self.share.owner
        return [
            {
                "id": each.id,
                "author": each.reader,
                "text": each.text,
                "at_s": each.at_s,
                "made_at": iso(each.made_at),
                "removable": everything or each.reader in own,
            }
            for each in self.desk.catalogue.remarks.comments(self.share)
        ]

    def answer_comment(self, *, text: str, key: str, at_s: float | None = None) -> Answer:
        """Write a comment; the same key writes it once.

        Raises
        ------
        InputError
            Reasons ``not-allowed``, ``bad-remark`` and ``key-conflict``.
        CapacityError
            Reason ``too-many-remarks``.
        """
        self._check_may("comment")
        self.desk.catalogue.remarks.comment(self.share, self.reader.name, text, at_s, key)
        return Answer({"comments": self.comments()})

    def answer_uncomment(self, *, comment: int, key: str) -> Answer:
        """Take a comment back; one's own, or anybody's as the owner.

        Raises
        ------
        InputError
            Reason ``unknown-comment``.
        """
        self.desk.catalogue.remarks.remove_comment(self.share, self.reader.name, comment)
        return Answer({"comments": self.comments()})

    def _check_may(self, act: str) -> None:
        if not self.can()[act]:
            raise InputError(f"this page takes no {act}", reason="not-allowed", hint="ask who shared it")
