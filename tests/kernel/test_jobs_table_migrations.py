"""Places of the table: making it, bringing it up and down, and what is said where none can be."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from speaksep_kernel.errors import InputError, StoreError
from speaksep_kernel.jobs import database
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.tables import REVISION, metadata

ROOT = Path(__file__).parents[2]


def test_migrations_make_exactly_the_tables_of_the_code(empty_place: str) -> None:
    JobTable.open(empty_place).close()
    engine = database.engine_of(database.url_of(empty_place), patience_s=5)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == REVISION
    engine.dispose()


def test_down_leaves_nothing_and_up_makes_it_anew(empty_place: str) -> None:
    with JobTable.open(empty_place) as table:
        table.submit(JobRequest(notebook="separate"))
    engine = database.engine_of(database.url_of(empty_place), patience_s=5)
    database.migrate(engine, "base")
    assert [name for name in inspect(engine).get_table_names() if name in metadata.tables] == []
    database.migrate(engine, "base")
    database.migrate(engine)
    engine.dispose()
    with JobTable.open(empty_place) as table:
        assert table.jobs() == []


def test_jobs_of_the_first_version_are_kept(empty_place: str) -> None:
    JobTable.open(empty_place).close()
    engine = database.engine_of(database.url_of(empty_place), patience_s=5)
    database.migrate(engine, "0001")
    old = (
        "INSERT INTO jobs (id, notebook, parameters, output, owner, priority, device, max_attempts, max_losses, state,"
        " attempt, failures, losses, beat, fraction, stage, message, created_at) VALUES ('a', 'separate', '{}', '\"\"',"
        " 'ann', 0, 'auto', 3, 10, 'queued', 0, 0, 0, 0, 0, '', '', 1.0)"
    )
    with engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql(old)
    engine.dispose()
    with JobTable.open(empty_place) as table:
        assert [(job.id, job.owner, job.about) for job in table.jobs()] == [("a", "ann", None)]


def test_many_may_open_a_table_that_is_not_there_yet(empty_place: str) -> None:
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with JobTable.open(empty_place) as table:
                table.submit(JobRequest(notebook="separate", key=str(number % 3)))
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with JobTable.open(empty_place) as table:
        assert sorted(job.key or "" for job in table.jobs()) == ["0", "1", "2"]


def test_a_table_of_a_later_version_is_left_alone(place: str) -> None:
    engine = database.engine_of(database.url_of(place), patience_s=5)
    with engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    try:
        with pytest.raises(StoreError, match="has revision '9999', this SpeakSep knows those up to") as error:
            JobTable.open(place)
        assert error.value.reason == "store-newer"
    finally:
        with engine.execution_options(writes=True).begin() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{REVISION}'")
        engine.dispose()


def test_migrations_travel_in_the_wheel(tmp_path: Path) -> None:
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, tmp_path], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("speaksep_kernel/jobs/migrations/")}
    sources = (ROOT / "speaksep_kernel/jobs/migrations").rglob("*.*")
    assert packed == {str(path.relative_to(ROOT)) for path in sources if path.suffix in (".py", ".mako")}
    assert any(name.startswith(f"speaksep_kernel/jobs/migrations/versions/{REVISION}_") for name in packed)


def test_sqlite_writes_ahead_and_waits_for_the_disk(empty_sqlite: str) -> None:
    with JobTable.open(empty_sqlite), sqlite3.connect(empty_sqlite) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()
    engine = database.engine_of(database.url_of(empty_sqlite), patience_s=7)
    with engine.connect() as connection:
        settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "busy_timeout")]
        assert settings == [2, 7000]
    engine.dispose()


def test_a_new_folder_is_the_owners_alone(empty_sqlite: str) -> None:
    JobTable.open(empty_sqlite).close()
    assert stat.S_IMODE(Path(empty_sqlite).parent.stat().st_mode) == 0o700


def test_the_place_comes_from_the_environment_or_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPEAKSEP_JOBS", str(tmp_path / "mine.sqlite3"))
    with JobTable.open() as table:
        assert table.url == str(tmp_path / "mine.sqlite3")
    monkeypatch.delenv("SPEAKSEP_JOBS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert database.default_place() == str(tmp_path / "speaksep" / "jobs.sqlite3")


@pytest.mark.parametrize(
    "mark", ["", "%", "?", "#", " ", "ü"], ids=["none", "percent", "query", "hash", "space", "umlaut"]
)
def test_any_path_can_hold_a_table(tmp_path: Path, mark: str) -> None:
    place = tmp_path / f"a{mark}b" / f"c{mark}d.sqlite3"
    with JobTable.open(place) as table, JobTable.open(table.url) as again:
        job = table.submit(JobRequest(notebook="separate"))
        assert again.jobs() == [job]
    assert place.exists()


@pytest.mark.parametrize(
    "place",
    ["sqlite://", "sqlite:///:memory:", "mysql://ada:secret@host/x", "nonsense://", "://", "postgresql://host:port/x"],
)
def test_places_that_can_hold_no_table_are_named_without_their_password(place: str) -> None:
    with pytest.raises(InputError) as error:
        JobTable.open(place)
    assert error.value.reason == "bad-database"
    assert "postgresql://" in error.value.hint
    assert "secret" not in str(error.value)


def _folder(path: Path) -> None:
    path.mkdir()


def _text(path: Path) -> None:
    path.write_text("no table" * 1000)


def _dangling(path: Path) -> None:
    path.symlink_to(path.parent / "not" / "there")


def _torn(path: Path) -> None:
    JobTable.open(path).close()
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    ("make", "reason"),
    [(_folder, "store-failed"), (_text, "store-damaged"), (_dangling, "store-failed"), (_torn, "store-damaged")],
    ids=["folder", "text", "dangling", "torn"],
)
def test_files_that_are_no_tables_are_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    place = tmp_path / "jobs.sqlite3"
    make(place)
    with pytest.raises(StoreError, match=r"jobs\.sqlite3") as error:
        JobTable.open(place).submit(JobRequest(notebook="separate"))
    assert (error.value.reason, bool(error.value.hint)) == (reason, True)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot make the folder") as error:
        JobTable.open(tmp_path / "file" / "jobs.sqlite3")
    assert error.value.reason == "store-failed"


@pytest.mark.parametrize(
    "where", ["/nobody?host=/nowhere", "ada:secret@127.0.0.1:1/jobs"], ids=["no-socket", "no-server"]
)
def test_a_server_that_does_not_answer_is_told_at_once_without_the_password(where: str) -> None:
    with pytest.raises(StoreError, match="job table postgresql") as error:
        JobTable.open(f"postgresql://{where}")
    assert error.value.reason == "store-unreachable"
    assert "secret" not in str(error.value)


def test_opening_a_table_that_is_up_to_date_needs_no_alembic(fresh_sqlite: str) -> None:
    look = (
        "import sys; from speaksep_kernel.jobs.queue import JobTable; JobTable.open(sys.argv[1]).close();"
        " print({'alembic', 'sqlalchemy.orm', 'torch', 'pydantic', 'papermill'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", look, fresh_sqlite], check=True, capture_output=True, text=True)
    assert told.stdout == "set()\n"
