"""What is written into the trail: the events there are, with the fields they have, and nothing else."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import threading
from pathlib import Path

import jsonschema
import pytest

from speaksep_hub.audit.events import COMMON, EVENTS, KEPT_BY_THE_CHAIN
from speaksep_hub.audit.floods import MOST, MOST_ORIGINS, WINDOW_S, Floods
from speaksep_hub.audit.log import LONGEST_TEXT, AuditLog
from speaksep_hub.audit.verify import entries, verify

DOCS = Path(__file__).parents[2] / "docs" / "protection.md"
EXAMPLES = {"text": "something", "number": 1.5, "integer": 3, "flag": True, "list": ["a", "b"]}
FULL_DISK = """
import resource, sys
from pathlib import Path
from speaksep_hub.audit.log import AuditLog
audit = AuditLog.open(Path(sys.argv[1]), service="test", sync=False)
audit.record("sign-out", actor="ann")
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (500, unlimited[1]))
for _ in range(3):
    audit.record("sign-out", actor="bob")
print(audit.missed)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
audit.record("sign-out", actor="cid")
print(audit.missed)
"""


@pytest.fixture
def audit(tmp_path: Path) -> AuditLog:
    return AuditLog.open(tmp_path / "audit", service="test", sync=False)


def written(audit: AuditLog) -> list[dict[str, object]]:
    assert audit.folder is not None
    assert verify(audit.folder).problems == ()
    return list(entries(audit.folder))


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS.keys())
def test_every_event_is_written_with_all_its_fields(audit: AuditLog, event: object) -> None:
    kind = EVENTS[str(event.name)]  # type: ignore[attr-defined]
    fields = {name: EXAMPLES[each] for name, each in {**kind.required, **kind.optional}.items()}
    audit.record(kind.name, actor="ann", request_id="r1", address="::1", **fields)
    (entry,) = written(audit)
    assert entry["__schema__"] == kind.schema_id
    expected = {"actor": "ann", "service": "test", "request_id": "r1", "address": "::1", **fields}
    assert {name: entry[name] for name in expected} == expected
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", str(entry["__timestamp__"]))


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS.keys())
def test_every_event_and_field_is_documented(event: object) -> None:
    kind = EVENTS[str(event.name)]  # type: ignore[attr-defined]
    table = DOCS.read_text().partition("| event | what happened |")[2]
    row = next(line for line in table.splitlines() if line.startswith(f"| `{kind.name}` |"))
    for name in (*kind.required, *kind.optional):
        assert f"`{name}`" in row
    assert kind.summary.rstrip(".") in row


def test_what_the_trail_writes_itself_and_the_fields_of_all_are_documented() -> None:
    text = DOCS.read_text()
    assert [name for name in (*KEPT_BY_THE_CHAIN, *COMMON, "server") if f"`{name}`" not in text] == []


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"recording": "r1"}, jsonschema.ValidationError),
        ({"recording": "r1", "bytes": "many"}, jsonschema.ValidationError),
        ({"recording": "r1", "bytes": 1, "colour": "red"}, jsonschema.ValidationError),
    ],
    ids=["missing", "wrong-type", "unknown-field"],
)
def test_a_wrong_event_is_a_fault_and_is_not_written(
    audit: AuditLog, fields: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        audit.record("upload", actor="ann", **fields)
    with pytest.raises(KeyError):
        audit.record("party", actor="ann")
    audit.record("sign-out", actor="ann")
    assert len(written(audit)) == 1


def test_what_people_type_cannot_make_entries_or_fill_the_disk(audit: AuditLog) -> None:
    name = 'x"}\n{"seq":1,"\x1b[2J\u2028\udc80' + "y" * 10_000
    audit.record("upload", actor="ann\nroot", recording="r1", bytes=1, name=name)
    (entry,) = written(audit)
    assert entry["actor"] == "ann\nroot"
    assert entry["name"] == name[:LONGEST_TEXT]
    assert audit.folder is not None
    assert len((audit.folder / "audit.jsonl").read_bytes().splitlines()) == 1


def test_threads_may_write_at_once(audit: AuditLog) -> None:
    def write(name: str) -> None:
        for number in range(25):
            audit.record("job-submitted", actor=name, job=str(number), notebook="separate")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = written(audit)
    for name in "abcd":
        assert [each["job"] for each in found if each["actor"] == name] == [str(number) for number in range(25)]


def test_a_full_disk_stops_nothing_and_the_gap_is_told_later(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["3", "0"]
    assert done.stderr.count("cannot be used") == 3
    assert verify(tmp_path).problems == ()
    assert [(each["actor"], each.get("missed")) for each in entries(tmp_path)] == [
        ("ann", None),
        ("", 3),
        ("cid", None),
    ]


def test_a_flood_of_refusals_is_counted_and_everything_else_is_written(audit: AuditLog) -> None:
    for _ in range(MOST + 40):
        audit.record("refusal", actor="", address="1.2.3.4", path="/api/v1/jobs", status=401)
    audit.record("refusal", actor="", address="5.6.7.8", path="/api/v1/jobs", status=401)
    audit.record("sign-out", actor="ann", address="1.2.3.4")
    found = written(audit)
    assert [each.get("address") for each in found[MOST:]] == ["5.6.7.8", "1.2.3.4"]
    assert len(found) == MOST + 2


def test_what_was_too_many_is_told_once_the_window_is_over() -> None:
    floods = Floods()
    assert [floods.count("a", 0.0) for _ in range(MOST + 5)] == [0] * MOST + [None] * 5
    assert floods.count("b", 1.0) == 0
    assert floods.count("a", WINDOW_S) == 5
    assert floods.count("a", WINDOW_S + 1) == 0


def test_many_origins_take_bounded_memory() -> None:
    floods = Floods()
    told = [floods.count(str(number), 0.0) for number in range(MOST_ORIGINS + 500)]
    assert len(floods._origins) <= MOST_ORIGINS + 1
    assert told.count(None) == 500 - MOST


def test_nowhere_keeps_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    nowhere = AuditLog.nowhere()
    nowhere.record("sign-out", actor="ann")
    assert (nowhere.folder, nowhere.missed, caplog.records) == (None, 0, [])


def test_an_entry_is_plain_json_that_others_can_check(audit: AuditLog) -> None:
    audit.record("download", actor="ann", what="track", id="17", format="flac")
    assert audit.folder is not None
    line = (audit.folder / "audit.jsonl").read_text()
    assert json.loads(line)["seq"] == 1
    script = 'import sys,re,hashlib; l=sys.stdin.buffer.read(); m=re.search(rb\',"hash":"(.{64})"}\\n$\', l); '
    script += "print(hashlib.sha256(l[:m.start()]+b'}').hexdigest()==m[1].decode())"
    done = subprocess.run([sys.executable, "-c", script], input=line.encode(), capture_output=True, check=True)
    assert done.stdout.strip() == b"True"
