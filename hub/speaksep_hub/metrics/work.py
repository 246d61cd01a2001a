"""What jobs of a worker came to, counted when they end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from speaksep_hub.metrics.registry import Metrics
from speaksep_kernel.jobs.dispatcher import Glance
from speaksep_kernel.jobs.job import Job
from speaksep_kernel.jobs.states import State

SEPARATES = "separate"


class Work:
    """Counts the jobs of one dispatcher; those of others on the same table are theirs to count.

    Parameters
    ----------
    metrics
        Where to.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def see(self, glance: Glance) -> None:
        """How things stand, several times a second."""
        mine = f"{glance.dispatcher} "
        metrics = self._metrics
        metrics.set("speaksep_workers", glance.workers)
        metrics.set("speaksep_workers_busy", sum((job.worker or "").startswith(mine) for job in glance.held))
        metrics.set("speaksep_worker_trouble", bool(glance.trouble))
        metrics.set("speaksep_worker_seen_timestamp_seconds", time.time())
        for job in glance.finished:
            if (job.worker or "").startswith(mine):
                self._count(job)

    def _count(self, job: Job) -> None:
        metrics, notebook = self._metrics, job.notebook
        metrics.add("speaksep_jobs_finished_total", 1, notebook, job.state.value)
        metrics.add("speaksep_job_losses_total", job.losses)
        if job.started_at is None or job.finished_at is None:
            return
        run_s = max(0.0, job.finished_at - job.started_at)
        metrics.observe("speaksep_job_run_seconds", run_s, notebook)
        if job.attempt == 1:  # the start of a later attempt says nothing about the wait before the first
            metrics.observe("speaksep_job_wait_seconds", max(0.0, job.started_at - job.created_at), notebook)
        if job.state is State.SUCCEEDED and isinstance(job.result, Mapping):
            self._count_result(job.result, notebook, run_s)

    def _count_result(self, result: Mapping[str, Any], notebook: str, run_s: float) -> None:
        metrics, cached = self._metrics, bool(result.get("cached"))
        metrics.add("speaksep_result_lookups_total", 1, "used-again" if cached else "made")
        if cached:
            return
        metrics.add("speaksep_job_cpu_seconds_total", _number(result.get("cpu_s")), notebook)
        device = "gpu" if str(result.get("device", "")).startswith("GPU") else "cpu"
        if result.get("kernel_start_s") is not None:
            metrics.observe("speaksep_kernel_start_seconds", _number(result["kernel_start_s"]), device)
        measures = result.get("measures") or {}
        sound_s = _number(measures.get("sound_s"))
        metrics.add("speaksep_recording_seconds_total", sound_s, notebook)
        if sound_s > 0:
            metrics.observe("speaksep_job_real_time_ratio", run_s / sound_s, notebook)
        if notebook == SEPARATES:
            metrics.add("speaksep_speakers_separated_total", _number(measures.get("speakers")))


def _number(value: Any) -> float:
    """Of a row that another version may have written."""
    return float(value) if isinstance(value, int | float) and value >= 0 else 0.0
