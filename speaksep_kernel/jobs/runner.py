"""One attempt at one job: the notebook in its own kernel, watched, and published all or nothing."""

from __future__ import annotations

import getpass
import json
import logging
import os
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from speaksep_kernel.errors import JobError, StoreError
from speaksep_kernel.jobs import cache, notebooks
from speaksep_kernel.jobs.artefacts import artefacts
from speaksep_kernel.jobs.attempt import PROVENANCE, Attempt, in_words, provenance
from speaksep_kernel.jobs.database import TRANSIENT
from speaksep_kernel.jobs.guard import Guard
from speaksep_kernel.jobs.ledger import Ledger, ledger
from speaksep_kernel.jobs.notebooks import BatchNotebook
from speaksep_kernel.jobs.outcomes import error_of
from speaksep_kernel.jobs.parameters import validated
from speaksep_kernel.jobs.remote import RemoteAttempt, fetched
from speaksep_kernel.jobs.ticket import Outcome, State, Ticket
from speaksep_kernel.logs.begin import logging_variables
from speaksep_kernel.logs.carried import carrying
from speaksep_kernel.results.manifest import versions
from speaksep_kernel.results.measures import measured

T = TypeVar("T")
log = logging.getLogger(__name__)

PATIENCE_S = 300.0
"""How long a finished job waits for a table that is locked, full or away."""


def run(ticket: Ticket) -> Outcome:
    """Run a batch notebook.

    Never raises for what a notebook does. It tells the table itself, from its first line on: heartbeats, progress, and
    at the end success or failure.

    Parameters
    ----------
    ticket
        Whose attempt it is, the notebook, its parameters, where to publish, limits.

    Returns
    -------
    Outcome
        What the table knows already.

    Raises
    ------
    StoreError
        The table cannot be opened, or is away for longer than `PATIENCE_S` when the job is done. Nothing was published
        then, and the lease will end.
    """
    with carrying(request_id=ticket.request, job_id=ticket.job, user=ticket.owner):
        log.info("job begins", extra={"notebook": ticket.notebook, "attempt": ticket.attempt})
        outcome = _Run(ticket, ledger(ticket.table)).outcome()
        log.log(logging.WARNING if outcome.error else logging.INFO, f"job {outcome.state}", extra=_figures(outcome))
    return outcome


class _Run:
    def __init__(self, ticket: Ticket, table: Ledger) -> None:
        self.ticket, self.table = ticket, table
        self.started = datetime.now(UTC)
        self._started_s = time.monotonic()
        self.attempt: Attempt | None = None
        self.report = ""
        self._raised: dict[str, Any] | None = None

    def outcome(self) -> Outcome:
        ticket = self.ticket
        with Guard(ticket, self.table) as guard:
            try:
                return self._success(guard)
            except Exception as fault:
                return self._failure(guard, fault)
            except BaseException:  # Ctrl-C, or the process ends: somebody else may have it
                with suppress(JobError, StoreError):
                    self.table.release(ticket.job, ticket.attempt)
                raise
            finally:
                if self.attempt is not None:
                    self.attempt.close()

    def _success(self, guard: Guard) -> Outcome:
        ticket = self.ticket
        notebook = notebooks.get(ticket.notebook)
        values = validated(notebook, ticket.parameters)
        self.report = notebook.path.name
        remote = "://" in ticket.directory
        before = {} if remote else provenance(Path(ticket.directory))
        if ticket.table and before.get("job") == ticket.job:  # it was published, and the worker died before it said so
            result, publish = before["result"], _nothing
        else:
            if remote:
                self.attempt = RemoteAttempt(ticket.directory, ticket.job, ticket.attempt)
            else:
                self.attempt = Attempt(Path(ticket.directory).absolute(), ticket.job, ticket.attempt)
            result, publish = self._made(notebook, values, guard, self.attempt), self.attempt.publish
        report = f"{result['directory']}/{self.report}"
        _patiently(lambda: self.table.succeed(ticket.job, ticket.attempt, result, report, publish=publish))
        return self._told("succeeded", result=result, report=report)

    def _made(
        self, notebook: BatchNotebook, values: Mapping[str, Any], guard: Guard, attempt: Attempt
    ) -> dict[str, Any]:
        """Fill the attempt's folder: from an earlier result, or by running the notebook."""
        reads = {name: fetched(values[name]) for name in notebook.inputs if "://" in str(values.get(name, ""))}
        given, values = values, {**values, **reads}
        known = cache.key_of(notebook, values, self.ticket.circle) if self.ticket.cache else None
        found = cache.look_up(known[0]) if known else []
        cached = next((str(each.directory) for each in found if known and each.copy_to(attempt.place, known[1])), None)
        device, cpu_s, kernel_start_s = (
            ("", 0.0, None) if cached else self._execute(notebook, values, guard, attempt.place / self.report)
        )
        with in_words(attempt.directory):
            result = {
                "directory": attempt.address,
                "files": artefacts(attempt.place, without=(self.report, PROVENANCE)),
                "cached": cached,
                "device": device,
                "cpu_s": cpu_s,
                "kernel_start_s": kernel_start_s,
                "measures": measured(attempt.place),
            }
            told = self._provenance(notebook, given, result, known[1] if known else {})
            (attempt.place / PROVENANCE).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        attempt.seal()
        if known and not cached and not isinstance(attempt, RemoteAttempt):
            cache.remember(known[0], attempt.place, attempt.directory)
        return result

    def _execute(
        self, notebook: BatchNotebook, values: Mapping[str, Any], guard: Guard, report: Path
    ) -> tuple[str, float, float | None]:
        from speaksep_kernel.jobs.execution import Execution  # a second, which cached results do not take

        execution = Execution(lambda progress: guard.tell(progress.fraction, progress.stage, progress.message))
        guard.watch(execution)
        environment = {
            "SPEAKSEP_DEVICE": self.ticket.device,
            "SPEAKSEP_HOLDER": f"job {self.ticket.job}",
            "PYANNOTE_METRICS_ENABLED": "false",
            **logging_variables("kernel"),
        }
        try:
            execution.run(notebook.path, report, values, env=os.environ | environment)
        finally:
            self._raised = execution.fault
        return execution.device, execution.cpu_s, execution.kernel_start_s

    def _provenance(
        self, notebook: BatchNotebook, values: Mapping[str, Any], result: Mapping[str, Any], inputs: Mapping[str, str]
    ) -> dict[str, Any]:
        ticket = self.ticket
        return {
            "job": ticket.job,
            "attempt": ticket.attempt,
            "notebook": notebook.name,
            "notebook_sha256": notebook.sha256,
            "parameters": dict(values),
            "inputs": {path: digest for digest, path in inputs.items()},
            "result": dict(result),
            "versions": versions(),
            "user": getpass.getuser(),
            "host": platform.node(),
            "started": self.started.isoformat(timespec="milliseconds"),
            "seconds": round(time.monotonic() - self._started_s, 3),
        }

    def _failure(self, guard: Guard, fault: Exception) -> Outcome:
        ticket, kept = self.ticket, None
        if isinstance(fault, JobError) and fault.reason == "lease-lost":
            return self._told("lost")
        if isinstance(fault, StoreError) and fault.reason in TRANSIENT:
            raise fault
        if guard.verdict == "lost":
            return self._told("lost")
        try:
            if guard.verdict == "leaving":
                self.table.release(ticket.job, ticket.attempt)
                return self._told("lost")
            state: State = "cancelled" if guard.verdict == "cancelled" else "failed"
            kept = self.attempt.keep_report(self.report, state) if self.attempt else None
            if guard.verdict == "cancelled":
                _patiently(lambda: self.table.stopped(ticket.job, ticket.attempt, kept))
                return self._told("cancelled", report=kept)
            error = error_of(fault, guard.verdict, ticket, self._raised)
            _patiently(lambda: self.table.fail(ticket.job, ticket.attempt, error, error["again"], kept))
            return self._told("failed", error=error, report=kept)
        except JobError:  # it is somebody else's by now, who tells his own story
            if kept:
                Path(kept).unlink(missing_ok=True)
            return self._told("lost")

    def _told(self, state: State, **more: Any) -> Outcome:
        ticket, seconds = self.ticket, round(time.monotonic() - self._started_s, 3)
        return Outcome(job=ticket.job, attempt=ticket.attempt, state=state, seconds=seconds, **more)


def _figures(outcome: Outcome) -> dict[str, Any]:
    """What a log has of an outcome: no words of a notebook, which may say anything."""
    told = {"attempt": outcome.attempt, "seconds": outcome.seconds, "reason": (outcome.error or {}).get("reason")}
    result = outcome.result or {}
    told |= {name: result.get(name) for name in ("cpu_s", "kernel_start_s")}
    return told | {"cached": bool(result.get("cached"))}


def _nothing() -> None:
    """It is there already."""


def _patiently(call: Callable[[], T]) -> T:
    """Wait for a table that is away; heartbeats go on meanwhile, as far as they get."""
    end_s, pause_s = time.monotonic() + PATIENCE_S, 0.2
    while True:
        try:
            return call()
        except StoreError as error:
            if error.reason not in TRANSIENT or time.monotonic() > end_s:
                raise
        time.sleep(pause_s)
        pause_s = min(5.0, 2 * pause_s)
