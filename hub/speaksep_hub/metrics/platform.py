"""How the queue, the store, the certificates and the backups of a platform stand at this moment."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator

from speaksep_hub.metrics.backups import backups
from speaksep_hub.metrics.registry import Sample
from speaksep_hub.proxy.certificates import AUTOMATIC, Certificate, automatic
from speaksep_hub.service.platform import Platform
from speaksep_hub.settings import Settings
from speaksep_kernel.errors import SpeakSepError
from speaksep_kernel.jobs.states import State

_LOG = logging.getLogger("speaksep.metrics")


def look_at_platform(platform: Platform) -> Iterator[Sample]:
    """Look at all of it; what cannot be seen is left out, and ``speaksep_ready`` says why."""
    looks: tuple[Callable[[], Iterator[Sample]], ...] = (
        lambda: _queue(platform),
        lambda: _disk(platform),
        lambda: certificates(platform.settings),
        lambda: backups(platform.settings),
    )
    for look in looks:
        try:
            yield from look()
        except (SpeakSepError, OSError, ValueError) as error:
            _LOG.warning("not in the metrics: %s", error)


def _queue(platform: Platform) -> Iterator[Sample]:
    jobs = platform.jobs
    counts = jobs.counts()
    yield from (Sample("speaksep_jobs", count, (state.value,)) for state, count in counts.items())
    yield Sample("speaksep_queue_due_jobs", jobs.claimable() if counts[State.QUEUED] else 0)
    first = jobs.jobs(states=(State.QUEUED,), limit=1) if counts[State.QUEUED] else []
    waits_s = max((time.time() - job.created_at for job in first), default=0.0)
    yield Sample("speaksep_queue_oldest_seconds", max(0.0, waits_s))


def _disk(platform: Platform) -> Iterator[Sample]:
    free = platform.store.free_bytes()
    if free is not None:
        yield Sample("speaksep_store_free_bytes", free)
        yield Sample("speaksep_store_size_bytes", shutil.disk_usage(platform.store.url).total)


def certificates(settings: Settings) -> Iterator[Sample]:
    """When each certificate of the proxy is over.

    Parameters
    ----------
    settings
        Of the platform.
    """
    tls = settings.tls
    if tls.certificates == "files" and tls.certificate is not None:
        yield _expiry(settings.hub.host, tls.certificate.read_bytes())
    place = settings.hub.kept(AUTOMATIC)
    if tls.certificates == "automatic" and os.path.exists(place):
        for name, pem in automatic(place):
            yield _expiry(name, pem)


def _expiry(host: str, pem: bytes) -> Sample:
    over = Certificate.of_pem(pem).over
    return Sample("speaksep_certificate_expiry_timestamp_seconds", over.timestamp(), (host,))
