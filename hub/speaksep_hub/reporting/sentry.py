"""Faults of this process are reported while it runs: what is logged as an error, and what ends it."""

from __future__ import annotations

import logging
import threading
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from speaksep_hub.reporting.allowed import allowed, place_of
from speaksep_kernel.errors import InputError, SpeakSepError

if TYPE_CHECKING:
    from collections.abc import Callable

    from speaksep_hub.reporting.settings import ReportingSettings

AGAIN_S = 60.0
"""The same fault is reported once in so many seconds: a disk that is full fails every request."""
LEAVE_S = 1.0
"""Seconds that reports under way have when the process ends."""


def report_faults(settings: ReportingSettings, part: str) -> None:
    """Report faults of this process from now on; nothing happens without an address.

    Parameters
    ----------
    settings
        Where to.
    part
        Which part of the platform this is.

    Raises
    ------
    InputError
        Reason ``bad-settings``: the address is none.
    """
    if settings.dsn is None:
        return
    import sentry_sdk
    from sentry_sdk.integrations.atexit import AtexitIntegration
    from sentry_sdk.integrations.excepthook import ExcepthookIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.integrations.threading import ThreadingIntegration
    from sentry_sdk.utils import BadDsn

    try:
        sentry_sdk.init(
            dsn=settings.dsn.get_secret_value(),
            environment=settings.environment,
            release=f"speaksep@{version('speaksep')}",
            server_name="",
            before_send=_before_send(part),
            default_integrations=False,
            auto_enabling_integrations=False,  # those of frameworks look into requests
            integrations=[
                LoggingIntegration(level=None, event_level=logging.ERROR),
                ExcepthookIntegration(),
                ThreadingIntegration(propagate_scope=False),
                AtexitIntegration(callback=lambda pending, timeout: None),  # it would print
            ],
            include_local_variables=False,
            include_source_context=False,
            max_breadcrumbs=0,
            auto_session_tracking=False,
            send_client_reports=False,
            shutdown_timeout=LEAVE_S,
            _experiments={"transport_compression_level": 6},  # gzip: else Brotli, where some package brings that
        )
    except BadDsn:
        raise InputError(
            "reporting.dsn is no address of a Sentry project",
            reason="bad-settings",
            hint="it looks like https://KEY@sentry.example.org/NUMBER",
        ) from None


def _before_send(part: str) -> Callable[[Any, dict[str, Any]], Any]:
    told: dict[tuple[str, ...], float] = {}
    lock = threading.Lock()

    def before_send(event: Any, hint: dict[str, Any]) -> Any:
        place, now_s = place_of(event), time.monotonic()
        with lock:
            if now_s - told.get(place, float("-inf")) < AGAIN_S:
                return None
            told[place] = now_s
        error = (hint.get("exc_info") or (None, None))[1]
        return allowed(event, part, error.reason if isinstance(error, SpeakSepError) else "")

    return before_send
