"""Requests made up from the OpenAPI document, good and bad: no server error, no answer that is not in it.

More: ``SCHEMATHESIS_EXAMPLES=100``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from speaksep_hub.client import Client
from tests.hub.service_process import ServiceProcess

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "1")
UNLIMITED = {
    f"SPEAKSEP_HUB__PROTECTION__{group}": "1000000/minute"
    for group in ("READ", "WRITE", "UPLOAD", "JOB", "STREAM", "TOKEN", "GUESS")
}
HOOKS = """
import schemathesis

@schemathesis.serializer("application/offset+octet-stream")
def piece(context, value):
    return {"data": value if isinstance(value, bytes) else str(value).encode()}
"""
KNOWN = """
[[operations]]
include-path-regex = "{path}"
exclude-method = "DELETE"
parameters = {{ {name} = {value} }}
"""
"""Ids of things that are there: else nearly every answer would be 404."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_made_up_requests_are_answered_as_documented(
    working_service: ServiceProcess, start_service: Callable[..., ServiceProcess], talk: Path, tmp_path: Path
) -> None:
    service = start_service(beside=working_service, **UNLIMITED)
    with Client(service.url, service.tokens["bob"]) as client:
        recording = client.recordings.upload(talk)
        client.recordings.diagnose(recording)
        job = client.jobs.wait(client.recordings.separate(recording, speakers=2))
        batch = client.batches.create("separate", [{"source": recording["id"], "speakers": 2}])
        share = client.shares.recording(job)
    known = [
        ("/recordings/{id}", "id", recording["id"]),
        ("/recordings/{recording}", "recording", recording["id"]),
        ("/jobs/{id}", "id", job["id"]),
        ("/batches/{id}", "id", batch["id"]),
        ("/shares/{id}", "id", share["id"]),
        ("/results/{job}", "job", job["id"]),
        ("/tracks/{label}", "label", "speaker_1"),
        ("/files/{name}", "name", "turns.rttm"),
        ("/notebooks/{name}", "name", "separate"),
    ]
    tables = [
        KNOWN.format(path=path.replace("{", "\\\\{"), name=name, value=json.dumps(value)) for path, name, value in known
    ]
    (tmp_path / "hooks.py").write_text(HOOKS)
    (tmp_path / "schemathesis.toml").write_text('hooks = "hooks.py"\n' + "".join(tables))
    words = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{service.url}openapi.json",
        f"--header=Authorization: Bearer {service.tokens['bob']}",
        f"--checks={CHECKS}",
        f"--max-examples={EXAMPLES}",
        "--seed=20261123",
        "--exclude-path-regex=/events",  # they do not end by themselves
    ]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
