"""Jobs of a page, whoever does them: the service where there is one that answers, else this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from speaksep_hub.lab.clerk import local, service
from speaksep_kernel.errors import InputError, SpeakSepError

VERBS = ("diagnose", "separate")
MOST_FILES = 1000


def jobs(root: Path) -> dict[str, Any]:
    """Everything that was asked for lately, with a word on who does it."""
    standing, word = "none", "No service is configured: jobs run on this machine."
    found: list[dict[str, Any]] = []
    if service.address():
        try:
            found = service.listed()
            standing, word = "open", ""
        except SpeakSepError as error:
            standing, word = _why(error)
    mine = local.listed(root)
    return {"service": {"url": service.address(), "standing": standing, "word": word}, "jobs": [*found, *mine]}


def submit(
    root: Path,
    *,
    verb: str,
    paths: list[str],
    options: dict[str, Any] | None = None,
    batch: bool = False,
    where: str = "auto",
) -> dict[str, Any]:
    """Ask for jobs.

    Parameters
    ----------
    root
        Folder that the server serves.
    verb
        "diagnose" or "separate".
    paths
        Recordings below the folder.
    options
        Parameters of the batch notebook of that name.
    batch
        They belong together.
    where
        "auto", or "local" for this machine.

    Raises
    ------
    InputError
        Reasons ``unknown-verb``, ``no-inputs``, ``too-many-files``, and those of files and parameters.
    """
    if verb not in VERBS:
        raise InputError(f"no verb {verb[:40]!r}", reason="unknown-verb", hint=f"there are: {', '.join(VERBS)}")
    if not paths:
        raise InputError("no recordings", reason="no-inputs", hint="choose some")
    if len(paths) > MOST_FILES:
        raise InputError(f"{len(paths)} files at once", reason="too-many-files", hint=f"at most {MOST_FILES}")
    asked: dict[str, Any] = {"verb": verb, "paths": paths, "options": options or {}, "batch": batch}
    if where == "auto" and service.address():
        try:
            service.client().me()
            return {"where": "service", "ids": service.submit(root, **asked), "word": ""}
        except SpeakSepError as error:
            if isinstance(error, InputError):
                raise
            _, word = _why(error)
            return {"where": "local", "ids": local.submit(root, **asked), "word": word}
    return {"where": "local", "ids": local.submit(root, **asked), "word": ""}


def cancel(_root: Path, *, where: str, job: str) -> dict[str, Any]:
    """Stop a job."""
    (service.cancel if where == "service" else local.cancel)(job)
    return {}


def retry(_root: Path, *, where: str, job: str) -> dict[str, Any]:
    """Run a failed or cancelled job again."""
    (service.retry if where == "service" else local.retry)(job)
    return {}


def _why(error: SpeakSepError) -> tuple[str, str]:
    if getattr(error, "status", 0) in (401, 403):
        return "refused", f"The service refuses this server ({error.error}): jobs run on this machine."
    return "away", "The service does not answer: jobs run on this machine."
