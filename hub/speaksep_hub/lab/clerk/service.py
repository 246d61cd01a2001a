"""Jobs of the platform's service, in the name of whoever this server belongs to."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from speaksep_hub.lab.clerk.paths import inside
from speaksep_kernel.errors import SpeakSepError

if TYPE_CHECKING:
    from speaksep_hub.client import Client

LISTED = 50
PATIENCE_S, UPLOAD_PATIENCE_S = 2.0, 120.0
"""For how long a service that is away is asked again: while a page waits, and while a recording is sent."""
URL, TOKENS = "SPEAKSEP_URL", ("SPEAKSEP_TOKEN", "JUPYTERHUB_API_TOKEN")
"""Environment variables: where the service is, and who asks; the first that is set."""

_lock = threading.Lock()
_sending: dict[str, dict[str, Any]] = {}


def address() -> str:
    """Of the service; "" where there is none."""
    return os.environ.get(URL, "").rstrip("/") if _token() else ""


def _token() -> str:
    return next((os.environ[name] for name in TOKENS if os.environ.get(name)), "")


@cache
def client(patience_s: float = PATIENCE_S) -> Client:
    """The service as this server's person."""
    from speaksep_hub.client import Client

    return Client(address(), _token(), patience_s=patience_s, timeout_s=10.0 if patience_s == PATIENCE_S else 60.0)


def submit(root: Path, verb: str, paths: Sequence[str], options: Mapping[str, Any], *, batch: bool) -> list[str]:
    """Send recordings and ask for a job each, behind: this returns at once, with ids of what is being sent.

    Raises
    ------
    InputError
        A recording is not there.
    """
    places = [inside(root, path) for path in paths]
    groups = [places] if batch else [[place] for place in places]
    return [_begin(verb, group, dict(options), batch=batch) for group in groups]


def listed() -> list[dict[str, Any]]:
    """What is being sent, then the newest jobs.

    Raises
    ------
    ServiceError
        It does not answer, or refuses.
    """
    jobs = [
        _told(dict(job)) for job in islice(client().jobs.all(), LISTED) if job["notebook"] in ("separate", "diagnose")
    ]
    with _lock:
        return [dict(row) for row in _sending.values()] + jobs


def cancel(job_id: str) -> None:
    """Stop a job, or forget what could not be sent."""
    with _lock:
        row = _sending.get(job_id)
        if row is not None:
            row["stopped"] = True
            if row["state"] == "failed":
                del _sending[job_id]
            return
    client().jobs.cancel(job_id)


def retry(job_id: str) -> None:
    """Run a failed or cancelled job again."""
    client().jobs.retry(job_id)


def _begin(verb: str, places: Sequence[Path], options: dict[str, Any], *, batch: bool) -> str:
    key = f"lab-{uuid.uuid4().hex}"
    name = places[0].name if len(places) == 1 else f"{places[0].name} +{len(places) - 1}"
    row = {"id": key, "where": "service", "verb": verb, "name": name, "state": "sending", "fraction": 0.0, "stage": ""}
    with _lock:
        _sending[key] = row | {"error": None, "batch": None, "created_at": None}
    threading.Thread(target=_send, args=(key, verb, places, options, batch), daemon=True, name=f"sends {name}").start()
    return key


def _send(key: str, verb: str, places: Sequence[Path], options: dict[str, Any], batch: bool) -> None:
    service = client(UPLOAD_PATIENCE_S)
    sizes = [max(place.stat().st_size, 1) for place in places]
    sent = [0] * len(places)

    class Stopped(Exception):
        """Somebody did not want it any more."""

    def progress(number: int, count: int) -> None:
        sent[number] = count
        with _lock:
            row = _sending[key]
            row["fraction"] = sum(sent) / sum(sizes)
            if row.get("stopped"):
                raise Stopped

    try:
        sources = []
        for number, place in enumerate(places):
            progress(number, 0)
            found = service.recordings.upload(place, progress=lambda done, _, number=number: progress(number, done))  # type: ignore[misc]
            sources.append(found["id"])
        rows = [{**options, "source": source} for source in sources]
        if batch:
            service.batches.create(verb, rows, key=key)
        else:
            service.jobs.submit(verb, rows[0], key=key)
    except Stopped:
        pass
    except (SpeakSepError, OSError) as error:
        told = error if isinstance(error, SpeakSepError) else SpeakSepError(str(error), reason="not-sent")
        with _lock:
            _sending[key] |= {"state": "failed", "error": told.to_dict()}
        return
    with _lock:
        del _sending[key]


def _told(job: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "state", "fraction", "stage", "error", "batch", "created_at", "finished_at", "name")
    parts = urlsplit(address())
    pages = f"{parts.scheme}://{parts.netloc}{parts.path.rpartition('/')[0]}/dashboards/mine"
    page = f"{pages}/recording/{quote(job['id'])}/"
    return {name: job.get(name) for name in names} | {
        "where": "service",
        "verb": job["notebook"],
        "page": page,
        "batch_page": f"{pages}/batch/{quote(job['batch'], safe='')}/" if job.get("batch") else None,
        "report": f"{page}report.html" if job["state"] == "succeeded" else None,
    }
