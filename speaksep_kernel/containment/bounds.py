"""Whose plugins run in processes of their own, and what these may take."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from speaksep_kernel.errors import InputError

Whom = Literal["none", "third-party", "all"]
KINDS = ("separator", "encoder", "diagnoser", "cleaner")
"""Kinds that compute: arrays in, arrays or findings out. The others write files or run jobs, and stay here."""


@dataclass(frozen=True)
class Bounds:
    """What a contained plugin may take.

    Attributes
    ----------
    whom
        ``"none"``, ``"third-party"`` (all that the package itself does not bring) or ``"all"`` (``SPEAKSEP_CONTAIN``).
    memory_bytes
        Memory of its process (``SPEAKSEP_CONTAIN_MEMORY_BYTES``); half of the machine's by default.
    call_s
        Longest time for one answer, its start included (``SPEAKSEP_CONTAIN_CALL_S``).
    """

    whom: Whom = "none"
    memory_bytes: int = 0
    call_s: float = 300.0

    @classmethod
    def of(cls, environ: Mapping[str, str] | None = None) -> Bounds:
        """Read them from the environment, that of this process by default.

        Raises
        ------
        InputError
            Reason ``bad-setting``.
        """
        given = os.environ if environ is None else environ
        return cls(
            whom=_whom(given.get("SPEAKSEP_CONTAIN") or cls.whom),
            memory_bytes=int(_positive(given, "SPEAKSEP_CONTAIN_MEMORY_BYTES", _half_of_memory())),
            call_s=_positive(given, "SPEAKSEP_CONTAIN_CALL_S", cls.call_s),
        )

    def hold(self, kind: str, package: str) -> bool:
        """Whether a plugin of this kind and package is to be contained."""
        from speaksep_kernel.plugins import OWN_PACKAGE

        return kind in KINDS and (self.whom == "all" or (self.whom == "third-party" and package != OWN_PACKAGE))


def _half_of_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _whom(text: str) -> Whom:
    for whom in get_args(Whom):
        if whom == text:
            return whom  # type: ignore[no-any-return]
    raise InputError(f"SPEAKSEP_CONTAIN is {text!r}", reason="bad-setting", hint=f"one of: {', '.join(get_args(Whom))}")


def _positive(given: Mapping[str, str], name: str, default: float) -> float:
    text = given.get(name, "")
    try:
        number = float(text) if text else default
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise InputError(f"{name} is {text!r}", reason="bad-setting", hint="give a number above 0")
    return number
