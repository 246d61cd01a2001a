"""The one error tree of SpeakSep.

Every error says what was wrong (with the value), why in one word a program can test, and what to do about it.
"""

from __future__ import annotations

from typing import Any


class SpeakSepError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    error
        One line: what was wrong, with the offending value.
    reason
        Stable machine-readable code, e.g. ``"file-not-found"``.
    hint
        One line: what to do about it.
    """

    exit_code = 1

    def __init__(self, error: str, *, reason: str = "internal", hint: str = "") -> None:
        super().__init__(error)
        self.error = " ".join(error.split())
        self.reason = reason
        self.hint = " ".join(hint.split())

    def __str__(self) -> str:
        return f"{self.error} — {self.hint}" if self.hint else self.error

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.error, self.reason, self.hint)

    def to_dict(self) -> dict[str, Any]:
        """The error shape shared by ``--json`` and the REST service."""
        return {"ok": False, "error": self.error, "reason": self.reason, "hint": self.hint}


def _rebuild(kind: type[SpeakSepError], error: str, reason: str, hint: str) -> SpeakSepError:
    return kind(error, reason=reason, hint=hint)


class InputError(SpeakSepError):
    """The caller gave something that cannot be used: a bad file, parameter or name."""

    exit_code = 2


class CapacityError(SpeakSepError):
    """A configured limit (bytes, seconds, channels, rate, memory) would be exceeded."""

    exit_code = 2


class StoreError(SpeakSepError):
    """Results cannot be written or read: a full disk, no permission, a damaged artefact."""

    exit_code = 2


class PluginError(SpeakSepError):
    """A plugin is broken or broke its contract."""


class JobError(SpeakSepError):
    """A job cannot do what was asked in the state it is in."""
