"""Hours in which somebody is not to be told anything: what falls into them comes at their end."""

from __future__ import annotations

import datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _known(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{zone[:60]!r} is no time zone, such as Europe/Berlin or UTC") from None
    return zone


Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:00"])]


class Quiet(BaseModel):
    """From when until when, by the clock of a place; over midnight, if it ends earlier than it begins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    begins: Clock = Field(description="Hours and minutes.")
    ends: Clock = Field(description="Hours and minutes.")
    zone: Annotated[str, Field(max_length=64), AfterValidator(_known)] = Field(
        "UTC", description="Whose clock: a time zone by its name.", examples=["Europe/Berlin"]
    )

    @model_validator(mode="after")
    def _some(self) -> Quiet:
        if self.begins == self.ends:
            raise ValueError("quiet hours end when they begin: leave them out, or choose no notices at all")
        return self


def not_before(at: float, quiet: Quiet | None) -> float:
    """When something that is to be told at a time may be told.

    Parameters
    ----------
    at
        Seconds since 1970.
    quiet
        Hours of the one who is told; None: they have none.

    Returns
    -------
    The same, or the end of the quiet hours that it falls into.

    Examples
    --------
    >>> night = Quiet(begins="22:00", ends="07:00", zone="UTC")
    >>> not_before(23 * 3600, night) / 3600, not_before(8 * 3600, night) / 3600
    (31.0, 8.0)
    """
    if quiet is None:
        return at
    zone = ZoneInfo(quiet.zone)
    now = datetime.datetime.fromtimestamp(at, zone)
    clock = f"{now:%H:%M}"
    over_midnight = quiet.ends < quiet.begins
    inside = (clock >= quiet.begins or clock < quiet.ends) if over_midnight else quiet.begins <= clock < quiet.ends
    if not inside:
        return at
    day = now.date() + datetime.timedelta(days=int(over_midnight and clock >= quiet.begins))
    end = datetime.datetime.combine(day, datetime.time.fromisoformat(quiet.ends), zone)
    return max(at, end.timestamp())  # an hour that comes twice in autumn ends the first time
