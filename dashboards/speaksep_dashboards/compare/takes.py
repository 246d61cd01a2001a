"""The two separations that are compared, as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from speaksep_dashboards.desk import Desk
from speaksep_dashboards.places import without_folders
from speaksep_dashboards.stored import Stored, gone, separation_of, stored
from speaksep_kernel.catalogue.subjects import SEPARATES
from speaksep_kernel.errors import InputError
from speaksep_kernel.results.values import Separation


@dataclass(frozen=True)
class Takes:
    """Both, if there are both.

    Attributes
    ----------
    found
        The jobs, and what came of them up to now.
    both
        The separations, without their sound; None while one of them is not finished.
    """

    found: tuple[Stored, Stored]
    both: tuple[Separation, Separation] | None

    @classmethod
    def of(cls, desk: Desk, owner: str, a: str, b: str) -> Takes:
        """Look for them.

        Raises
        ------
        InputError
            Reasons ``gone-result``, ``half-written``, ``newer-version``; ``not-comparable``: they are not of the same
            recording.
        """
        found = _separates(desk, owner, a), _separates(desk, owner, b)
        if any(each.made is None for each in found):
            return cls(found, None)
        both = separation_of(desk, found[0]), separation_of(desk, found[1])
        inputs = [each.manifest.input for each in both]
        if inputs[0].sha256 != inputs[1].sha256:
            raise InputError(
                f"{inputs[0].name!r} and {inputs[1].name!r} are different recordings",
                reason="not-comparable",
                hint="compare two separations of the same recording",
            )
        return cls(found, both)

    def state(self) -> list[Any]:
        """Changes when a job goes on, or a result is corrected."""
        jobs = [(each.job, each.made) for each in self.found]
        return [[job.state, round(job.fraction, 2), made and [made.id, made.attempt]] for job, made in jobs]

    def missing(self) -> list[dict[str, Any]]:
        """Those that are not finished, and where they stand."""
        return [
            {
                "state": str(each.job.state),
                "fraction": each.job.fraction,
                "stage": each.job.stage,
                "error": without_folders(str((each.job.error or {}).get("error") or "")),
            }
            for each in self.found
            if each.made is None
        ]


def _separates(desk: Desk, owner: str, job: str) -> Stored:
    found = stored(desk, owner, job)
    if found.job.notebook != SEPARATES:
        raise gone(job)
    return found
