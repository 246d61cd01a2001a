"""Every metric of the platform, in this one place: code counts by these names, and the documentation lists them.

Names end with what they count or with a unit in full (``_seconds``, ``_bytes``, ``_ratio``), as Prometheus wants it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Where = Literal["web", "service", "worker"]
"""Who exports it: service and dashboards alike, the job service alone, or job workers."""

ANSWERS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Bounds of how long an answer takes."""
JOBS_S = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
"""Bounds of how long jobs wait and run."""
KERNELS_S = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60)
"""Bounds of how long a kernel takes to start."""
RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
"""Bounds of time over length."""


@dataclass(frozen=True)
class Metric:
    """One of them.

    Parameters
    ----------
    name
        As Prometheus stores it; a histogram's without ``_bucket``, ``_sum`` and ``_count``.
    kind
        "counter", "gauge" or "histogram".
    where
        Who exports it.
    about
        One sentence.
    labels
        What it is told apart by.
    buckets
        Upper bounds of a histogram, without the last one, which is infinity.
    """

    name: str
    kind: Kind
    where: Where
    about: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """Names that queries may use."""
        return tuple(f"{self.name}{end}" for end in ("_bucket", "_sum", "_count")) if self.buckets else (self.name,)


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("speaksep_build_info", "gauge", "web", "Always 1; which version answers.", ("version",)),
        Metric(
            "speaksep_http_requests_total",
            "counter",
            "web",
            "Requests that were answered, by the address as the program knows it, never as it was typed.",
            ("method", "route", "status"),
        ),
        Metric(
            "speaksep_http_request_seconds",
            "histogram",
            "web",
            "From a request to the end of its answer; streams, which last as long as people want, are left out.",
            ("method", "route"),
            ANSWERS_S,
        ),
        Metric("speaksep_http_requests_open", "gauge", "web", "Requests and streams under way."),
        Metric("speaksep_events_total", "counter", "web", "What was done, by kinds of the audit trail.", ("event",)),
        Metric(
            "speaksep_refusals_total", "counter", "web", "Requests that were refused or failed, by reason.", ("reason",)
        ),
        Metric("speaksep_uploads_total", "counter", "web", "Recordings taken in; known ones were there.", ("known",)),
        Metric("speaksep_upload_bytes_total", "counter", "web", "Bytes of recordings taken in."),
        Metric("speaksep_ready", "gauge", "web", "Whether what requests need answers: 1 or 0.", ("check",)),
        Metric("speaksep_audit_missed_entries", "gauge", "web", "Entries of the trail that could not be written."),
        Metric("speaksep_redis_up", "gauge", "web", "Whether Redis counts requests; told only where it should."),
        Metric("speaksep_jobs", "gauge", "service", "Jobs in the table, by state.", ("state",)),
        Metric("speaksep_queue_due_jobs", "gauge", "service", "Jobs that wait for nothing but a worker."),
        Metric("speaksep_queue_oldest_seconds", "gauge", "service", "How long the job waits that waits longest."),
        Metric(
            "speaksep_store_free_bytes", "gauge", "service", "Free on the disk of the store; none where nobody knows."
        ),
        Metric("speaksep_store_size_bytes", "gauge", "service", "Size of that disk."),
        Metric(
            "speaksep_certificate_expiry_timestamp_seconds",
            "gauge",
            "service",
            "When a certificate of the proxy is over, in seconds since 1970.",
            ("host",),
        ),
        Metric(
            "speaksep_backup_timestamp_seconds",
            "gauge",
            "service",
            "When the newest backup was begun, in seconds since 1970; 0 where there is none, or nobody reaches it.",
        ),
        Metric("speaksep_jobs_finished_total", "counter", "worker", "Jobs that ended here.", ("notebook", "outcome")),
        Metric("speaksep_job_losses_total", "counter", "worker", "Workers that vanished with a job that ended here."),
        Metric("speaksep_job_wait_seconds", "histogram", "worker", "From asked for to begun.", ("notebook",), JOBS_S),
        Metric("speaksep_job_run_seconds", "histogram", "worker", "From begun to ended.", ("notebook",), JOBS_S),
        Metric("speaksep_job_cpu_seconds_total", "counter", "worker", "What processors spent on jobs.", ("notebook",)),
        Metric(
            "speaksep_job_real_time_ratio",
            "histogram",
            "worker",
            "Time a job took over the length of its recording; less than 1 is faster than listening.",
            ("notebook",),
            RATIOS,
        ),
        Metric(
            "speaksep_result_lookups_total",
            "counter",
            "worker",
            "Jobs that succeeded: whether an earlier result was used again.",
            ("result",),
        ),
        Metric("speaksep_recording_seconds_total", "counter", "worker", "Length of what was worked on.", ("notebook",)),
        Metric("speaksep_speakers_separated_total", "counter", "worker", "People who got a track of their own."),
        Metric(
            "speaksep_kernel_start_seconds",
            "histogram",
            "worker",
            "Until the kernel of a job answers, waiting for a GPU included.",
            ("device",),
            KERNELS_S,
        ),
        Metric("speaksep_kernels_forked_total", "counter", "worker", "Kernels started at once, by fork servers here."),
        Metric("speaksep_fork_servers", "gauge", "worker", "Fork servers that run here."),
        Metric("speaksep_workers", "gauge", "worker", "Jobs that may run here at a time."),
        Metric("speaksep_workers_busy", "gauge", "worker", "Jobs that run here."),
        Metric("speaksep_worker_trouble", "gauge", "worker", "Whether the table or the executor is away: 1 or 0."),
        Metric("speaksep_worker_seen_timestamp_seconds", "gauge", "worker", "When the worker last looked at its jobs."),
        Metric(
            "speaksep_gpu_leases_usable",
            "gauge",
            "worker",
            "Whether kernels can take slots of GPUs here: 1 or 0; told only where there are GPUs.",
        ),
        Metric("speaksep_gpu_slots", "gauge", "worker", "Kernels that a GPU takes at a time.", ("gpu",)),
        Metric("speaksep_gpu_slots_held", "gauge", "worker", "Kernels that have it.", ("gpu",)),
        Metric("speaksep_gpu_refusing", "gauge", "worker", "Whether it takes no more: 1 or 0.", ("gpu",)),
        Metric("speaksep_gpu_memory_bytes", "gauge", "worker", "Memory of a GPU.", ("gpu",)),
        Metric("speaksep_gpu_memory_free_bytes", "gauge", "worker", "Memory of it that is free.", ("gpu",)),
        Metric("speaksep_gpu_waiting", "gauge", "worker", "Kernels in line for a GPU."),
        Metric("speaksep_gpu_longest_wait_seconds", "gauge", "worker", "How long the first of them waits."),
        Metric("speaksep_host_cpu_seconds_total", "counter", "worker", "Of all processors here.", ("mode",)),
        Metric("speaksep_host_memory_bytes", "gauge", "worker", "Memory of this machine."),
        Metric("speaksep_host_memory_available_bytes", "gauge", "worker", "What programs could still have of it."),
    )
}
"""By name. Each process tells of itself, too: ``process_*`` of the Prometheus client."""


def exported(*where: Where) -> tuple[Metric, ...]:
    """Those of some who export."""
    return tuple(metric for metric in METRICS.values() if metric.where in where)
