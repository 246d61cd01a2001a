"""Backups under everything that goes wrong: changes meanwhile, kills, full disks, damage, wrong keys."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from speaksep_hub.backup.create import _Making
from speaksep_hub.backup.named import Named
from speaksep_hub.backup.prune import prune
from speaksep_hub.backup.sealing import CHUNK_BYTES, Seals, sealed_bytes
from speaksep_hub.backup.vault import Vault
from speaksep_hub.backup.verify import verify
from speaksep_kernel.cli import main
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.jobs.states import State
from speaksep_kernel.store import keys
from tests.hub.backup_scene import KEY, Scene

BACKUPS = int(os.environ.get("SPEAKSEP_BACKUPS", "4"))
"""Made while everything changes."""
KILLS = int(os.environ.get("SPEAKSEP_KILLS", "2"))
LIMITED = """
import resource, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from speaksep_kernel.cli import main
sys.exit(main())
"""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """One recording and one result."""
    scene = Scene.new(tmp_path / "hub", tmp_path / "backups")
    scene.add_person("ada")
    source = scene.add_recording("ada", b"RIFF" + bytes(100_000))
    scene.add_result("ada", source, {"manifest.json": b"{}", "speaker_1.flac": bytes(range(256)) * 100})
    return scene


def stored(scene: Scene) -> list[Path]:
    """The files in the place of the backups."""
    return sorted(path for path in Path(scene.at, "blobs").rglob("*") if path.is_file())


def whole(scene: Scene) -> list[str]:
    return [each.id for each in scene.vault.summaries()]


def speaksep(scene: Scene, *words: str, limit_bytes: int = -1) -> subprocess.CompletedProcess[str]:
    """The command on a scene, in a process of its own that may write files of so many bytes."""
    command = [sys.executable, "-c", LIMITED, str(limit_bytes), "backup", *words, "--at", scene.at, "--json"]
    environment = os.environ | {"SPEAKSEP_HUB__HUB__FOLDER": str(scene.folder)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_second_backup_holds_what_is_new_and_nothing_else(scene: Scene) -> None:
    first = scene.back_up()
    scene.add_recording("ada", b"RIFF" + bytes(50_000))
    second = scene.back_up()
    assert first.new_bytes == first.bytes
    assert 50_000 < second.new_bytes < 55_000
    assert second.bytes - first.bytes > 50_000


def test_bytes_that_two_people_sent_and_results_that_are_alike_are_there_once(scene: Scene) -> None:
    before = scene.back_up()
    source = scene.add_recording("bob", b"RIFF" + bytes(100_000), "mine.wav")
    scene.add_result("bob", source, {"manifest.json": b"{}", "speaker_1.flac": bytes(range(256)) * 100})
    after = scene.back_up()
    assert after.rows["jobs"]["recordings"] == 2
    assert (before.new_files, after.new_files) == (6, 1)  # the job table
    assert after.new_bytes < 10_000


def test_every_backup_holds_what_its_databases_name_while_all_of_it_changes(scene: Scene) -> None:
    ended, seed = threading.Event(), random.Random(4)
    threads = [threading.Thread(target=work, args=(scene, ended, seed)) for work in (_come, _go)]
    for thread in threads:
        thread.start()
    try:
        made = [scene.back_up() for _ in range(BACKUPS)]
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert len({each.rows["jobs"]["jobs"] for each in made}) > 1
    assert [each.lost for each in made] == [0] * BACKUPS
    assert [verify(scene.vault, each).problems for each in made] == [()] * BACKUPS


def test_what_is_removed_while_it_is_copied_is_not_in_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = _Making._keep_store

    def remove_and_keep(making: _Making, named: Named) -> frozenset[str]:
        monkeypatch.undo()
        with scene.tables() as (jobs, catalogue):
            catalogue.remove("ada", catalogue.recordings("ada")[0].id, scene.store.remove)
            (job,) = jobs.jobs()
            scene.store.remove(scene.store.key_of(job.output))
            jobs.prune(-1.0)
        return keep(making, named)

    monkeypatch.setattr(_Making, "_keep_store", remove_and_keep)
    made = scene.back_up()
    assert (made.lost, made.rows["jobs"]["jobs"], made.rows["jobs"]["recordings"]) == (0, 0, 0)


def _come(scene: Scene, ended: threading.Event, seed: random.Random) -> None:
    while not ended.is_set():
        source = scene.add_recording("bob", seed.randbytes(2000), f"{seed.random()}.wav")
        scene.add_result("bob", source, {"manifest.json": seed.randbytes(100), "speaker_1.flac": seed.randbytes(1000)})
        ended.wait(0.02)


def _go(scene: Scene, ended: threading.Event, seed: random.Random) -> None:
    store = scene.store
    while not ended.is_set():
        with scene.tables() as (jobs, catalogue):
            for each in catalogue.recordings("bob")[20:]:
                catalogue.remove("bob", each.id, store.remove)
            before = time.time() - 1.0
            for job in jobs.jobs(owner="bob", states=[State.SUCCEEDED]):
                if (job.finished_at or before) < before:
                    store.remove(store.key_of(job.output))
            jobs.prune(time.time() - before, owner="bob")
        ended.wait(0.1)


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_a_recording_that_is_lost_is_named_and_the_rest_is_kept(
    what: str, scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = [path for path in (scene.folder / "store" / "blobs").rglob("*") if path.is_file()]
    {"gone": path.unlink, "changed": lambda: _replace(path, b"something else")}[what]()
    monkeypatch.setattr("speaksep_hub.backup.create.PATIENCE_S", 0.1)
    monkeypatch.setenv("SPEAKSEP_HUB__HUB__FOLDER", str(scene.folder))
    assert _code("backup", "create", "--at", scene.at) == 1
    assert keys.blob(path.name) in capsys.readouterr().err
    summary = scene.vault.summary("latest")
    assert scene.vault.listing(summary).lost == (keys.blob(path.name),)
    assert verify(scene.vault, summary).problems == ()


def _replace(path: Path, data: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(data)


def test_a_result_that_is_lost_is_named(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speaksep_hub.backup.create.PATIENCE_S", 0.1)
    scene.store.remove(scene.store.children(keys.owned("ada"))[0])
    assert scene.back_up().lost == 1


def test_a_damaged_database_is_said_so_and_no_backup_is_made(scene: Scene) -> None:
    with (scene.folder / "jobs.sqlite3").open("r+b") as file:
        file.seek(4096 * 3)
        file.write(random.Random(1).randbytes(4096 * 6))
    with pytest.raises(StoreError) as refused:
        scene.back_up()
    assert refused.value.reason == "store-damaged"
    assert whole(scene) == []


def test_a_backup_that_is_killed_is_none_and_the_next_one_is(scene: Scene) -> None:
    for number in range(30):
        scene.add_recording("ada", random.Random(number).randbytes(200_000), f"{number}.wav")
    command = [sys.executable, "-m", "speaksep_kernel.cli", "backup", "create", "--at", scene.at]
    environment = os.environ | {"SPEAKSEP_HUB__HUB__FOLDER": str(scene.folder)}
    for number in range(KILLS):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        _until(lambda number=number: len(stored(scene)) > 4 * number, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = whole(scene)
    assert scene.back_up().lost == 0
    assert verify(scene.vault, scene.vault.summary("latest")).problems == ()
    assert len(whole(scene)) == len(before) + 1


def _until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + 60
    while not holds() and process.poll() is None:
        assert time.monotonic() < end_s
        time.sleep(0.002)


def test_a_full_disk_leaves_no_backup_and_says_so(scene: Scene) -> None:
    done = speaksep(scene, "create", limit_bytes=90_000)
    assert done.returncode == 2
    assert json.loads(done.stdout or done.stderr)["reason"] in ("disk-full", "store-full")
    assert whole(scene) == []
    assert scene.back_up().lost == 0


@pytest.mark.parametrize("key", [None, KEY], ids=["open", "sealed"])
@pytest.mark.parametrize("how", ["missing", "cut", "changed"])
def test_damage_is_found_and_mended_by_the_next_backup(how: str, key: str | None, tmp_path: Path) -> None:
    scene = Scene.new(tmp_path / "hub", tmp_path / "backups", key)
    scene.add_recording("ada", b"RIFF" + bytes(100_000))
    summary = scene.back_up()
    path = max(stored(scene), key=lambda path: path.stat().st_size)
    data = path.read_bytes()
    path.unlink()
    for changed in {"missing": [], "cut": [data[:-1]], "changed": [data[:500] + b"!" + data[501:]]}[how]:
        path.write_bytes(changed)
    assert [problem.split(": ")[1] for problem in verify(scene.vault, summary, discard=True).problems] == [
        "missing" if how == "missing" else "damaged"
    ]
    scene.back_up()
    assert verify(scene.vault, summary).problems == ()


def test_nothing_is_touched_where_a_backup_is_not_whole(scene: Scene, tmp_path: Path) -> None:
    scene.back_up()
    path = max(stored(scene), key=lambda path: path.stat().st_size)
    path.unlink()
    other = Scene.new(tmp_path / "other", scene.at)
    with pytest.raises(StoreError, match="missing or cut off"):
        other.restored()
    assert not other.folder.exists()


def test_a_list_that_was_changed_is_refused(scene: Scene) -> None:
    summary = scene.back_up()
    path = Path(scene.at, "backups", f"{summary.id}.files")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(StoreError, match="not the one that was written"):
        verify(scene.vault, summary)


def test_old_backups_go_with_what_only_they_held_and_the_newest_stays(scene: Scene) -> None:
    scene.back_up()
    with scene.tables() as (_, catalogue):
        catalogue.remove("ada", catalogue.recordings("ada")[0].id, scene.store.remove)
    newest = scene.back_up()
    assert prune(scene.vault, 1).backups == ()
    done = prune(scene.vault, 0)
    assert len(done.backups) == 1
    assert done.bytes > 100_000
    assert whole(scene) == [newest.id]
    assert verify(scene.vault, newest).problems == ()
    assert prune(scene.vault, 0).backups == ()


def test_nothing_is_removed_while_a_backup_is_made_nor_the_other_way_round(scene: Scene) -> None:
    scene.back_up()
    over = scene.vault.begin("20260101T000000Z-abcdef.making", beside=".pruning")
    with pytest.raises(InputError, match="under way"):
        prune(scene.vault, 0)
    scene.back_up()  # two at once are fine
    over()
    over = scene.vault.begin("prune.pruning", beside=".making")
    with pytest.raises(InputError, match="under way"):
        scene.back_up()
    over()
    assert len(whole(scene)) == 2


@pytest.mark.parametrize(
    ("made", "asked", "reason"),
    [
        (KEY, None, "key-needed"),
        (KEY, "another key of the tests", "wrong-key"),
        (None, KEY, "no-key"),
        (KEY, "short", "bad-key"),
    ],
)
def test_a_key_that_does_not_open_is_named(made: str | None, asked: str | None, reason: str, tmp_path: Path) -> None:
    Vault.open(str(tmp_path), made, make=True)
    with pytest.raises(InputError) as refused:
        Vault.open(str(tmp_path), asked)
    assert refused.value.reason == reason


def test_who_has_no_key_learns_nothing_of_what_is_in_it(tmp_path: Path) -> None:
    scene = Scene.new(tmp_path / "hub", tmp_path / "backups", KEY)
    data = b"RIFF" + b"what they said" * 1000
    source = scene.add_recording("ada-lovelace", data, "secret-meeting.wav")
    scene.back_up()
    everything = b"".join(
        str(path).encode() + path.read_bytes() for path in Path(scene.at).rglob("*") if path.is_file()
    )
    sha256 = Path(source).parent.name
    assert not any(
        word in everything for word in (b"what they said", b"ada-lovelace", b"secret-meeting", sha256.encode())
    )


@pytest.mark.parametrize("length", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_what_is_sealed_is_the_same_again_and_as_large_as_said(length: int) -> None:
    seals, data = Seals.of(KEY, bytes(16)), random.Random(length).randbytes(length)
    sealed = b"".join(seals.seal("name", [data[:7], data[7:]]))
    assert len(sealed) == sealed_bytes(length)
    assert b"".join(seals.unseal("name", [sealed[:1000], sealed[1000:]])) == data


@pytest.mark.parametrize(
    "damage",
    [
        lambda chunks: chunks[:-1],
        lambda chunks: [chunks[1], chunks[0], *chunks[2:]],
        lambda chunks: [chunks[0], chunks[0], *chunks[2:]],
        lambda chunks: [*chunks, chunks[-1]],
        lambda chunks: [],
    ],
    ids=["end-cut-off", "swapped", "twice", "end-again", "nothing"],
)
def test_chunks_cannot_be_moved_or_left_out(damage: Callable[[list[bytes]], list[bytes]]) -> None:
    seals = Seals.of(KEY, bytes(16))
    chunks = list(seals.seal("name", [bytes(3 * CHUNK_BYTES)]))
    with pytest.raises(StoreError, match="not what was put"):
        list(seals.unseal("name", damage(chunks)))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["create"], "no-backup-place"),
        (["list", "--at", "{folder}/nowhere"], "no-backups"),
        (["verify", "--at", "{folder}"], "no-backups"),
        (["restore", "nonsense", "--at", "{at}"], "unknown-backup"),
        (["restore", "../../etc/passwd", "--at", "{at}"], "unknown-backup"),
        (["list", "--at", "{at}", "--key-file", "{folder}/none"], "bad-key"),
    ],
)
def test_what_cannot_be_done_is_said(
    words: list[str], reason: str, scene: Scene, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.back_up()
    monkeypatch.setenv("SPEAKSEP_HUB__HUB__FOLDER", str(scene.folder))
    said = [word.format(at=scene.at, folder=scene.folder) for word in words]
    assert _code("backup", *said, "--json") == 2
    assert json.loads(capsys.readouterr().out)["reason"] == reason


def test_the_verbs_in_words(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEAKSEP_HUB__HUB__FOLDER", str(scene.folder))
    monkeypatch.setenv("SPEAKSEP_HUB__BACKUP__TO", scene.at)
    key = tmp_path / "key"
    key.write_text(f"{KEY}\n")
    for words in (["create"], ["list"], ["verify"], ["prune", "--keep-days", "1"]):
        assert _code("backup", *words, "--key-file", str(key)) == 0
    monkeypatch.setenv("SPEAKSEP_HUB__HUB__FOLDER", str(tmp_path / "other"))
    assert _code("backup", "restore", "--key-file", str(key)) == 0
    said = capsys.readouterr().out
    for words in (
        "6 of them new",
        "1 people, 1 jobs",
        "are as they were written",
        "0 backups, 0 files",
        "restored as of",
    ):
        assert words in said


def _code(*words: str) -> int:
    with suppress(SystemExit):
        return main(list(words))
    return -1
