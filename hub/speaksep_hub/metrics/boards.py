"""Dashboards of Grafana, made from what each panel asks.

``python -m speaksep_hub.metrics.boards hub/deploy/grafana/dashboards`` writes them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 12, 8
"""Of a panel, in Grafana's grid of 24 columns."""
SOURCE = {"type": "prometheus", "uid": "${source}"}
RATE = "[$__rate_interval]"


@dataclass(frozen=True)
class Panel:
    """One drawing.

    Parameters
    ----------
    title
        What it shows.
    unit
        As Grafana calls it: "s", "bytes", "reqps", "percentunit", "short".
    queries
        What Prometheus is asked, and how each line is called.
    """

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]


def _quantiles(metric: str, by: str) -> tuple[tuple[str, str], ...]:
    asked = f"sum by ({by}, le) (rate({metric}_bucket{RATE}))"
    return tuple((f"histogram_quantile({q}, {asked})", f"{{{{{by}}}}} {100 * q:g} %") for q in (0.5, 0.95))


BOARDS: dict[str, tuple[str, tuple[Panel, ...]]] = {
    "system": (
        "SpeakSep: system",
        (
            Panel("Parts that answer", "short", (('up{job=~"speaksep-.+"}', "{{job}} {{instance}}"),)),
            Panel("What requests need", "short", (("speaksep_ready", "{{job}} {{check}}"),)),
            Panel(
                "Processors of workers' machines",
                "percentunit",
                (
                    (
                        (
                            f'sum by (instance, mode) (rate(speaksep_host_cpu_seconds_total{{mode!="idle"}}{RATE})) / '
                            "ignoring (mode) group_left "
                            f"sum by (instance) (rate(speaksep_host_cpu_seconds_total{RATE}))"
                        ),
                        "{{instance}} {{mode}}",
                    ),
                ),
            ),
            Panel(
                "Memory of workers' machines",
                "percentunit",
                (("1 - speaksep_host_memory_available_bytes / speaksep_host_memory_bytes", "{{instance}}"),),
            ),
            Panel("Memory of parts", "bytes", (('process_resident_memory_bytes{job=~"speaksep-.+"}', "{{job}}"),)),
            Panel("Processor of parts", "short", ((f"rate(process_cpu_seconds_total{RATE})", "{{job}}"),)),
            Panel(
                "Disk of the store",
                "bytes",
                (("max(speaksep_store_free_bytes)", "free"), ("max(speaksep_store_size_bytes)", "in all")),
            ),
            Panel("Audit trail: missing", "short", (("speaksep_audit_missed_entries", "{{job}}"),)),
            Panel("Versions", "short", (("count by (job, version) (speaksep_build_info)", "{{job}} {{version}}"),)),
            Panel(
                "Certificates: days left",
                "d",
                (("(speaksep_certificate_expiry_timestamp_seconds - time()) / 86400", "{{host}}"),),
            ),
            Panel(
                "Newest backup: its age",
                "s",
                (("time() - max(speaksep_backup_timestamp_seconds)", "age"),),
            ),
        ),
    ),
    "service": (
        "SpeakSep: service",
        (
            Panel("Requests", "reqps", ((f"sum by (job) (rate(speaksep_http_requests_total{RATE}))", "{{job}}"),)),
            Panel(
                "Refused and failed",
                "reqps",
                (
                    (
                        f'sum by (job, status) (rate(speaksep_http_requests_total{{status=~"[45].."}}{RATE}))',
                        "{{job}} {{status}}",
                    ),
                ),
            ),
            Panel("How long answers take", "s", _quantiles("speaksep_http_request_seconds", "job")),
            Panel(
                "Slowest addresses (mean)",
                "s",
                (
                    (
                        (
                            f"topk(8, sum by (job, method, route) (rate(speaksep_http_request_seconds_sum{RATE})) "
                            f"/ sum by (job, method, route) (rate(speaksep_http_request_seconds_count{RATE})))"
                        ),
                        "{{job}} {{method}} {{route}}",
                    ),
                ),
            ),
            Panel(
                "Refused, by reason",
                "reqps",
                ((f"sum by (reason) (rate(speaksep_refusals_total{RATE}))", "{{reason}}"),),
            ),
            Panel("Requests and streams under way", "short", (("speaksep_http_requests_open", "{{job}}"),)),
            Panel("Uploads", "binBps", ((f"sum(rate(speaksep_upload_bytes_total{RATE}))", "uploads"),)),
            Panel("What people do", "ops", ((f"sum by (event) (rate(speaksep_events_total{RATE}))", "{{event}}"),)),
            Panel("Redis", "short", (("speaksep_redis_up", "{{job}}"),)),
        ),
    ),
    "jobs": (
        "SpeakSep: jobs and GPUs",
        (
            Panel(
                "Jobs", "short", (('max by (state) (speaksep_jobs{state=~"queued|running|cancelling"})', "{{state}}"),)
            ),
            Panel("Longest wait in the queue", "s", (("max(speaksep_queue_oldest_seconds)", "longest"),)),
            Panel(
                "Jobs that ended, an hour",
                "short",
                (("sum by (outcome) (increase(speaksep_jobs_finished_total[1h]))", "{{outcome}}"),),
            ),
            Panel(
                "Workers",
                "short",
                (
                    ("sum(speaksep_workers)", "there"),
                    ("sum(speaksep_workers_busy)", "busy"),
                    ("max(speaksep_queue_due_jobs)", "due"),
                ),
            ),
            Panel("Wait until a job begins", "s", _quantiles("speaksep_job_wait_seconds", "notebook")),
            Panel("How long jobs run", "s", _quantiles("speaksep_job_run_seconds", "notebook")),
            Panel("Time over length of the recording", "short", _quantiles("speaksep_job_real_time_ratio", "notebook")),
            Panel("Start of kernels", "s", _quantiles("speaksep_kernel_start_seconds", "device")),
            Panel(
                "Kernels forked, an hour",
                "short",
                (
                    ("sum(increase(speaksep_kernels_forked_total[1h]))", "forked"),
                    ("sum(speaksep_fork_servers)", "fork servers"),
                ),
            ),
            Panel(
                "Workers that vanished, an hour", "short", (("sum(increase(speaksep_job_losses_total[1h]))", "lost"),)
            ),
            Panel(
                "GPU slots",
                "short",
                (("speaksep_gpu_slots", "{{gpu}} there"), ("speaksep_gpu_slots_held", "{{gpu}} held")),
            ),
            Panel(
                "Waiting for a GPU",
                "short",
                (
                    ("sum(speaksep_gpu_waiting)", "kernels"),
                    ("max(speaksep_gpu_longest_wait_seconds)", "longest, seconds"),
                ),
            ),
            Panel(
                "GPU memory that is free",
                "percentunit",
                (("speaksep_gpu_memory_free_bytes / speaksep_gpu_memory_bytes", "{{instance}} {{gpu}}"),),
            ),
            Panel("GPUs that take no more", "short", (("speaksep_gpu_refusing", "{{instance}} {{gpu}}"),)),
        ),
    ),
    "business": (
        "SpeakSep: what it is good for",
        (
            Panel("People who used it", "short", (("jupyterhub_active_users", "{{period}}"),)),
            Panel("Servers of people", "short", (("jupyterhub_running_servers", "running"),)),
            Panel(
                "Speakers separated, a day",
                "short",
                (("sum(increase(speaksep_speakers_separated_total[1d]))", "speakers"),),
            ),
            Panel(
                "Hours of recordings worked on, a day",
                "h",
                (("sum by (notebook) (increase(speaksep_recording_seconds_total[1d])) / 3600", "{{notebook}}"),),
            ),
            Panel(
                "Recordings sent, a day",
                "short",
                (("sum by (known) (increase(speaksep_uploads_total[1d]))", "known: {{known}}"),),
            ),
            Panel(
                "Jobs that succeeded, a day",
                "short",
                (
                    (
                        'sum by (notebook) (increase(speaksep_jobs_finished_total{outcome="succeeded"}[1d]))',
                        "{{notebook}}",
                    ),
                ),
            ),
            Panel(
                "Results used again",
                "percentunit",
                (
                    (
                        'sum(increase(speaksep_result_lookups_total{result="used-again"}[1d])) or vector(0)',
                        "used again",
                    ),
                    ("sum(increase(speaksep_result_lookups_total[1d]))", "in all"),
                ),
            ),
            Panel(
                "Hours of processor, a day",
                "h",
                (("sum by (notebook) (increase(speaksep_job_cpu_seconds_total[1d])) / 3600", "{{notebook}}"),),
            ),
        ),
    ),
}
"""By the name of the file: what it is called, and its panels."""


def board(name: str) -> dict[str, Any]:
    """A dashboard as Grafana reads it."""
    title, panels = BOARDS[name]
    return {
        "uid": f"speaksep-{name}",
        "title": title,
        "tags": ["speaksep"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def queries() -> Iterator[str]:
    """Everything that the dashboards ask."""
    for _, panels in BOARDS.values():
        for panel in panels:
            yield from (query for query, _ in panel.queries)


def names(expression: str) -> frozenset[str]:
    """Metrics that a query or a rule names.

    >>> sorted(names('sum(rate(speaksep_jobs_finished_total{outcome="up"}[5m])) / up'))
    ['speaksep_jobs_finished_total', 'up']
    """
    plain = re.sub(r'"[^"]*"', "", expression)
    return frozenset(re.findall(r"\b(?:speaksep_|jupyterhub_|process_)\w+|\bup\b", plain))


def write(folder: Path, chosen: Sequence[str] = tuple(BOARDS)) -> None:
    """Write them."""
    for name in chosen:
        (folder / f"{name}.json").write_text(json.dumps(board(name), indent=1) + "\n", encoding="utf-8")


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": {"x": WIDTH * (number % 2), "y": HEIGHT * (number // 2), "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": query, "legendFormat": legend}
            for place, (query, legend) in enumerate(panel.queries)
        ],
    }


if __name__ == "__main__":
    write(Path(sys.argv[1]))
