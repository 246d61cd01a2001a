"""What people ask of the service is in the trail, and their secrets are not."""

from __future__ import annotations

from pathlib import Path

from speaksep_hub.audit.events import name_of
from speaksep_hub.audit.verify import entries, verify
from tests.hub.service_process import ServiceProcess


def test_everything_that_somebody_does_is_in_the_trail(service_process: ServiceProcess, talk: Path) -> None:
    with service_process.client("bob") as bob:
        recording = bob.post("recordings", params={"name": "of bob.wav"}, content=talk.read_bytes()).json()["id"]
        assert bob.get(f"recordings/{recording}/audio").status_code == 200
        job = bob.post(f"recordings/{recording}/diagnosis").json()["id"]
        for verb in ("cancel", "retry", "cancel"):
            assert bob.post(f"jobs/{job}/{verb}").status_code == 200
        rows = [{"source": recording}, {"source": recording}]
        batch = bob.post("batches", json={"notebook": "diagnose", "rows": rows}).json()["id"]
        for verb in ("cancel", "retry", "cancel"):
            assert bob.post(f"batches/{batch}/{verb}").status_code == 200
        assert bob.get(f"batches/{batch}/results.csv").status_code == 200
        signed = bob.post("token").json()["access_token"]
        assert bob.get(service_process.url).status_code == 200
        assert bob.delete("token", headers={"Authorization": f"Bearer {signed}"}).status_code == 204
        assert bob.delete(f"recordings/{recording}").status_code == 204
    folder = service_process.folder / "audit"
    assert verify(folder).problems == ()
    found = [entry for entry in entries(folder) if entry["actor"] == "bob"]
    first = {name_of(str(entry["__schema__"])): entry for entry in reversed(found)}
    assert set(first) >= {
        "upload",
        "download",
        "job-submitted",
        "job-cancelled",
        "job-retried",
        "batch-submitted",
        "batch-cancelled",
        "batch-retried",
        "token-exchanged",
        "token-revoked",
        "view",
        "recording-removed",
    }
    assert {entry["service"] for entry in found} == {"speaksep"}
    assert all(entry["address"] == "127.0.0.1" for entry in found if "request_id" in entry)
    assert (first["upload"]["recording"], first["upload"]["bytes"]) == (recording, len(talk.read_bytes()))
    assert (first["job-submitted"]["job"], first["job-submitted"]["recording"]) == (job, recording)
    assert first["batch-submitted"]["jobs"] == 2
    text = (folder / "audit.jsonl").read_text()
    for secret in (service_process.tokens["bob"], signed, "Bearer"):
        assert secret not in text
