"""What people ask of the service is in the trail, and their secrets are not."""

from __future__ import annotations

import asyncio
from itertools import islice
from pathlib import Path

from speaksep_hub.audit.events import name_of
from speaksep_hub.audit.verify import entries, verify
from speaksep_hub.service.intake.tidying import keep_tidy
from speaksep_hub.service.place import Place
from speaksep_hub.service.platform import open_platform
from speaksep_hub.settings import Settings
from tests.hub.service_process import ServiceProcess


def test_everything_that_somebody_does_is_in_the_trail(service_process: ServiceProcess, talk: Path) -> None:
    with service_process.client("bob") as bob:
        assert bob.get(service_process.url).status_code == 200  # so that there is a trail
        before = sum(1 for _ in entries(service_process.folder / "audit"))  # what other tests did
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
    found = [entry for entry in islice(entries(folder), before, None) if entry["actor"] == "bob"]
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


def test_what_retention_removes_is_in_the_trail(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"hub": {"folder": tmp_path}, "service": {"jobs": str(tmp_path / "jobs.sqlite3")}}
    )

    async def run() -> None:
        platform = open_platform(settings, Place())
        platform.catalogue.uploads.begin("ann", "talk.wav", 1000, keep_s=-1)
        task = asyncio.create_task(keep_tidy(platform))
        while not (tmp_path / "audit" / "audit.jsonl").exists():
            await asyncio.sleep(0.02)
        platform.leaving.set()
        await task
        await platform.close()

    asyncio.run(run())
    (entry,) = entries(tmp_path / "audit")
    assert (entry["__schema__"], entry["uploads"]) == ("urn:speaksep:audit:retention", 1)
