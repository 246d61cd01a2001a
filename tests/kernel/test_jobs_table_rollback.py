"""A later version over the tables of this one, and the way back, with jobs in the queue."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from speaksep_kernel.catalogue.tables import SCHEMA as CATALOGUE
from speaksep_kernel.cli import main
from speaksep_kernel.errors import StoreError
from speaksep_kernel.jobs.database import JOBS, engine_of, migrate, revisions_of, url_of
from speaksep_kernel.jobs.job import JobRequest
from speaksep_kernel.jobs.queue import JobTable
from speaksep_kernel.jobs.tables import REVISION
from tests.kernel.table_contents import contents, fill, known_in

PACKAGE = Path(__file__).parents[2] / "speaksep_kernel"
LATER = f'''
"""What a later version keeps with its jobs."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "9000", "{REVISION}"
branch_labels = depends_on = None


def upgrade():
    op.add_column("jobs", sa.Column("colour", sa.Text()))


def downgrade():
    op.drop_column("jobs", "colour")
'''


EMPTY = {"claims"}
"""Tables that hold something for moments only."""


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a later version: this one with one more migration."""
    folder = tmp_path_factory.mktemp("later")
    made = folder / "speaksep_kernel"
    (made / "jobs").mkdir(parents=True)
    own = {"jobs", "migrations", "tables.py", "__pycache__"}
    for each in [*PACKAGE.iterdir(), *(PACKAGE / "jobs").iterdir()]:
        place = made / each.relative_to(PACKAGE)
        place.name in own or place.symlink_to(each)
    shutil.copytree(PACKAGE / "jobs" / "migrations", made / "jobs" / "migrations")
    (made / "jobs" / "migrations" / "versions" / "9000_colour.py").write_text(LATER)
    tables = (PACKAGE / "jobs" / "tables.py").read_text()
    (made / "jobs" / "tables.py").write_text(tables.replace(f'REVISION = "{REVISION}"', 'REVISION = "9000"'))
    return folder


def with_later(later: Path, *words: str) -> str:
    """What the later version prints."""
    told = os.environ | {"PYTHONPATH": str(later), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "speaksep_kernel.cli", *words]
    return subprocess.run(command, cwd=later, env=told, capture_output=True, text=True, check=True).stdout


def needed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What this version says that it needs, as the other is told it."""
    capsys.readouterr()
    assert main(["jobs", "schema", "--needed"]) == 0
    return capsys.readouterr().out.split()


def test_a_later_version_and_back_lose_no_job(
    later: Path, empty_place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with JobTable.open(empty_place) as table:
        mine = table.submit(JobRequest(notebook="separate", key="mine"))
    listed = json.loads(with_later(later, "jobs", "list", "--json", "--jobs", empty_place))
    assert [job["id"] for job in listed["jobs"]] == [mine.id]
    assert with_later(later, "jobs", "schema", "--jobs", empty_place).startswith("jobs=9000 ")
    with pytest.raises(StoreError, match="revision '9000'") as error:
        JobTable.open(empty_place)
    assert error.value.reason == "store-newer"
    assert "jobs schema" in error.value.hint
    with_later(later, "jobs", "schema", "--jobs", empty_place, *needed(capsys))
    with JobTable.open(empty_place) as table:
        assert table.jobs() == [mine]
        more = table.submit(JobRequest(notebook="separate", key="more"))
    again = json.loads(with_later(later, "jobs", "list", "--json", "--jobs", empty_place))
    assert {job["id"] for job in again["jobs"]} == {mine.id, more.id}


def test_every_revision_and_back_keeps_what_it_has_a_place_for(empty_place: str) -> None:
    fill(empty_place)
    engine = engine_of(url_of(empty_place), patience_s=30.0)
    full = contents(engine)
    assert [name for name, rows in full.items() if not rows and name not in EMPTY] == []
    for schema in (CATALOGUE, JOBS):
        for revision in reversed(revisions_of(schema)):
            migrate(engine, revision, schema)
            there = contents(engine)
            assert there == known_in(full, there), revision
            migrate(engine, schema=schema)
            again = contents(engine)
            assert set(again) == set(full)
            assert known_in(again, there) == there, revision
            full = again
    engine.dispose()
    with JobTable.open(empty_place) as table:
        assert [job.state for job in table.jobs()].count("queued") == 1


def test_revisions_are_told_and_changed(empty_sqlite: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "schema", "--jobs", empty_sqlite]) == 0
    assert capsys.readouterr().out == "jobs=base catalogue=base\n"
    wanted = needed(capsys)
    assert main(["jobs", "schema", "--jobs", empty_sqlite, "--json", *wanted]) == 0
    assert [f"{name}={value}" for name, value in json.loads(capsys.readouterr().out).items()] == wanted


@pytest.mark.parametrize("word", ["jobs=7", "jobs", "stars=0001", "jobs=0001=2"])
def test_a_revision_that_there_is_not_is_named(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "schema", "--json", word]) == 2
    said = json.loads(capsys.readouterr().out)
    assert said["reason"] == "unknown-revision"
    assert repr(word) in said["error"]
