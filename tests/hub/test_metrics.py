"""``/metrics`` of a running service: who may read it, what it counts, and that it names nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from speaksep_hub.metrics.access import key_of, opens
from speaksep_hub.metrics.names import METRICS, Metric, exported
from speaksep_hub.metrics.registry import Metrics
from speaksep_hub.tables import with_tables
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.service_process import PEOPLE, ServiceProcess

TOKEN = "5f" * 32
UNITS = ("_total", "_seconds", "_bytes", "_ratio", "_info", "_jobs", "_entries")
COUNTED = (
    "_open",
    "_ready",
    "_up",
    "_jobs",
    "_servers",
    "_workers",
    "_busy",
    "_trouble",
    "_slots",
    "_held",
    "_refusing",
    "_usable",
    "_waiting",
)
PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def told(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Values by name of the series and values of its labels."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        found.setdefault(family.name, {})
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def asked(service: ServiceProcess, name: str | None = "ada") -> httpx.Response:
    """Metrics, as somebody gets them."""
    signed = {"Authorization": f"Bearer {service.tokens[name]}"} if name else {}
    return httpx.get(f"{service.url}metrics", headers=signed, timeout=60)


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        pytest.param(None, 401, "no-token", id="nobody"),
        pytest.param("ann", 403, "missing-scope", id="researcher"),
        pytest.param("vera", 403, "missing-scope", id="viewer"),
        pytest.param("bat", 403, "missing-scope", id="batch"),
    ],
)
def test_only_who_has_the_scope_reads_them(
    service_process: ServiceProcess, name: str | None, status: int, reason: str
) -> None:
    answer = asked(service_process, name)
    assert answer.status_code == status
    assert answer.json()["reason"] == reason


def test_an_administrator_reads_all_that_a_service_exports(service_process: ServiceProcess) -> None:
    answer = asked(service_process)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = told(answer.text)
    # Counters appear with their first count; what is looked at, and what every process has, is there at once.
    at_once = {metric.name for metric in exported("service")} | {"speaksep_build_info", "process_cpu_seconds_total"}
    assert at_once <= set(found)
    assert set(found["speaksep_jobs"]) == {
        ("queued",), ("running",), ("cancelling",), ("succeeded",), ("failed",), ("cancelled",)
    }  # fmt: skip
    assert found["speaksep_ready"] == {("identity",): 1, ("jobs",): 1, ("store",): 1, ("process",): 1}
    assert 0 < found["speaksep_store_free_bytes"][()] < found["speaksep_store_size_bytes"][()]


def test_requests_are_counted_by_route_and_never_by_what_was_typed(service_process: ServiceProcess) -> None:
    route = ("GET", "/recordings/{id}", "404")
    before = told(asked(service_process).text)["speaksep_http_requests_total"].get(route, 0)
    with service_process.client() as ann:
        for _ in range(3):
            assert ann.get("recordings/0123456789abcdef").status_code == 404
    assert httpx.get(f"{service_process.url}etc/passwd-of-ann").status_code == 404
    answer = asked(service_process)
    after = told(answer.text)
    assert after["speaksep_http_requests_total"][route] == before + 3
    assert after["speaksep_http_request_seconds_count"][route[:2]] >= 3
    assert after["speaksep_refusals_total"]["unknown-recording",] >= 3
    assert after["speaksep_refusals_total"]["disk-full",] == 0
    assert after["speaksep_http_requests_total"][("GET", "(none)", "404")] >= 1
    assert after["speaksep_http_requests_open"] == {(): 1}  # the one that asks
    for secret in ("0123456789abcdef", "passwd-of-ann", *(service_process.tokens[name] for name in PEOPLE)):
        assert secret not in answer.text


def test_what_comes_in_is_counted(service_process: ServiceProcess, talk: Path) -> None:
    before = told(asked(service_process).text)
    with service_process.client("bob") as bob:
        for _ in range(2):
            assert bob.post("recordings", files={"file": ("bobs-talk.wav", talk.read_bytes())}).status_code < 300
    answer = asked(service_process)
    after = told(answer.text)
    more = {
        name: sum(after[name].values()) - sum(before.get(name, {}).values())
        for name in ("speaksep_uploads_total", "speaksep_upload_bytes_total")
    }
    assert more == {"speaksep_uploads_total": 2, "speaksep_upload_bytes_total": 2 * talk.stat().st_size}
    assert after["speaksep_uploads_total"][("true",)] >= 1
    assert after["speaksep_events_total"][("upload",)] >= 2
    assert "bobs-talk" not in answer.text
    assert "bob" not in answer.text.replace("bobs", "")


def test_what_waits_is_seen(start_service: Callable[..., ServiceProcess]) -> None:
    service = start_service(SPEAKSEP_HUB__SECRETS__METRICS=TOKEN)
    with JobTable.open(service.jobs) as table:
        table.submit(JobRequest(notebook="separate", parameters={"source": "a.wav"}, output="a", owner="ann"))
    # The platform's own token opens them, however the hub or the token file does.
    answer = httpx.get(f"{service.url}metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
    found = told(answer.text)
    assert found["speaksep_jobs"][("queued",)] == found["speaksep_queue_due_jobs"][()] == 1
    assert 0 <= found["speaksep_queue_oldest_seconds"][()] < 60
    wrong = httpx.get(f"{service.url}metrics", headers={"Authorization": f"Bearer {TOKEN[:-1]}e"}, timeout=60)
    assert wrong.status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ü"])
def test_nothing_else_opens_them(header: str) -> None:
    assert opens(f"bearer {TOKEN}", key_of(TOKEN))
    assert not opens(header, key_of(TOKEN))
    assert not opens(f"Bearer {TOKEN}", "")


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_name_says_what_it_counts(metric: Metric) -> None:
    assert metric.name.startswith("speaksep_")
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert (metric.kind == "histogram") == bool(metric.buckets)
    assert metric.name.endswith(UNITS + COUNTED)
    assert not {"user", "owner", "job", "path", "name"} & set(metric.labels)


def test_what_is_not_declared_cannot_be_counted() -> None:
    metrics = Metrics("web")
    with pytest.raises(KeyError):
        metrics.add("speaksep_nothing_total")
    with pytest.raises(KeyError, match="not of web"):
        metrics.add("speaksep_jobs_finished_total", 1, "separate", "succeeded")
    with pytest.raises(TypeError, match="counter"):
        metrics.observe("speaksep_upload_bytes_total", 1)


def test_the_table_of_the_documentation_is_that_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("<!-- table: metrics -->") == 1
    assert with_tables(text) == text, "python -m speaksep_hub.tables docs/metrics.md"
