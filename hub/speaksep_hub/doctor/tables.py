"""Whether databases answer, and whether their tables are those that this version works with."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from speaksep_hub.local.folder import Folder
from speaksep_hub.settings import Settings
from speaksep_kernel.errors import SpeakSepError

if TYPE_CHECKING:
    from sqlalchemy import Engine

PATIENCE_S = 5
WAITED_S = 900.0
"""A job that waits longer, while nobody works, waits for a worker that is not there."""


def hub_database(settings: Settings) -> str | tuple[str, str]:
    """The hub's own tables.

    Raises
    ------
    SpeakSepError
        They cannot be reached, or a hub would refuse them.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    from speaksep_hub.configuration import database_url

    place = settings.hub.kept("hub.sqlite")
    if settings.hub.database is None and not place.exists():
        return "SQLite in the folder, made at the first start"
    url = make_url(database_url(settings, Folder(settings.hub.kept())))
    shown = url.render_as_string() if settings.hub.database else "SQLite in the folder"
    remote = url.get_backend_name() == "postgresql"
    try:
        engine = create_engine(url, connect_args={"connect_timeout": PATIENCE_S} if remote else {})
        try:
            return _hub_revision(engine, shown, by_itself=settings.hub.database is None)
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        raise SpeakSepError(
            f"{shown} does not answer: {str(error).splitlines()[0]}",
            hint="check hub.database, and pip install 'speaksep[postgresql]'",
        ) from None


def _hub_revision(engine: Engine, shown: str, *, by_itself: bool) -> str | tuple[str, str]:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from jupyterhub.dbutil import ALEMBIC_DIR
    from sqlalchemy import inspect, text

    with engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        asked = text("SELECT version_num FROM alembic_version")
        now = connection.execute(asked).scalar() if "alembic_version" in tables else None
    config = Config()
    config.set_main_option("script_location", str(ALEMBIC_DIR))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    wanted = scripts.get_current_head()
    if now == wanted:
        return f"{shown} answers, its tables are current"
    if now is None:
        return f"{shown} answers, its tables are made at the first start"
    if now not in {each.revision for each in scripts.walk_revisions()}:
        raise SpeakSepError(
            f"{shown}: its tables ({now}) are of a later JupyterHub",
            hint="install the version that made them, or restore a backup from before: speaksep backup restore",
        )
    behind = f"{shown}: its tables ({now}) are of an earlier JupyterHub, this one needs {wanted}"
    if by_itself:
        return behind, "they are copied and brought up to date at the next start; a backup first does no harm"
    raise SpeakSepError(behind, hint="make a backup, then: jupyterhub upgrade-db -f jupyterhub_config.py")


def jobs(settings: Settings) -> str | tuple[str, str]:
    """The job table and the catalogue, and whether somebody works.

    Raises
    ------
    SpeakSepError
        They cannot be reached, a later version made them, or jobs wait and nobody works.
    """
    from speaksep_hub.service.platform import jobs_place
    from speaksep_kernel.catalogue.tables import SCHEMA
    from speaksep_kernel.jobs.database import JOBS, engine_of, revision_of, revisions_of, url_of

    url = url_of(jobs_place(settings))
    if url.get_backend_name() == "sqlite" and not os.path.exists(str(url.database)):
        return f"none yet in {url.database}"
    engine = engine_of(url, patience_s=PATIENCE_S)
    behind = []
    try:
        for schema in (JOBS, SCHEMA):
            now = revision_of(engine, schema)
            if now is not None and now not in revisions_of(schema):
                raise SpeakSepError(
                    f"the {schema.name} has revision {now}, this version knows those up to {schema.revision}",
                    hint="install the version that made it, or have that one bring it down: speaksep jobs schema",
                )
            if now not in (None, schema.revision):
                behind.append(f"{schema.name} {now}, needed is {schema.revision}")
    finally:
        engine.dispose()
    if behind:
        hint = "make a backup (speaksep backup create); whoever starts next brings the tables up to date"
        return f"tables of an earlier version: {'; '.join(behind)}", hint
    return _queue(jobs_place(settings))


def _queue(place: str) -> str | tuple[str, str]:
    from speaksep_kernel.jobs.queue import JobTable
    from speaksep_kernel.jobs.states import State

    with JobTable.open(place, patience_s=PATIENCE_S) as table:
        counts, due = table.counts(), table.claimable()
        first = table.jobs(states=(State.QUEUED,), limit=1)
    waits_s = time.time() - first[0].created_at if first else 0.0
    found = f"{counts[State.QUEUED]} wait, {counts[State.RUNNING]} run, {counts[State.FAILED]} failed"
    if due and not counts[State.RUNNING] and waits_s > WAITED_S:
        raise SpeakSepError(
            f"{found}; the oldest waits for {waits_s / 60:.0f} minutes, and nobody works",
            hint="start a worker, or look into its log: speaksep jobs work",
        )
    return found
