"""One thing that was looked at, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from speaksep_kernel.errors import SpeakSepError


@dataclass(frozen=True)
class Check:
    """One thing looked at: its name, what was found, whether that is enough, and what to do.

    Parameters
    ----------
    name
        Of the thing.
    found
        What was seen.
    ok
        Whether it can work like that.
    hint
        What to do; if it can work, what to do before it no longer does.
    """

    name: str
    found: str
    ok: bool
    hint: str = ""

    @property
    def level(self) -> str:
        """ "ok", "warning" or "bad"."""
        return ("warning" if self.hint else "ok") if self.ok else "bad"

    @property
    def line(self) -> str:
        """As people read it."""
        mark = {"ok": "ok  ", "warning": "WARN", "bad": "BAD "}[self.level]
        return f"{mark} {self.name}: {self.found}{f' — {self.hint}' if self.hint else ''}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "level": self.level}


Look = Callable[[], str | tuple[str, str]]
"""Says what it found; with a second text: what to do soon. Raises what is wrong."""


def examined(name: str, look: Look, hint: str) -> Check:
    """Look at something; an error of whatever kind is what is wrong with it.

    Parameters
    ----------
    name
        Of the thing.
    look
        Looks at it.
    hint
        What to do about an error that does not say so itself.
    """
    try:
        found = look()
    except SpeakSepError as error:
        return Check(name, error.error, ok=False, hint=error.hint or hint)
    except Exception as error:  # whatever is wrong is what this is to report
        return Check(name, " ".join(f"{type(error).__name__}: {error}".split()), ok=False, hint=hint)
    return Check(name, found, ok=True) if isinstance(found, str) else Check(name, found[0], ok=True, hint=found[1])
