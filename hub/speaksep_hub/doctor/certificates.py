"""Whether browsers will take the certificate, and for how long."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from speaksep_hub.proxy.certificates import AUTOMATIC, Certificate, automatic, load_pair
from speaksep_hub.settings import Settings
from speaksep_kernel.errors import SpeakSepError

SOON = timedelta(days=14)
"""With less left somebody should act: authorities that renew by themselves do so well before."""
SHORT = 3
"""What lives shortly is given this part of its life."""


def certificates(settings: Settings, now: datetime | None = None) -> str | tuple[str, str]:
    """Look at the certificate that the proxy is given, or at those that it got.

    Parameters
    ----------
    settings
        Of the platform.
    now
        What the clock says by default.

    Raises
    ------
    SpeakSepError
        Browsers would refuse it.
    """
    tls, now = settings.tls, now or datetime.now(UTC)
    if tls.authority_root is not None and not os.access(tls.authority_root, os.R_OK):
        raise SpeakSepError(f"{tls.authority_root} cannot be read", hint="check tls.authority_root")
    if tls.certificates == "files":
        assert tls.certificate is not None
        assert tls.key is not None
        pem, _ = load_pair(tls.certificate, tls.key)
        renew = f"put a new one into {tls.certificate}; the proxy takes it while it runs"
        return _judged(Certificate.of_pem(pem), settings.hub.host, settings.hub.subdomains, now, renew)
    if tls.certificates == "automatic":
        place = settings.hub.kept(AUTOMATIC)
        found = list(automatic(place)) if place.exists() else []
        if not found:
            return f"none yet; it is asked for at {tls.authority} when the proxy starts"
        renew = "the authority must reach port 80 of the name: the proxy's log says what it answered"
        said = [_judged(Certificate.of_pem(pem), host, False, now, renew) for host, pem in found]
        hint = next((each[1] for each in said if isinstance(each, tuple)), "")
        shown = "; ".join(each if isinstance(each, str) else each[0] for each in said)
        return (shown, hint) if hint else shown
    if settings.hub.https:
        return "none here: what stands in front encrypts"
    return "none: this address is not encrypted"


def _judged(found: Certificate, host: str, subdomains: bool, now: datetime, renew: str) -> str | tuple[str, str]:
    left = found.left(now)
    if left <= timedelta(0):
        raise SpeakSepError(f"that of {host} is over since {found.over:%Y-%m-%d %H:%M} UTC", hint=renew)
    if found.since > now:
        raise SpeakSepError(
            f"that of {host} holds from {found.since:%Y-%m-%d %H:%M} UTC on, and here it is {now:%Y-%m-%d %H:%M}",
            hint="set the clock, if it is wrong; otherwise wait, or use the former certificate",
        )
    for each in (host, *([f"any.{host}"] if subdomains else ())):
        if not found.covers(each):
            raise SpeakSepError(
                f"it is for {', '.join(found.names) or 'no name'}, and browsers come to {each.replace('any.', '*.')}",
                hint="get one for that name too, or correct hub.url",
            )
    shown = f"{', '.join(found.names)} until {found.over:%Y-%m-%d}, {_days(left)} left"
    return (shown, renew) if left < min(SOON, (found.over - found.since) / SHORT) else shown


def _days(left: timedelta) -> str:
    return f"{left.days} days" if left.days != 1 else "1 day"
