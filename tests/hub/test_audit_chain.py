"""The trail: many writers, crashes, full disks, and everything somebody could do to the file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from speaksep_hub.audit import chain as chain_module
from speaksep_hub.audit.chain import CURRENT, HEAD, Chain, Seal, closed_files, locked
from speaksep_hub.audit.verify import entries, verify
from speaksep_kernel.errors import InputError, StoreError

KILLS = int(os.environ.get("SPEAKSEP_KILLS", "8"))
WRITER = """
import sys
from pathlib import Path
from speaksep_hub.audit.chain import Chain
folder, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
chain = Chain(folder, file_bytes=20_000, keep_files=1000, sync=False)
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    chain.append({"writer": name, "number": number})
    print(number, flush=True)
"""


def chain(folder: Path, *, file_bytes: int = 1_000_000, keep_files: int = 100) -> Chain:
    return Chain(folder, file_bytes=file_bytes, keep_files=keep_files, sync=False)


def writer(folder: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(folder), name, str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A trail of sixteen entries in three files."""
    trail = chain(tmp_path / "audit", file_bytes=1000)
    for number in range(16):
        trail.append({"number": number})
    assert len(closed_files(trail.folder)) == 2
    return trail.folder


def test_processes_that_write_at_once_make_one_chain(tmp_path: Path) -> None:
    writers = [writer(tmp_path, name, 150) for name in "abcd"]
    for each in writers:
        go(each)
    for each in writers:
        each.communicate(timeout=60)
        assert each.returncode == 0
    report = verify(tmp_path)
    assert report.problems == ()
    assert (report.entries, report.head.seq) == (600, 600)
    assert report.files > 3
    for name in "abcd":
        assert [each["number"] for each in entries(tmp_path) if each["writer"] == name] == list(range(150))


def test_writers_that_are_killed_lose_nothing_that_they_had_written(tmp_path: Path) -> None:
    told: dict[str, int] = {}
    for round_number in range(KILLS):
        name = f"w{round_number}"
        process = writer(tmp_path, name, 100_000)
        go(process)
        time.sleep(0.05 + 0.02 * round_number)
        process.send_signal(signal.SIGKILL)
        said = process.communicate(timeout=60)[0].decode().split("\n")[:-1]
        told[name] = int([*said, "-1"][-2 if said else -1]) if said else -1
    chain(tmp_path).append({"writer": "last", "number": 0})
    assert verify(tmp_path).problems == ()
    found = [(each["writer"], each["number"]) for each in entries(tmp_path) if "writer" in each]
    for name, last in told.items():
        numbers = [number for who, number in found if who == name]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > last


def test_a_writer_that_stands_still_holds_nobody_up_for_ever(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_module, "PATIENCE_S", 0.1)
    with locked(written), pytest.raises(StoreError, match="another process has kept it"):
        chain(written).append({"number": 16})
    assert chain(written).append({"number": 16}).seq == 17
    assert verify(written).problems == ()


def test_half_a_line_is_cut_off_and_said(written: Path) -> None:
    with (written / CURRENT).open("ab") as file:
        file.write(b'{"seq":17,"prev"')
    chain(written).append({"number": 13})
    *_, note, last = entries(written)
    assert (note["__schema__"], note["bytes"]) == ("urn:speaksep:audit:audit-repaired", 16)
    assert last["number"] == 13
    assert verify(written).problems == ()


def test_an_entry_whose_writer_died_before_noting_it_counts(written: Path) -> None:
    head = (written / HEAD).read_bytes()
    chain(written).append({"number": 12})
    (written / HEAD).write_bytes(head)
    assert verify(written).problems == ()
    assert chain(written).append({"number": 13}).seq == 18
    assert verify(written).problems == ()


def test_the_folder_and_its_files_are_for_nobody_else(written: Path) -> None:
    assert written.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in written.iterdir()} == {0o600}


def test_old_files_are_removed_and_that_is_said(tmp_path: Path) -> None:
    trail = chain(tmp_path, file_bytes=1000, keep_files=2)
    for number in range(40):
        trail.append({"number": number})
    report = verify(tmp_path)
    assert report.problems == ()
    assert len(closed_files(tmp_path)) == 2
    assert report.first_seq > 1
    pruned = [each for each in entries(tmp_path) if each.get("__schema__") == "urn:speaksep:audit:audit-pruned"]
    assert pruned[-1]["until"] == report.first_seq - 1


def lines_of(folder: Path) -> list[bytes]:
    return (folder / CURRENT).read_bytes().splitlines(keepends=True)


def put(folder: Path, lines: list[bytes]) -> None:
    (folder / CURRENT).write_bytes(b"".join(lines))


def change(folder: Path) -> None:
    first, *rest = lines_of(folder)
    put(folder, [first.replace(b'"number":', b'"number":1'), *rest])


def forge(folder: Path) -> None:
    """Another entry with a right hash of its own, in place of one."""
    other = folder.parent / "other"
    forged = chain(other)
    for _ in range(len(lines_of(folder)) + 20):
        forged.append({"number": 99})
    seqs = [int(each["seq"]) for each in entries(folder)][-len(lines_of(folder)) :]
    lines = lines_of(folder)
    lines[0] = lines_of(other)[seqs[0] - 1]
    put(folder, lines)


def take_out(folder: Path) -> None:
    first, _, *rest = lines_of(folder)
    put(folder, [first, *rest])


def swap(folder: Path) -> None:
    first, second, *rest = lines_of(folder)
    put(folder, [second, first, *rest])


def cut(folder: Path) -> None:
    put(folder, lines_of(folder)[:-1])


def empty(folder: Path) -> None:
    put(folder, [])


def remove_a_file(folder: Path) -> None:
    closed_files(folder)[1].unlink()


def remove_the_oldest(folder: Path) -> None:
    closed_files(folder)[0].unlink()


def remove_the_head(folder: Path) -> None:
    (folder / HEAD).unlink()


def put_rubbish_between(folder: Path) -> None:
    first, *rest = lines_of(folder)
    put(folder, [first, b"hello\n", *rest])


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        pytest.param(change, "changed or damaged", id="changed"),
        pytest.param(forge, "was written after another entry", id="forged"),
        pytest.param(take_out, "follows entry", id="taken-out"),
        pytest.param(swap, "follows entry", id="swapped"),
        pytest.param(cut, "the last 1 entries are missing", id="cut"),
        pytest.param(empty, "entries are missing", id="emptied"),
        pytest.param(remove_a_file, "follows entry", id="file-removed"),
        pytest.param(remove_the_oldest, "are missing, and nothing says that they were removed", id="oldest-removed"),
        pytest.param(remove_the_head, "audit.head", id="head-removed"),
        pytest.param(put_rubbish_between, "changed or damaged", id="rubbish"),
    ],
)
def test_tampering_shows(written: Path, harm: Callable[[Path], None], word: str) -> None:
    assert verify(written).problems == ()
    harm(written)
    assert any(word in each.what for each in verify(written).problems), verify(written).problems


@pytest.mark.parametrize("harm", [cut, empty, change, take_out], ids=["cut", "emptied", "changed", "taken-out"])
def test_tampering_still_shows_when_writing_went_on(written: Path, harm: Callable[[Path], None]) -> None:
    harm(written)
    for number in range(5):
        chain(written).append({"number": number})
    assert verify(written).problems


def test_a_trail_made_anew_shows_against_a_noted_head(written: Path, tmp_path: Path) -> None:
    noted = verify(written).head
    again = chain(tmp_path / "again")
    for number in range(20):
        again.append({"number": number + 1})
    assert verify(written, noted).problems == ()
    assert verify(written, Seal(noted.seq, noted.hash[:8])).problems == ()
    assert verify(again.folder).problems == ()
    assert "was the last one once" in verify(again.folder, noted).problems[0].what


def test_where_there_is_no_trail_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no audit trail") as caught:
        verify(tmp_path / "nowhere")
    assert caught.value.reason == "no-audit-trail"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used") as caught:
        chain(tmp_path / "file" / "audit")
    assert caught.value.reason == "audit-failed"
