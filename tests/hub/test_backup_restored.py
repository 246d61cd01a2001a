"""What is in a backup comes back as it was: into the same place, another one, another kind of database or store."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.utils import compare_token
from sqlalchemy import create_engine, text

from speaksep_hub.audit.log import AuditLog
from speaksep_hub.audit.verify import verify as verify_trail
from speaksep_hub.backup.database import closing_engine
from speaksep_hub.backup.verify import verify
from speaksep_hub.local.folder import Folder
from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.states import State
from speaksep_kernel.store import keys
from tests.hub.backup_scene import KEY, Scene
from tests.kernel.database_servers import PostgreSql
from tests.kernel.s3_server import S3Server

FILES = {"manifest.json": b'{"speakers": []}', "speaker_1.flac": b"fLaC" * 500_000, "deep/er.txt": b""}
TALK = b"RIFF" + bytes(range(256)) * 9000


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgreSql]:
    server = PostgreSql()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return filled(Scene.new(tmp_path / "hub", tmp_path / "backups"))


def filled(scene: Scene) -> Scene:
    """With somebody, a recording, a result, a job that waits, one that runs, an upload, a voice book and a trail."""
    Folder.open(scene.folder)
    scene.add_person("ada")
    source = scene.add_recording("ada", TALK)
    scene.add_result("ada", source, FILES)
    with scene.tables() as (jobs, catalogue):
        store = scene.store
        for name in ("running", "waiting"):
            output = store.address(keys.result("ada", name))
            jobs.submit(
                JobRequest(notebook="separate", parameters={"source": source}, output=output, owner="ada", key=name)
            )
        jobs.claim("somebody", lease_s=30)
        catalogue.uploads.begin("ada", "more.wav", 1000, keep_s=3600)
        catalogue.shares.create("ada", kind="recording", what={"job": jobs.jobs(owner="ada")[-1].id}, users=["vera"])
    (scene.folder / "voices").mkdir(mode=0o700)
    (scene.folder / "voices" / "book.json").write_text('{"voices": []}')
    AuditLog.of(scene.settings, "test").record("sign-out", actor="ada")
    return scene


def as_it_is(scene: Scene) -> dict[str, Any]:
    """What people find, without where it lies."""
    store = scene.store
    with scene.tables() as (jobs, catalogue):
        (talk,) = catalogue.recordings("ada")
        done = jobs.jobs(states=[State.SUCCEEDED])[0]
        key = store.key_of(done.output)
        return {
            "jobs": [(job.id, job.key, job.state, job.attempt, store.key_of(job.output)) for job in jobs.jobs()],
            "sources": [store.key_of(job.parameters["source"]) for job in jobs.jobs()],
            "said": [event.message for event in jobs.events()],
            "talk": (talk.id, store.local(store.name(talk.sha256, talk.name)).read_bytes() == TALK),
            "files": {name: b"".join(store.read(f"{key}/{name}")) == FILES[name] for name in store.files(key)},
            "shares": [(share.id, share.what, share.users) for share in catalogue.shares.list("ada")],
            "book": (scene.folder / "voices" / "book.json").read_text(),
        }


def hub_rows(scene: Scene, words: str) -> list[Any]:
    with closing_engine(create_engine(scene.hub_url)) as engine, engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(words))]


@pytest.mark.parametrize("key", [None, KEY], ids=["open", "sealed"])
def test_everything_comes_back_where_it_was(key: str | None, tmp_path: Path) -> None:
    scene = filled(Scene.new(tmp_path / "hub", tmp_path / "backups", key))
    before = as_it_is(scene)
    made = scene.back_up()
    assert (made.lost, made.sealed) == (0, scene.key is not None)
    shutil.rmtree(scene.folder)
    done = scene.restored()
    assert as_it_is(scene) == before
    assert done.rows["jobs"]["jobs"] == 3
    assert set(before["files"]) == set(FILES)
    assert verify_trail(scene.folder / "audit").problems == ()
    assert all(mode & 0o077 == 0 for mode in modes(scene.folder))


def modes(folder: Path) -> list[int]:
    return [path.stat().st_mode for path in folder.iterdir()]


def test_a_token_of_the_hub_is_good_and_no_server_is_taken_for_running(scene: Scene) -> None:
    scene.back_up()
    shutil.rmtree(scene.folder)
    scene.restored()
    ((hashed,),) = hub_rows(scene, "SELECT hashed FROM api_tokens")
    assert compare_token(hashed, "0123456789abcdefada")
    assert hub_rows(scene, "SELECT user_id, server_id, state FROM spawners") == [(7, None, None)]
    assert hub_rows(scene, "SELECT encrypted_auth_state FROM users") == [(b"\x00sealed",)]
    assert hub_rows(scene, "SELECT * FROM servers") == []


def test_elsewhere_every_address_is_the_new_one(scene: Scene, tmp_path: Path) -> None:
    before = as_it_is(scene)
    scene.back_up()
    other = Scene.new(tmp_path / "other", scene.at, scene.key)
    shutil.rmtree(scene.folder)
    other.restored()
    assert as_it_is(other) == before
    told = (
        sqlite3.connect(other.folder / "jobs.sqlite3").execute("SELECT parameters, output, result FROM jobs").fetchall()
    )
    assert str(scene.folder) not in str(told)


@pytest.mark.parametrize("direction", ["to", "from"])
def test_sqlite_and_postgresql_become_each_other(direction: str, postgres: PostgreSql, tmp_path: Path) -> None:
    place = {"service": {"jobs": postgres.empty()}}
    first, then = ({}, place) if direction == "to" else (place, {})
    old = filled(Scene.new(tmp_path / "old", tmp_path / "backups", **first))
    before = as_it_is(old)
    old.back_up()
    new = Scene.new(tmp_path / "new", tmp_path / "backups", **then)
    new.restored()
    assert as_it_is(new) == before
    with new.tables() as (jobs, _):
        assert (
            jobs.submit(JobRequest(notebook="separate", parameters={}, output="x", owner="ada")).state is State.QUEUED
        )


def test_the_hubs_tables_may_be_in_postgresql(postgres: PostgreSql, tmp_path: Path) -> None:
    place = {"hub": {"database": postgres.empty()}}
    scene = Scene.new(tmp_path / "hub", tmp_path / "backups", **place)
    scene.add_person("ada")
    scene.back_up()
    postgres.empty()
    scene.restored()
    assert hub_rows(scene, "SELECT name FROM users") == [("ada",)]
    assert hub_rows(scene, "INSERT INTO groups (name, properties) VALUES ('lab', '{}') RETURNING id") == [(3,)]


def test_store_and_backups_in_s3(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    scene = filled(Scene.new(tmp_path / "hub", s3.bucket(), KEY, store={"url": s3.bucket()}))
    before = as_it_is(scene)
    made = scene.back_up()
    assert verify(scene.vault, made).problems == ()
    assert scene.back_up().new_bytes < 4000
    shutil.rmtree(scene.folder)
    other = Scene.new(tmp_path / "hub", scene.at, KEY)  # its results are in a directory from now on
    other.restored()
    assert as_it_is(other) == before


def test_no_number_is_given_twice(scene: Scene) -> None:
    asked = JobRequest(notebook="separate", parameters={}, output="x", owner="bob")
    with scene.tables() as (jobs, _):
        jobs.cancel(jobs.submit(asked).id)
        last = jobs.newest_event()
        jobs.prune(-1.0, owner="bob")
    scene.back_up()
    shutil.rmtree(scene.folder)
    scene.restored()
    with scene.tables() as (jobs, _):
        assert jobs.newest_event() < last
        jobs.submit(asked)
        assert jobs.newest_event() == last + 1


def test_a_job_that_ran_is_run_again_and_an_upload_begins_anew(scene: Scene) -> None:
    scene.back_up()
    shutil.rmtree(scene.folder)
    scene.restored()
    with scene.tables() as (jobs, catalogue):
        assert [job.key for job in jobs.jobs(states=[State.RUNNING])] == ["running"]
        assert catalogue.usage("ada").announced_bytes == 0


def test_settings_are_there_to_be_read_and_hold_no_secret(tmp_path: Path) -> None:
    secrets = {"cookie": "c0ffee" * 8, "service": "a-secret-of-the-service"}
    scene = Scene.new(tmp_path / "hub", tmp_path / "backups", secrets=secrets, backup={"key": KEY})
    filled(scene)
    (scene.folder / "secrets" / "cookie").write_text("5ec2e7" * 10)
    scene.back_up()
    everything = b"".join(path.read_bytes() for path in Path(scene.at).rglob("*") if path.is_file())
    assert not any(word.encode() in everything for word in (*secrets.values(), KEY, "5ec2e7"))
    shutil.rmtree(scene.folder)
    scene.restored()
    told = (scene.folder / "restored" / "settings.toml").read_text()
    assert 'cookie = "********"' in told
    assert os.listdir(scene.folder / "secrets") == []


def test_homes_are_in_it_if_that_is_wanted(tmp_path: Path) -> None:
    scene = filled(Scene.new(tmp_path / "hub", tmp_path / "backups", backup={"homes": True}))
    home = scene.folder / "homes" / "ada"
    (home / "work").mkdir(parents=True)
    (home / "work" / "mine.ipynb").write_text("{}")
    (home / "elsewhere").symlink_to("/etc/passwd")
    scene.back_up()
    shutil.rmtree(scene.folder)
    scene.restored()
    assert [path.name for path in sorted(home.rglob("*"))] == ["work", "mine.ipynb"]


def test_nothing_is_overwritten(scene: Scene) -> None:
    scene.back_up()
    with pytest.raises(InputError, match="already") as refused:
        scene.restored()
    assert refused.value.reason == "not-empty"
    with pytest.raises(InputError, match="already"):  # nor the second time
        scene.restored()
    (scene.folder / "hub.sqlite").unlink()
    (scene.folder / "jobs.sqlite3").unlink()
    (scene.folder / "voices" / "book.json").write_text("of today")
    with pytest.raises(InputError, match=r"book\.json is there already"):
        scene.restored()


def test_nothing_is_restored_below_a_platform_that_runs(scene: Scene) -> None:
    scene.back_up()
    lock = Folder.open(scene.folder).claim()
    with pytest.raises(InputError, match="runs in"):
        scene.restored()
    os.close(lock)


def test_a_restore_that_was_interrupted_goes_on(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    before = as_it_is(scene)
    scene.back_up()
    shutil.rmtree(scene.folder)
    with monkeypatch.context() as patched:
        patched.setattr("speaksep_hub.backup.restore._Putting.jobs", _fail)
        with pytest.raises(OSError, match="power cut"):
            scene.restored()
    scene.restored()
    assert as_it_is(scene) == before
    assert not (scene.folder / "restoring.json").exists()


def _fail(*given: object) -> None:
    raise OSError("power cut")


def test_a_jupyterhub_with_other_tables_is_named(scene: Scene) -> None:
    with closing_engine(create_engine(scene.hub_url)) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'other'"))
    scene.back_up()
    shutil.rmtree(scene.folder)
    with pytest.raises(StoreError, match="has others"):
        scene.restored()
    assert not list((scene.folder / "store").rglob("*.flac"))


def test_tables_of_a_later_version_are_named(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.folder / "jobs.sqlite3")) as database:
        database.execute("UPDATE catalogue_version SET version_num = '9999'")
        database.commit()
    scene.back_up()
    shutil.rmtree(scene.folder)
    with pytest.raises(StoreError, match="9999") as refused:
        scene.restored()
    assert refused.value.reason == "store-newer"
