"""What may be asked for, by whom, and what is said to everything else. Nobody works here: jobs only wait."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from tests.hub.service_process import ServiceProcess


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """A service that lets these tests ask as often as they like."""
    many = {"READ": "10000/minute", "JOB": "10000/minute", "WRITE": "10000/minute", "JOBS_PER_USER": "500"}
    limits = {f"SPEAKSEP_HUB__PROTECTION__{name}": value for name, value in many.items()}
    limits |= {"SPEAKSEP_HUB__SERVICE__TIME_LIMIT_S": "90", "SPEAKSEP_HUB__SERVICE__MEMORY_LIMIT_BYTES": "2GiB"}
    service = ServiceProcess(tmp_path_factory.mktemp("requests"), **limits).start()
    yield service
    service.stop()


@pytest.fixture
def ann(service: ServiceProcess) -> Iterator[httpx.Client]:
    with service.client("ann") as client:
        yield client


@pytest.fixture
def bob(service: ServiceProcess) -> Iterator[httpx.Client]:
    with service.client("bob") as client:
        yield client


@pytest.fixture
def table(service: ServiceProcess) -> Iterator[JobTable]:
    with JobTable.open(service.jobs) as table:
        yield table


@pytest.fixture
def recording(ann: httpx.Client, talk: Path) -> str:
    """Id of a recording of Ann's."""
    sent = ann.post("recordings", params={"name": "talk.wav"}, content=talk.read_bytes())
    found: str = sent.json()["id"]
    return found


def paged(client: httpx.Client, path: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
    """Every page of a list."""
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(path, params={**query, **({"cursor": cursor} if cursor else {})}).json()
        yield page["items"]
        cursor = page["next"]


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


# Once, however often it is sent


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("recordings/{recording}/separations", {"speakers": 2}),
        ("jobs", {"notebook": "diagnose", "parameters": {"source": "{recording}"}}),
        (
            "batches",
            {"notebook": "separate", "rows": [{"source": "{recording}"}, {"source": "{recording}", "speakers": 2}]},
        ),
        ("voices", {"name": "Anna", "consent": True, "recording": "{recording}"}),
    ],
    ids=["separation", "job", "batch", "voice"],
)
def test_a_key_makes_it_once(ann: httpx.Client, recording: str, path: str, body: Any) -> None:
    path, body = path.format(recording=recording), filled(body, recording)
    again = key()
    first, second = (ann.post(path, json=body, headers=again) for _ in range(2))
    other = ann.post(path, json=body, headers=key())
    assert (first.status_code, second.status_code, other.status_code) == (202, 202, 202)
    assert first.json()["id"] == second.json()["id"] != other.json()["id"]
    assert first.headers["location"].endswith(first.json()["id"])


@pytest.mark.parametrize(
    ("path", "bodies"),
    [
        ("recordings/{recording}/separations", [{"speakers": 2}, {"speakers": 3}]),
        ("batches", [{"rows": [{"source": "{recording}"}]}, {"rows": [{"source": "{recording}"}] * 2}]),
        ("batches", [{"rows": [{"source": "{recording}"}]}, {"rows": [{"source": "{recording}", "speakers": 2}]}]),
    ],
    ids=["separation", "longer batch", "other batch"],
)
def test_a_key_of_something_else_is_a_conflict_that_tells_no_paths(
    service: ServiceProcess, ann: httpx.Client, recording: str, path: str, bodies: list[Any]
) -> None:
    again, path = key(), path.format(recording=recording)
    first, second = (ann.post(path, json=filled(body, recording), headers=again) for body in bodies)
    assert (first.status_code, second.status_code) == (202, 409)
    assert second.json()["reason"] == "key-conflict"
    assert str(service.folder) not in second.text


def test_two_people_may_have_the_same_key(ann: httpx.Client, bob: httpx.Client, talk: Path, recording: str) -> None:
    again = key()
    his = bob.post("recordings", content=talk.read_bytes()).json()["id"]
    first = ann.post(f"recordings/{recording}/separations", headers=again)
    second = bob.post(f"recordings/{his}/separations", headers=again)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] != second.json()["id"]


def test_a_diagnosis_is_asked_for_once(ann: httpx.Client, table: JobTable, recording: str) -> None:
    first, second = (ann.post(f"recordings/{recording}/diagnosis") for _ in range(2))
    other = ann.post(f"recordings/{recording}/diagnosis", json={"speakers": 3})
    assert first.json()["id"] == second.json()["id"] != other.json()["id"]
    table.cancel(first.json()["id"])
    assert ann.post(f"recordings/{recording}/diagnosis").json() == {
        **first.json(),
        "state": "queued",
        "id": first.json()["id"],
    }


def test_jobs_have_the_limits_of_the_settings(ann: httpx.Client, table: JobTable, recording: str) -> None:
    job = table.get(ann.post(f"recordings/{recording}/separations", json={"device": "cuda"}).json()["id"])
    assert (job.time_limit_s, job.memory_limit_bytes, job.device) == (90, 2 << 30, "gpu")


# What is refused


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("GET", "jobs/0000000000000000", None, 404, "unknown-job"),
        ("GET", "jobs/..%2f..%2fetc", None, 404, "not-found"),
        ("GET", "jobs?state=asleep", None, 422, "bad-request"),
        ("GET", "jobs?cursor=nonsense", None, 400, "bad-cursor"),
        ("GET", "jobs?limit=0", None, 422, "bad-request"),
        ("POST", "jobs", {"notebook": "no-such"}, 404, "unknown-notebook"),
        ("POST", "jobs", {"notebook": "summary", "parameters": {"results": "/etc/passwd"}}, 404, "unknown-notebook"),
        ("POST", "jobs", {"notebook": "edit", "parameters": {"result": "/etc"}}, 404, "unknown-notebook"),
        ("POST", "jobs", {"notebook": "../separate"}, 404, "unknown-notebook"),
        ("POST", "jobs", {"notebook": "separate"}, 400, "missing-parameter"),
        ("POST", "jobs", {"notebook": "separate", "parameters": {"source": "/etc/passwd"}}, 404, "unknown-recording"),
        (
            "POST",
            "jobs",
            {"notebook": "separate", "parameters": {"source": "http://127.0.0.1/"}},
            404,
            "unknown-recording",
        ),
        ("POST", "jobs", {"notebook": "separate", "parameters": {"source": 7}}, 400, "bad-parameter"),
        (
            "POST",
            "jobs",
            {"notebook": "separate", "parameters": {"source": "{r}", "speakers": "many"}},
            400,
            "bad-parameter",
        ),
        (
            "POST",
            "jobs",
            {"notebook": "separate", "parameters": {"source": "{r}", "directory": "/tmp/x"}},
            400,
            "unknown-parameter",
        ),
        (
            "POST",
            "jobs",
            {"notebook": "separate", "parameters": {"source": "{r}", "book": "/tmp/b"}},
            400,
            "unknown-parameter",
        ),
        ("POST", "jobs", {"notebook": "separate", "parameters": {"source": "{r}"}, "priority": 9}, 422, "bad-request"),
        ("POST", "recordings/{r}/separations", {"speakers": 99}, 422, "bad-request"),
        ("POST", "recordings/{r}/separations", {"format": "exe"}, 422, "bad-request"),
        ("POST", "recordings/{r}/separations", {"known": ["Zoe"]}, 404, "unknown-voice"),
        ("POST", "recordings/{r}/separations", {"separator_options": {"path": "/x"}}, 422, "bad-request"),
        ("POST", "recordings/nope/separations", {}, 404, "unknown-recording"),
        ("POST", "recordings/nope/diagnosis", {}, 404, "unknown-recording"),
        ("POST", "recordings/{r}/plan", {}, 404, "unknown-diagnosis"),
        ("GET", "recordings/{r}/diagnosis", None, 404, "unknown-diagnosis"),
        ("POST", "batches", {"rows": []}, 422, "bad-request"),
        ("POST", "batches", {"rows": [{"source": "{r}"}, {"source": "nope"}, {}]}, 400, "broken-rows"),
        ("POST", "batches", {"notebook": "diagnose-folder", "rows": [{"folder": "/etc"}]}, 404, "unknown-notebook"),
        ("GET", "batches/b0", None, 404, "unknown-batch"),
        ("POST", "batches/result%2f0/cancel", None, 404, "not-found"),
        ("GET", "batches/b0/results.csv", None, 404, "unknown-batch"),
        ("GET", "results/0000000000000000", None, 404, "unknown-job"),
        ("POST", "results/0000000000000000/edits", {"op": "undo"}, 400, "bad-edit"),
        ("POST", "voices", {"name": "Anna", "recording": "{r}"}, 400, "no-consent"),
        ("POST", "voices", {"name": "Anna", "consent": True}, 400, "no-samples"),
        ("POST", "voices", {"name": "An\nna", "consent": True, "recording": "{r}"}, 400, "bad-name"),
        ("POST", "voices", {"name": "Anna", "consent": True, "recording": "nope"}, 404, "unknown-recording"),
        ("PATCH", "voices/Nobody", {"name": "Anna"}, 404, "unknown-voice"),
        ("DELETE", "voices/Nobody", None, 404, "unknown-voice"),
        ("GET", "notebooks/edit", None, 404, "unknown-notebook"),
    ],
)
def test_what_does_not_fit_is_named(
    ann: httpx.Client, recording: str, method: str, path: str, body: Any, status: int, reason: str
) -> None:
    answer = ann.request(method, path.format(r=recording), json=filled(body, recording))
    told = answer.json()
    assert (answer.status_code, told["ok"], told["reason"]) == (status, False, reason), told
    assert "/tmp" not in answer.text.replace("/tmp/x", "").replace("/tmp/b", "")
    assert told["error"]
    assert told["hint"]


def filled(value: Any, recording: str) -> Any:
    """A body with the recording's id where it belongs."""
    kinds: dict[type, Any] = {
        dict: lambda: {name: filled(each, recording) for name, each in value.items()},
        list: lambda: [filled(each, recording) for each in value],
        str: lambda: value.replace("{recording}", recording).replace("{r}", recording),
    }
    return kinds.get(type(value), lambda: value)()


@pytest.mark.parametrize("word", ["", "a b", "x" * 201, "ü"], ids=["empty", "blank", "long", "umlaut"])
def test_a_bad_key_is_refused(ann: httpx.Client, recording: str, word: str) -> None:
    headers = {b"Idempotency-Key": word.encode()}
    assert ann.post(f"recordings/{recording}/separations", headers=headers).status_code == 422


def test_all_broken_rows_are_named_and_nothing_is_queued(ann: httpx.Client, recording: str) -> None:
    before = [job["id"] for job in ann.get("jobs").json()["items"]]
    rows = [{"source": recording}, {"source": "nope"}, {"source": recording, "sources": 1}, {}]
    told = ann.post("batches", json={"rows": rows}).json()
    assert [row.split(":")[0] for row in told["rows"]] == ["row 2", "row 3", "row 4"]
    assert [job["id"] for job in ann.get("jobs").json()["items"]] == before


# Whose it is


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "jobs/{job}"),
        ("POST", "jobs/{job}/cancel"),
        ("POST", "jobs/{job}/retry"),
        ("GET", "jobs/{job}/events"),
        ("GET", "jobs/{job}/report"),
        ("GET", "results/{job}"),
        ("GET", "results/{job}/files"),
        ("GET", "results/{job}/files/turns.rttm"),
        ("GET", "results/{job}/tracks/speaker_1"),
        ("GET", "results/{job}/exports/csv"),
        ("GET", "results/{job}/edits"),
        ("POST", "results/{job}/edits/undo"),
        ("POST", "results/{job}/identify"),
        ("GET", "batches/{batch}"),
        ("POST", "batches/{batch}/cancel"),
        ("POST", "batches/{batch}/retry"),
        ("GET", "batches/{batch}/results.csv"),
        ("POST", "recordings/{recording}/diagnosis"),
        ("GET", "recordings/{recording}/diagnosis"),
        ("POST", "recordings/{recording}/plan"),
        ("POST", "recordings/{recording}/separations"),
    ],
)
def test_somebody_elses_is_as_if_it_were_not_there(
    service: ServiceProcess, ann: httpx.Client, bob: httpx.Client, recording: str, method: str, path: str
) -> None:
    again = {"Idempotency-Key": "theirs"}
    batch = ann.post("batches", json={"rows": [{"source": recording}]}, headers=again).json()["id"]
    job = ann.get("jobs", params={"batch": batch}).json()["items"][0]["id"]
    answer = bob.request(method, path.format(job=job, batch=batch, recording=recording))
    nothing = bob.request(method, path.format(job="0" * 16, batch="b0", recording="0" * 16))
    assert answer.status_code == nothing.status_code == 404
    assert answer.json()["reason"] == nothing.json()["reason"]
    assert ann.get(f"jobs/{job}").json()["state"] == "queued"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "jobs"),
        ("POST", "jobs"),
        ("GET", "events"),
        ("GET", "batches"),
        ("POST", "batches"),
        ("GET", "results/0000000000000000"),
        ("GET", "voices"),
        ("POST", "recordings/0000000000000000/diagnosis"),
        ("GET", "notebooks"),
    ],
)
@pytest.mark.parametrize(("name", "status"), [(None, 401), ("vera", 403)], ids=["nobody", "viewer"])
def test_scopes_are_needed(service: ServiceProcess, method: str, path: str, name: str | None, status: int) -> None:
    with service.client(name) as client:
        body = {"jobs": {"notebook": "separate"}, "batches": {"rows": [{}]}}.get(path)
        answer = client.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.json()["ok"] is False


def test_a_batch_program_has_no_voices(service: ServiceProcess) -> None:
    with service.client("bat") as bat:
        assert bat.get("voices").status_code == 403
        assert bat.get("jobs").status_code == 200


def test_jobs_of_mine_that_were_not_made_here_are_told_without_their_parameters(
    ann: httpx.Client, table: JobTable
) -> None:
    job = table.submit(JobRequest(notebook="separate", parameters={"source": "/home/ann/talk.wav"}, owner="ann"))
    told = ann.get(f"jobs/{job.id}").json()
    assert (told["kind"], told["parameters"], told["recording"]) == ("job", {}, None)


# Lists


def test_pages_hold_every_job_once(ann: httpx.Client, recording: str) -> None:
    rows = [{"source": recording, "speakers": n} for n in range(1, 8)]
    batch = ann.post("batches", json={"rows": rows, "name": "seven"}).json()
    assert (batch["name"], batch["counts"]["queued"], batch["finished"]) == ("seven", 7, False)
    pages = list(paged(ann, "jobs", batch=batch["id"], limit=3))
    assert [len(page) for page in pages] == [3, 3, 1]
    found = [job["parameters"]["speakers"] for page in pages for job in page]
    assert found == [7, 6, 5, 4, 3, 2, 1]
    stopped = ann.post(f"batches/{batch['id']}/cancel").json()
    assert (stopped["counts"]["cancelled"], stopped["finished"]) == (7, True)
    assert [job["state"] for job in ann.get("jobs", params={"batch": batch["id"]}).json()["items"]] == ["cancelled"] * 7
    assert ann.post(f"batches/{batch['id']}/retry").json()["counts"]["queued"] == 7
    ann.post(f"batches/{batch['id']}/cancel")


def test_batches_come_by_the_page_newest_first(service: ServiceProcess, talk: Path) -> None:
    with service.client("bat") as bat:
        recording = bat.post("recordings", content=talk.read_bytes()).json()["id"]
        made = [bat.post("batches", json={"rows": [{"source": recording}]}).json()["id"] for _ in range(3)]
        bat.post(f"recordings/{recording}/diagnosis")  # belongs to something, and is no batch
        first = bat.get("batches", params={"limit": 2}).json()
        second = bat.get("batches", params={"limit": 2, "cursor": first["next"]}).json()
    assert [batch["id"] for batch in (*first["items"], *second["items"])] == made[::-1]
    assert second["next"] is None


def test_states_narrow_it_down(ann: httpx.Client, recording: str) -> None:
    job = ann.post(f"recordings/{recording}/separations").json()["id"]
    assert ann.post(f"jobs/{job}/cancel").json()["state"] == "cancelled"
    assert ann.post(f"jobs/{job}/cancel").json()["state"] == "cancelled"
    found = ann.get("jobs", params={"state": ["cancelled", "failed"], "limit": 200}).json()["items"]
    assert job in [each["id"] for each in found]
    assert {each["state"] for each in found} <= {"cancelled", "failed"}
    assert ann.get(f"results/{job}").json()["reason"] == "not-finished"
    assert ann.get(f"jobs/{job}/report").json()["reason"] == "unknown-file"


def test_notebooks_say_what_they_take(ann: httpx.Client) -> None:
    assert [each["name"] for each in ann.get("notebooks").json()["items"]] == ["diagnose", "separate"]
    told = ann.get("notebooks/separate").json()
    schema = told["parameters"]
    assert told["recordings"] == ["source"]
    assert schema["required"] == ["source"]
    assert schema["properties"]["speakers"] == {
        "title": "Speakers",
        "type": "integer",
        "default": 0,
        "description": "How many people speak, 1 to 20. 0: find out",
    }
    assert not {"book", "directory"} & set(schema["properties"])


def test_errors_tell_nothing_of_the_machine(
    ann: httpx.Client, table: JobTable, recording: str, service: ServiceProcess
) -> None:
    job = ann.post("batches", json={"rows": [{"source": recording}]}).json()["id"]
    claimed = table.claim("a test", lease_s=60, batch=job)
    assert claimed is not None
    place = claimed.parameters["source"]
    table.report(claimed.id, claimed.attempt, message=f"reads {place}")
    running = ann.get(f"jobs/{claimed.id}").json()
    table.fail(claimed.id, claimed.attempt, {"error": f"{place}: cut off", "reason": "x", "hint": ""}, again=False)
    failed = ann.get(f"jobs/{claimed.id}").json()
    assert (running["message"], failed["error"]["error"]) == ("reads talk.wav", "talk.wav: cut off")
    assert str(service.folder) not in ann.get(f"batches/{job}/results.csv").text
